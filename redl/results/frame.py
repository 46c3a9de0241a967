"""A table of records for pandas: one row a case, its units in the names of the columns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from redl.record import Record

if TYPE_CHECKING:
    import pandas as pd

Cell = str | int | float | bool | None

_SCORES = (
    "accuracy",
    "subject_accuracy",
    "auc",
    "subject_auc",
    "balanced_accuracy",
    "sensitivity",
    "specificity",
    "sensitivity_at_90_specificity",
    "specificity_reached_at_90",
    "brier",
    "ece",
    "ece_if_calibrated",
)
# Columns, and where a record holds them.
_COLUMNS = {
    "parameters": "parameters",
    **{f"test_{score}": f"metrics.test.{score}" for score in _SCORES},
    **{f"valid_{score}": f"metrics.valid.{score}" for score in _SCORES},
    "diverged": "divergence.final",
    "diverged_in_any_epoch": "divergence.ever",
    "epochs": "training.epochs_run",
    "best_epoch": "training.best_epoch",
    "train_seconds": "training.seconds_to_stop",
    "train_seconds_to_best": "training.seconds_to_best",
    "train_images_per_second": "training.images_per_second",
    "train_peak_bytes": "memory.train_peak_bytes",
    "train_energy_wh": "energy.train.energy_wh",
    "train_energy_kind": "energy.train.kind",
    "train_co2eq_g": "energy.train.co2eq_g",
    "inference_seconds": "inference.seconds",
    "inference_images_per_second": "inference.images_per_second",
    "inference_latency_median_seconds": "inference.latency.median_seconds",
    "inference_latency_p95_seconds": "inference.latency.p95_seconds",
    "inference_peak_bytes": "memory.inference_peak_bytes",
    "inference_energy_wh": "energy.inference.energy_wh",
    "inference_energy_kind": "energy.inference.kind",
    "inference_co2eq_g": "energy.inference.co2eq_g",
}


def frame_of(records: Iterable[Record]) -> pd.DataFrame:
    """Return a data frame of one row a case, in the order of `records`, with the case's id as its index.

    Scores are of the `test_` or `valid_` images; units end names (`_seconds`, `_bytes`, `_wh`, `_g`). What
    was not measured is missing (NaN or None), never 0; the record says why. `train_under_load` marks times
    and energies that were taken while others used the machine.
    """
    import pandas as pd  # slow to import, and only this table needs it

    return pd.DataFrame([_row(record) for record in records]).set_index("id")


def _row(record: Record) -> dict[str, Cell]:
    case, environment = record.case, record.environment or {}
    return {
        "id": case.id,
        "dataset": case.dataset,
        "model": case.model,
        "setting": case.setting,
        "seed": case.seed,
        "downsample": case.downsample,
        "profile": case.profile,
        "status": str(record.status),
        "reason": record.reason,
        "device": environment.get("gpu") or environment.get("cpu"),
        **{column: _cell(record, path) for column, path in _COLUMNS.items()},
        "train_under_load": _under_load(record),
        "inference_under_load": _under_load(record, inference=True),
    }


def _under_load(record: Record, *, inference: bool = False) -> bool | None:
    """Return whether a phase was under load; None for an older record, which does not say so."""
    return record.under_load(inference=inference) or (None if record.conditions is None else False)


def _cell(record: Record, path: str) -> Cell:
    found: Any = record
    for name in path.split("."):
        if found is None:
            return None
        found = getattr(found, name)
    return str(found) if isinstance(found, str) else cast("Cell", found)
