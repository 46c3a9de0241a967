"""The sections of a record."""

from __future__ import annotations

from enum import StrEnum

from redl.record.strict import Number, Section


class EnergyKind(StrEnum):
    """How an energy figure was obtained."""

    MEASURED = "measured"
    ESTIMATED = "estimated"
    UNAVAILABLE = "unavailable"


class Counts(Section, frozen=True, kw_only=True):
    """Number of subjects or images in each part of the split."""

    train: int
    valid: int
    test: int


class Fractions(Section, frozen=True, kw_only=True):
    """Fraction for each part of the split; None where the part is empty."""

    train: Number | None
    valid: Number | None
    test: Number | None


class Duplicates(Section, frozen=True, kw_only=True):
    """Images that another subject has too: how many, how many to the last pixel, and the first by name."""

    images: int
    exact: int
    rows: tuple[tuple[str, str], ...]


class DataSummary(Section, frozen=True, kw_only=True):
    """The data.

    `options` say what was selected and how the images were made. `unreadable` counts files that were left out
    because they could not be read, `skipped` those that are absent and may be. `majority_accuracy` is the
    score of a constant answer on the test part, `ideal_accuracy` that of the best possible observer of
    synthetic images. `split` says how the parts were chosen, `remarks` on how many files there is what to be
    said; what older records do not say is None or empty.
    """

    fingerprint: str
    synthetic: bool
    options: dict[str, str | int | Number | bool | None]
    subjects: Counts
    images: Counts
    unreadable: int
    skipped: int
    positive_fraction: Fractions
    majority_accuracy: Number | None
    ideal_accuracy: Number | None
    split: str | None = None
    remarks: dict[str, int] = {}  # noqa: RUF012 - msgspec gives each record its own
    duplicates: Duplicates | None = None


class Scores(Section, frozen=True, kw_only=True):
    """Scores of one part; None where a score is undefined, e.g. the AUC of a single class.

    `specificity_reached_at_90` is what the cut for 90 % specificity, chosen on the validation part, reaches
    here. `ece_if_calibrated` is the `ece` that a calibrated network with these answers has by chance. Older
    records have neither.
    """

    accuracy: Number | None
    subject_accuracy: Number | None
    auc: Number | None
    subject_auc: Number | None
    balanced_accuracy: Number | None
    sensitivity: Number | None
    specificity: Number | None
    sensitivity_at_90_specificity: Number | None
    specificity_reached_at_90: Number | None = None
    brier: Number | None
    ece: Number | None
    ece_if_calibrated: Number | None = None


class Metrics(Section, frozen=True, kw_only=True):
    """Scores of the parts that were not used for training."""

    valid: Scores
    test: Scores


class Epoch(Section, frozen=True, kw_only=True):
    """Trace of one epoch; a loss that is not finite is None, and `seconds` exclude evaluation."""

    epoch: int
    train_loss: Number | None
    valid_loss: Number | None
    valid_accuracy: Number | None
    seconds: Number


class Training(Section, frozen=True, kw_only=True):
    """Course of training; times exclude evaluation."""

    epochs_run: int
    best_epoch: int | None
    seconds_to_best: Number | None
    seconds_to_stop: Number
    images_per_second: Number
    trace: tuple[Epoch, ...]


class Latency(Section, frozen=True, kw_only=True):
    """Time of one image by itself, in passes of one image after a warm-up."""

    passes: int
    median_seconds: Number
    p95_seconds: Number


class Inference(Section, frozen=True, kw_only=True):
    """Time of passes over the test images, after a warm-up; `images` counts all passes."""

    seconds: Number
    passes: int
    images: int
    images_per_second: Number
    latency: Latency


class PredictedMemory(Section, frozen=True, kw_only=True):
    """Bytes of weights, gradients and optimizer state, predicted from the parameters' shapes.

    `optimizer_state` and `total` are None for a custom optimizer.
    """

    weights: int
    gradients: int
    optimizer_state: int | None
    total: int | None


