"""Calibration curves: probabilities in bins of equal number, each beside its share of positives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from redl.record import Predictions
from redl.results.report.page.groups import Group

BINS = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class CalibrationBin:
    """Answers of one setting over its seeds whose probabilities are alike."""

    group: str
    setting: str
    predicted: float
    observed: float
    answers: int


def calibration_of(groups: Sequence[Group], predictions: Mapping[str, Predictions]) -> list[CalibrationBin]:
    """Return the bins of each setting, its seeds together, without answers that are not finite."""
    return [one for group in groups for one in _of_group(group, predictions)]


def _of_group(group: Group, predictions: Mapping[str, Predictions]) -> Iterator[CalibrationBin]:
    answers: dict[str, list[tuple[float, int]]] = {}
    for record in group.records:
        found = predictions.get(record.case.id)
        if found is not None:
            pairs = zip(found.probabilities, found.labels, strict=True)
            answers.setdefault(record.case.setting, []).extend(
                (p, label) for p, label in pairs if p is not None
            )
    for setting, known in answers.items():
        ranked = np.array(sorted(known)).reshape(-1, 2)
        for part in np.array_split(ranked, min(BINS, len(ranked))) if len(ranked) else ():
            yield CalibrationBin(
                group=group.name,
                setting=setting,
                predicted=float(part[:, 0].mean()),
                observed=float(part[:, 1].mean()),
                answers=len(part),
            )
