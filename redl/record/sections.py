"""The sections of a record."""

from __future__ import annotations

from enum import StrEnum

from redl.record.strict import Amount, Count, Divisor, Line, Number, Section, Share, Whole, Word


class EnergyKind(StrEnum):
    """How an energy figure was obtained."""

    MEASURED = "measured"
    ESTIMATED = "estimated"
    UNAVAILABLE = "unavailable"


class Counts(Section, frozen=True, kw_only=True):
    """Number of subjects or images in each part of the split."""

    train: Count
    valid: Count
    test: Count


class Fractions(Section, frozen=True, kw_only=True):
    """Fraction for each part of the split; None where the part is empty."""

    train: Share | None
    valid: Share | None
    test: Share | None


class Duplicates(Section, frozen=True, kw_only=True):
    """Images that another subject has too: how many, how many to the last pixel, and the first by name."""

    images: Count
    exact: Count
    rows: tuple[tuple[Line, Line], ...]


class DataSummary(Section, frozen=True, kw_only=True):
    """The data.

    `options` say what was selected and how the images were made. `unreadable` counts files that were left out
    because they could not be read, `skipped` those that are absent and may be. `majority_accuracy` is the
    score of a constant answer on the test part, `ideal_accuracy` that of the best possible observer of
    synthetic images. `split` says how the parts were chosen, `remarks` on how many files there is what to be
    said; what older records do not say is None or empty.
    """

    fingerprint: Word
    synthetic: bool
    options: dict[Word, Line | Whole | Number | bool | None]
    subjects: Counts
    images: Counts
    unreadable: Count
    skipped: Count
    positive_fraction: Fractions
    majority_accuracy: Share | None
    ideal_accuracy: Share | None
    split: Line | None = None
    remarks: dict[Line, Count] = {}  # noqa: RUF012 - msgspec gives each record its own
    duplicates: Duplicates | None = None


class Scores(Section, frozen=True, kw_only=True):
    """Scores of one part; None where a score is undefined, e.g. the AUC of a single class.

    `specificity_reached_at_90` is what the cut for 90 % specificity, chosen on the validation part, reaches
    here. `ece_if_calibrated` is the `ece` that a calibrated network with these answers has by chance. Older
    records have neither.
    """

    accuracy: Share | None
    subject_accuracy: Share | None
    auc: Share | None
    subject_auc: Share | None
    balanced_accuracy: Share | None
    sensitivity: Share | None
    specificity: Share | None
    sensitivity_at_90_specificity: Share | None
    specificity_reached_at_90: Share | None = None
    brier: Share | None
    ece: Share | None
    ece_if_calibrated: Share | None = None


class Metrics(Section, frozen=True, kw_only=True):
    """Scores of the parts that were not used for training."""

    valid: Scores
    test: Scores


class Epoch(Section, frozen=True, kw_only=True):
    """Trace of one epoch; a loss that is not finite is None, and `seconds` exclude evaluation."""

    epoch: Count
    train_loss: Number | None
    valid_loss: Number | None
    valid_accuracy: Share | None
    seconds: Amount


class Training(Section, frozen=True, kw_only=True):
    """Course of training; times exclude evaluation.

    It was interrupted, and another process went on, after each of the epochs `resumed_after`. What the first
    one did after that epoch is in no figure.
    """

    epochs_run: Count
    best_epoch: Count | None
    seconds_to_best: Amount | None
    seconds_to_stop: Amount
    images_per_second: Amount
    trace: tuple[Epoch, ...]
    resumed_after: tuple[Count, ...] = ()


class Latency(Section, frozen=True, kw_only=True):
    """Time of one image by itself, in passes of one image after a warm-up."""

    passes: Count
    median_seconds: Amount
    p95_seconds: Amount


class Inference(Section, frozen=True, kw_only=True):
    """Time of passes over the test images, after a warm-up; `images` counts all passes."""

    seconds: Amount
    passes: Divisor
    images: Divisor
    images_per_second: Amount
    latency: Latency


class PredictedMemory(Section, frozen=True, kw_only=True):
    """Bytes of weights, gradients and optimizer state, predicted from the parameters' shapes.

    `optimizer_state` and `total` are None for a custom optimizer.
    """

    weights: Count
    gradients: Count
    optimizer_state: Count | None
    total: Count | None


class Memory(Section, frozen=True, kw_only=True):
    """Peaks in bytes: the allocator's on a GPU, the growth of the process's resident memory on a CPU.

    Those without `inference` in their names are of training. `explanation` says why a setting saves little.
    """

    device: Word
    train_peak_bytes: Count | None
    inference_peak_bytes: Count | None
    reserved_peak_bytes: Count | None
    inference_reserved_peak_bytes: Count | None
    process_peak_bytes: Count | None
    inference_process_peak_bytes: Count | None
    predicted: PredictedMemory
    explanation: Line | None
    paper_compatible_bytes: Count | None


class CarbonTrackerFigures(Section, frozen=True, kw_only=True):
    """CarbonTracker's own figure, and its samples summed over devices and windows, without its PUE."""

    version: Word
    energy_wh_raw: Amount | None
    energy_wh_corrected: Amount | None


class Pue(Section, frozen=True, kw_only=True):
    """Power usage effectiveness that was applied, and its source."""

    value: Amount
    source: Line


class CarbonIntensity(Section, frozen=True, kw_only=True):
    """Carbon intensity of electricity that was applied, and its source."""

    g_per_kwh: Amount
    source: Line
    country: Word | None
    year: Whole | None


class EnergyComponent(Section, frozen=True, kw_only=True):
    """Energy of the GPUs or of the CPU during one phase, by both meters, without any PUE.

    `energy_wh` is the headline: the counter's figure, else CarbonTracker's samples', else an estimate, else
    None. `ratio` is CarbonTracker's corrected figure over the counter's. `n_samples`, `interval_s` and
    `coverage` are of CarbonTracker's samples. Of the headline's `windows`, `short_windows` were too short for
    its sensor; both are None for an estimate, and in older records.
    """

    component: Word
    energy_wh: Amount | None
    kind: EnergyKind
    sensor: Line | None
    devices: tuple[Line, ...]
    scope: Line | None
    counter_wh: Amount | None
    carbontracker: CarbonTrackerFigures
    ratio: Amount | None
    n_samples: Count
    interval_s: Amount | None
    coverage: Amount | None
    warnings: tuple[Line, ...]
    reason_unavailable: Line | None
    windows: Count | None = None
    short_windows: Count | None = None


class EnergyReading(Section, frozen=True, kw_only=True):
    """Energy of one phase, all components together, times the PUE; None, never 0, without them.

    Where a component of `missing` has no figure, `energy_wh` is None and `energy_wh_partial` is the others'.
    """

    energy_wh: Amount | None
    energy_wh_partial: Amount | None
    missing: tuple[Word, ...]
    co2eq_g: Amount | None
    kind: EnergyKind
    duration_s: Amount
    images: Count | None
    energy_wh_per_image: Amount | None
    components: tuple[EnergyComponent, ...]
    pue: Pue
    carbon_intensity: CarbonIntensity
    warnings: tuple[Line, ...]
    reason_unavailable: Line | None


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
    first_epoch: Count | None
    kinds: tuple[DivergenceKind, ...]
    reasons: tuple[Line, ...]

    @property
    def broke(self) -> bool:
        """Return whether training broke down; a network at chance was nevertheless trained to its end."""
        return bool(set(self.kinds) - {DivergenceKind.CHANCE})