class Memory(Section, frozen=True, kw_only=True):
    """Peaks in bytes: the allocator's on a GPU, the growth of the process's resident memory on a CPU.

    Those without `inference` in their names are of training. `explanation` says why a setting saves little.
    """

    device: str
    train_peak_bytes: int | None
    inference_peak_bytes: int | None
    reserved_peak_bytes: int | None
    inference_reserved_peak_bytes: int | None
    process_peak_bytes: int | None
    inference_process_peak_bytes: int | None
    predicted: PredictedMemory
    explanation: str | None
    paper_compatible_bytes: int | None


class CarbonTrackerFigures(Section, frozen=True, kw_only=True):
    """CarbonTracker's own figure, and its samples summed over devices and windows, without its PUE."""

    version: str
    energy_wh_raw: Number | None
    energy_wh_corrected: Number | None


class Pue(Section, frozen=True, kw_only=True):
    """Power usage effectiveness that was applied, and its source."""

    value: Number
    source: str


class CarbonIntensity(Section, frozen=True, kw_only=True):
    """Carbon intensity of electricity that was applied, and its source."""

    g_per_kwh: Number
    source: str
    country: str | None
    year: int | None


class EnergyComponent(Section, frozen=True, kw_only=True):
    """Energy of the GPUs or of the CPU during one phase, by both meters, without any PUE.

    `energy_wh` is the headline: the counter's figure, else CarbonTracker's samples', else an estimate, else
    None. `ratio` is CarbonTracker's corrected figure over the counter's. `n_samples`, `interval_s` and
    `coverage` are of CarbonTracker's samples. Of the headline's `windows`, `short_windows` were too short for
    its sensor; both are None for an estimate, and in older records.
    """

    component: str
    energy_wh: Number | None
    kind: EnergyKind
    sensor: str | None
    devices: tuple[str, ...]
    scope: str | None
    counter_wh: Number | None
    carbontracker: CarbonTrackerFigures
    ratio: Number | None
    n_samples: int
    interval_s: Number | None
    coverage: Number | None
    warnings: tuple[str, ...]
    reason_unavailable: str | None
    windows: int | None = None
    short_windows: int | None = None


class EnergyReading(Section, frozen=True, kw_only=True):
    """Energy of one phase, all components together, times the PUE; None, never 0, without them.

    Where a component of `missing` has no figure, `energy_wh` is None and `energy_wh_partial` is the others'.
    """

    energy_wh: Number | None
    energy_wh_partial: Number | None
    missing: tuple[str, ...]
    co2eq_g: Number | None
    kind: EnergyKind
    duration_s: Number
    images: int | None
    energy_wh_per_image: Number | None
    components: tuple[EnergyComponent, ...]
    pue: Pue
    carbon_intensity: CarbonIntensity
    warnings: tuple[str, ...]
    reason_unavailable: str | None


class Energy(Section, frozen=True, kw_only=True):
    """Energy of both phases."""

    train: EnergyReading
    inference: EnergyReading


class DivergenceKind(StrEnum):
    """How training diverged.

    HARD: a value that is not finite. SCALER: gradients that overflow again and again. COLLAPSE: kept weights
    that give one answer for all images. CHANCE: kept weights that rank images no better than chance.
    """

    HARD = "hard"
    SCALER = "scaler"
    COLLAPSE = "collapse"
    CHANCE = "chance"


class Divergence(Section, frozen=True, kw_only=True):
    """Whether training diverged in any epoch (`ever`), and in the last one or by its kept weights (`final`).

    `kinds` are all that were seen, `reasons` those of the first epoch in which any was.
    """

    ever: bool
    final: bool
    first_epoch: int | None
    kinds: tuple[DivergenceKind, ...]
    reasons: tuple[str, ...]

    @property
    def broke(self) -> bool:
        """Return whether training broke down; a network at chance was nevertheless trained to its end."""
        return bool(set(self.kinds) - {DivergenceKind.CHANCE})
