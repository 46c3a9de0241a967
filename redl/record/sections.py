"""The sections of a record, each a plain data class."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class EnergyKind(StrEnum):
    """Tell how an energy figure was obtained."""

    MEASURED = "measured"
    ESTIMATED = "estimated"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """Count subjects or images in each part of the split."""

    train: int
    valid: int
    test: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Fractions:
    """Hold a fraction for each part of the split; None where the part is empty."""

    train: float | None
    valid: float | None
    test: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class DataSummary:
    """Describe the data.

    `options` say what was chosen from them and how the images were made. Files that could not be read were
    kept out and `unreadable` counts them; `skipped` counts what is not there and need not be.
    `majority_accuracy` is what a constant answer scores on the test part, `ideal_accuracy` what the best
    possible observer of synthetic images does.
    """

    fingerprint: str
    synthetic: bool
    options: dict[str, str | int | float | bool | None]
    subjects: Counts
    images: Counts
    unreadable: int
    skipped: int
    positive_fraction: Fractions
    majority_accuracy: float | None
    ideal_accuracy: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Scores:
    """Hold the scores of one part; None where a score is undefined, as an AUC of one class is."""

    accuracy: float | None
    subject_accuracy: float | None
    auc: float | None
    subject_auc: float | None
    balanced_accuracy: float | None
    sensitivity: float | None
    specificity: float | None
    sensitivity_at_90_specificity: float | None
    brier: float | None
    ece: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Metrics:
    """Hold the scores of the parts that were not trained on."""

    valid: Scores
    test: Scores


@dataclass(frozen=True, kw_only=True, slots=True)
class Epoch:
    """Hold one epoch's trace; a loss that is not finite is None, and `seconds` leave out evaluation."""

    epoch: int
    train_loss: float | None
    valid_loss: float | None
    valid_accuracy: float | None
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Training:
    """Tell how training went; the clock stood still during evaluation."""

    epochs_run: int
    best_epoch: int | None
    seconds_to_best: float | None
    seconds_to_stop: float
    images_per_second: float
    trace: tuple[Epoch, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Latency:
    """Tell how long one image takes by itself, in passes of one image after a warm-up."""

    passes: int
    median_seconds: float
    p95_seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Inference:
    """Tell how long passes over the test images took, after a warm-up; `images` are of all passes."""

    seconds: float
    passes: int
    images: int
    images_per_second: float
    latency: Latency


@dataclass(frozen=True, kw_only=True, slots=True)
class PredictedMemory:
    """Predict what weights, gradients and optimizer state take, from the parameters' real shapes.

    `optimizer_state` and `total` are None for an optimizer of a user's own.
    """

    weights: int
    gradients: int
    optimizer_state: int | None
    total: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """Hold peaks in bytes: the allocator's on a GPU, the process's resident growth on a CPU.

    Those without `inference` in their name are training's. `explanation` says why a setting saves little.
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


@dataclass(frozen=True, kw_only=True, slots=True)
class CarbonTrackerFigures:
    """Hold CarbonTracker's own figure, and its samples summed over devices and windows, without its PUE."""

    version: str
    energy_wh_raw: float | None
    energy_wh_corrected: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Pue:
    """Hold the power usage effectiveness that was applied, and who chose it."""

    value: float
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CarbonIntensity:
    """Hold the carbon intensity of electricity that was applied, and where it comes from."""

    g_per_kwh: float
    source: str
    country: str | None
    year: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class EnergyComponent:
    """Hold the energy of the GPUs or of the CPU during one phase, by both meters, without any PUE.

    `energy_wh` is the headline: the counter's figure, else CarbonTracker's samples', else an estimate, else
    None. `ratio` is CarbonTracker's corrected figure over the counter's. `n_samples`, `interval_s` and
    `coverage` are of CarbonTracker's samples.
    """

    component: str
    energy_wh: float | None
    kind: EnergyKind
    sensor: str | None
    devices: tuple[str, ...]
    scope: str | None
    counter_wh: float | None
    carbontracker: CarbonTrackerFigures
    ratio: float | None
    n_samples: int
    interval_s: float | None
    coverage: float | None
    warnings: tuple[str, ...]
    reason_unavailable: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class EnergyReading:
    """Hold the energy of one phase, all components together and times the PUE; None, never 0, without them.

    Where a component of `missing` has no figure, `energy_wh` is None and `energy_wh_partial` is the others'.
    """

    energy_wh: float | None
    energy_wh_partial: float | None
    missing: tuple[str, ...]
    co2eq_g: float | None
    kind: EnergyKind
    duration_s: float
    images: int | None
    energy_wh_per_image: float | None
    components: tuple[EnergyComponent, ...]
    pue: Pue
    carbon_intensity: CarbonIntensity
    warnings: tuple[str, ...]
    reason_unavailable: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Energy:
    """Hold the energy of both phases."""

    train: EnergyReading
    inference: EnergyReading


class DivergenceKind(StrEnum):
    """Tell how training broke down.

    HARD: a value that is not finite. SCALER: gradients that overflow again and again. COLLAPSE: one answer
    for all images. CHANCE: answers no better than the share of positives.
    """

    HARD = "hard"
    SCALER = "scaler"
    COLLAPSE = "collapse"
    CHANCE = "chance"


@dataclass(frozen=True, kw_only=True, slots=True)
class Divergence:
    """Tell whether training diverged: in any epoch (`ever`), and in the last one (`final`).

    `kinds` are all that were seen, `reasons` those of the first epoch in which any was.
    """

    ever: bool
    final: bool
    first_epoch: int | None
    kinds: tuple[DivergenceKind, ...]
    reasons: tuple[str, ...]
