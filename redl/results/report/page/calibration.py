"""Calibration curves of the page, with the same bins as those of the figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from redl.results.report.figures.calibration import reliability
from redl.results.report.page.advice import Advice


@dataclass(frozen=True, kw_only=True, slots=True)
class CalibrationPoint:
    """A bin of one setting's answers: their mean probability and their share of positives."""

    group: str
    setting: str
    predicted: float
    observed: float


def calibration_of(advice: Sequence[Advice]) -> list[CalibrationPoint]:
    """Return the points of each setting, its seeds together; none for one with too few answers."""
    return [point for one in advice for point in _of_group(one)]


def _of_group(advice: Advice) -> Iterator[CalibrationPoint]:
    for arm in advice.arms:
        for predicted, observed in zip(*(reliability(arm) or ((), ())), strict=True):
            yield CalibrationPoint(
                group=advice.group, setting=arm.setting, predicted=float(predicted), observed=float(observed)
            )
