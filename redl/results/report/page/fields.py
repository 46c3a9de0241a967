"""Fields: the figures of a record that a page shows, where it holds them, and how they are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from redl.record import EnergyKind, Record
from redl.results.notation import LOADED

MISSING = "\N{EN DASH}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """One figure: its path in a record, its label and unit, and what it is.

    It is written with `digits` after the point, divided by `per`.
    """

    path: str
    label: str
    unit: str = ""
    digits: int = 3
    per: float = 1.0
    meaning: str

    @property
    def head(self) -> str:
        """Return the label with its unit, e.g. `memory (MB)`."""
        return f"{self.label} ({self.unit})" if self.unit else self.label

    def value(self, record: Record) -> float | None:
        """Return the figure of a record in the record's own unit; None if it was not measured."""
        return cast("float | None", value_at(record, self.path))

    def written(self, value: float | None) -> str:
        """Return a figure in the unit of the page; a dash for one that was not measured."""
        return MISSING if value is None else f"{value / self.per:.{self.digits}f}"

    def text(self, record: Record) -> str:
        """Return the figure of a record as it is written, with ~ before an estimate and ! if under load."""
        value = self.value(record)
        if value is None:
            return MISSING
        estimated = kind_of(record, self.path) is EnergyKind.ESTIMATED
        return f"{'~' * estimated}{self.written(value)}{LOADED * is_under_load(record, self.path)}"


SCORES: Sequence[Field] = tuple(
    Field(path=f"metrics.test.{name}", label=label, meaning=meaning)
    for name, label, meaning in (
        ("accuracy", "accuracy", "share of test images that were classified correctly"),
        ("auc", "AUC", "area under the ROC curve over test images"),
        (
            "subject_accuracy",
            "subject accuracy",
            "share of patients classified correctly by their mean answer",
        ),
        ("balanced_accuracy", "balanced accuracy", "mean of sensitivity and specificity"),
        ("sensitivity", "sensitivity", "share of positive test images that were found"),
        ("specificity", "specificity", "share of negative test images that were called negative"),
        ("brier", "Brier score", "mean squared error of the probabilities; lower is better"),
        (
            "ece",
            "calibration error",
            "mean distance from probabilities to shares of positives; lower is better",
        ),
    )
)

_MEMORY = "memory.train_peak_bytes"
_TIME = "training.seconds_to_stop"
_ENERGY = "energy.train.energy_wh"
_EPOCHS = "training.epochs_run"
COSTS: Sequence[Field] = (
    Field(path=_MEMORY, label="memory", unit="MB", digits=0, per=1e6, meaning="peak memory of training"),
    Field(
        path=_TIME, label="training", unit="s", digits=1, meaning="wall time of training without evaluation"
    ),
    Field(path=_ENERGY, label="energy", unit="Wh", meaning="energy of training, with the PUE"),
)
OTHERS: Sequence[Field] = (
    Field(
        path="energy.train.co2eq_g",
        label="CO2eq",
        unit="g",
        meaning="energy of training times the carbon intensity",
    ),
    Field(
        path="inference.latency.median_seconds",
        label="latency",
        unit="ms",
        digits=2,
        per=1e-3,
        meaning="median time of one image by itself",
    ),
    Field(
        path="memory.inference_peak_bytes",
        label="inference memory",
        unit="MB",
        digits=0,
        per=1e6,
        meaning="peak memory of inference",
    ),
    Field(
        path="energy.inference.energy_wh",
        label="inference energy",
        unit="Wh",
        digits=4,
        meaning="energy of all passes over the test images",
    ),
    Field(path=_EPOCHS, label="epochs", digits=0, meaning="epochs until training stopped"),
    Field(path="parameters", label="parameters", unit="M", digits=2, per=1e6, meaning="weights and biases"),
)
FIELDS: Sequence[Field] = (*SCORES, *COSTS, *OTHERS)

_OF_SCORES = {"accuracy", "AUC", "sensitivity", "specificity"}
_OF_COSTS = {"memory", "training", "energy", "latency", "epochs"}
TABLE: Sequence[Field] = tuple(field for field in FIELDS if field.label in _OF_SCORES | _OF_COSTS)


def is_under_load(record: Record, path: str) -> bool:
    """Return whether a figure is a time or an energy that was taken while others computed."""
    section, _, rest = path.partition(".")
    if section not in ("training", "inference", "energy") or path == _EPOCHS:
        return False
    return record.under_load(inference=section == "inference" or rest.startswith("inference"))


def value_at(record: Record, path: str) -> Any:  # noqa: ANN401 - whatever the record holds there
    """Return what a record holds at a path, e.g. `memory.train_peak_bytes`; None without the section."""
    found: Any = record
    for name in path.split("."):
        if found is None:
            return None
        found = getattr(found, name)
    return found


def kind_of(record: Record, path: str) -> EnergyKind | None:
    """Return how a figure of energy was obtained; None for any other figure."""
    section, _, rest = path.partition(".")
    if section != "energy" or record.energy is None:
        return None
    return cast("EnergyKind", value_at(record, f"energy.{rest.split('.')[0]}.kind"))
