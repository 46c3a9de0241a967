"""Whole records for tests of what is done with them."""

from redl.record import (
    HERE,
    CarbonIntensity,
    CarbonTrackerFigures,
    Conditions,
    Counts,
    DataSummary,
    Divergence,
    DivergenceKind,
    Energy,
    EnergyComponent,
    EnergyKind,
    EnergyReading,
    Epoch,
    FastPath,
    Flags,
    Fractions,
    GpuConditions,
    Inference,
    Latency,
    Memory,
    Metrics,
    PhaseConditions,
    PredictedMemory,
    Pretrained,
    Pue,
    Recipe,
    Record,
    Scores,
    Status,
    Training,
)
from redl.study.case import Case, Dataset, Model, Setting
from tests.helpers.changes import replace

SCORES = Scores(
    accuracy=0.9,
    subject_accuracy=0.9,
    auc=0.95,
    subject_auc=0.95,
    balanced_accuracy=0.9,
    sensitivity=0.9,
    specificity=0.9,
    sensitivity_at_90_specificity=0.9,
    specificity_reached_at_90=0.88,
    brier=0.1,
    ece=0.05,
    ece_if_calibrated=0.04,
)
COUNTS = Counts(train=60, valid=20, test=20)


def energy(*components, energy_wh, partial_wh=None, kind="measured"):
    """Return the energy of a case, the same in both phases."""
    reading = EnergyReading(
        energy_wh=energy_wh,
        energy_wh_partial=partial_wh,
        missing=() if energy_wh is not None else ("cpu",),
        co2eq_g=None,
        kind=EnergyKind(kind),
        duration_s=12.3,
        images=None,
        energy_wh_per_image=None,
        components=components,
        pue=Pue(value=1.0, source="default: the machine alone"),
        carbon_intensity=CarbonIntensity(g_per_kwh=445.0, source="world average", country=None, year=2024),
        warnings=(),
        reason_unavailable=None,
    )
    return Energy(train=reading, inference=reading)


GPU_CONDITIONS = GpuConditions(
    temperature_start_c=40.0,
    temperature_c=60.0,
    sm_clock_mhz=1980.0,
    power_limit_w=700.0,
    throttle_reasons=(),
    other_processes=0,
)
PHASE_CONDITIONS = PhaseConditions(
    processors=2,
    load_average_start=0.5,
    load_average_end=1.5,
    own_cpu_share=0.9,
    foreign_cpu_share=0.01,
    steal_share=0.0,
    cpu_temperature_start_c=45.0,
    cpu_temperature_c=60.0,
    cpu_clock_mhz=3000.0,
    gpus=(),
    settled_s=0.0,
    reasons=(),
)

WHOLE = Record(
    status=Status.COMPLETED,
    reason=None,
    warnings=(),
    case=Case(dataset=Dataset.RSNA, model=Model.DENSENET, setting=Setting.BASELINE, seed=1, profile="smoke"),
    recipe=Recipe(
        network="densenet121",
        reduced=False,
        overrides={},
        input_size=48,
        epochs=4,
        patience=4,
        batch_size=32,
        learning_rate=1e-3,
        image_size=48,
        weights_dtype="float32",
        autocast_dtype=None,
        grad_scaler=False,
        optimizer="Adam",
        optimizer_state_bits={"32": 6_948_609},
        pretrained=Pretrained(requested=False, loaded=False, source=None, sha256=None),
        flags=Flags(tf32=False, cudnn_benchmark=False, deterministic=True),
        fast_path=FastPath(resident=True, channels_last=False, fused=False),
    ),
    data=DataSummary(
        fingerprint="0" * 64,
        synthetic=True,
        options={"crop": True},
        subjects=COUNTS,
        images=COUNTS,
        unreadable=0,
        skipped=0,
        positive_fraction=Fractions(train=0.3, valid=0.3, test=0.3),
        majority_accuracy=0.7,
        ideal_accuracy=None,
    ),
    parameters=6_948_609,
    metrics=Metrics(valid=SCORES, test=SCORES),
    training=Training(
        epochs_run=1,
        best_epoch=1,
        seconds_to_best=12.3,
        seconds_to_stop=12.3,
        images_per_second=5.0,
        trace=(Epoch(epoch=1, train_loss=0.4, valid_loss=0.4, valid_accuracy=0.9, seconds=12.3),),
    ),
    inference=Inference(
        seconds=3.0,
        passes=2,
        images=40,
        images_per_second=13.3,
        latency=Latency(passes=20, median_seconds=0.02, p95_seconds=0.03),
    ),
    memory=Memory(
        device="cpu",
        train_peak_bytes=512_000_000,
        inference_peak_bytes=100_000_000,
        reserved_peak_bytes=None,
        inference_reserved_peak_bytes=None,
        process_peak_bytes=900_000_000,
        inference_process_peak_bytes=700_000_000,
        predicted=PredictedMemory(weights=4, gradients=4, optimizer_state=8, total=16),
        explanation=None,
        paper_compatible_bytes=None,
    ),
    energy=energy(energy_wh=None, kind="unavailable"),
    conditions=Conditions(train=PHASE_CONDITIONS, inference=PHASE_CONDITIONS),
    divergence=Divergence(ever=False, final=False, first_epoch=None, kinds=(), reasons=()),
    environment={"cpu": "a processor"},
    placement=HERE,
)

DIVERGED = Divergence(
    ever=True,
    final=True,
    first_epoch=2,
    kinds=(DivergenceKind.HARD,),
    reasons=("loss not finite in epoch 2",),
)


def component(name, energy_wh, kind, sensor):
    """Return what one component drew."""
    return EnergyComponent(
        component=name,
        energy_wh=energy_wh,
        kind=EnergyKind(kind),
        sensor=sensor,
        devices=(),
        scope=None,
        counter_wh=None,
        carbontracker=CarbonTrackerFigures(version="2.4.7", energy_wh_raw=None, energy_wh_corrected=None),
        ratio=None,
        n_samples=0,
        interval_s=None,
        coverage=None,
        warnings=(),
        reason_unavailable=None,
    )


ELSEWHERE = {"cpu": "another processor"}  # the environment of another machine


def record(setting=Setting.BASELINE, accuracy=0.9, **changes):
    """Return a whole record under `setting` with a test accuracy, and any section changed."""
    scores = replace(SCORES, accuracy=accuracy)
    given = {"case": replace(WHOLE.case, setting=setting), "metrics": Metrics(valid=SCORES, test=scores)}
    return replace(WHOLE, **(given | changes))


def broken(setting=Setting.AMP, status=Status.OOM):
    """Return the record of a case that ended early."""
    case = replace(WHOLE.case, setting=setting)
    return Record(status=status, reason="MemoryError: too large", warnings=("no figure",), case=case)
