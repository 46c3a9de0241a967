"""Decision curve: net benefit over a range of thresholds, beside treating all and treating none.

Vickers and Elkin (2006), doi 10.1177/0272989X06295361. Intervals are of each threshold by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from redl.results.tradeoff.benefit import Units, gains, odds, treat_all
from redl.results.tradeoff.interval import Interval, Patients, is_above_zero, over_units, patients_of


@dataclass(frozen=True, kw_only=True, slots=True)
class DecisionPoint:
    """Net benefit of a setting per unit at one threshold; treating none is worth 0.

    `more` is the difference to the baseline, which has none. `is_useful` says whether the setting is surely
    worth more than treating all and than treating none, `is_worse` whether surely less than the baseline.
    """

    threshold: float
    net_benefit: Interval
    treat_all: float
    more: Interval | None
    is_useful: bool
    is_worse: bool


def decision_curve(
    units: Units, baseline: Units | None, thresholds: Sequence[float]
) -> tuple[DecisionPoint, ...]:
    """Return the curve of a setting; `baseline` has the same units and seeds, None if there is none."""
    patients = patients_of(units)
    return tuple(_point(units, baseline, patients, threshold) for threshold in thresholds)


def ranges(thresholds: Sequence[float], chosen: Sequence[bool]) -> list[tuple[float, float]]:
    """Return the first and the last threshold of each run of chosen ones.

    >>> ranges([0.1, 0.2, 0.3, 0.4], [True, True, False, True])
    [(0.1, 0.2), (0.4, 0.4)]
    """
    found: list[tuple[float, float]] = []
    before = False
    for threshold, kept in zip(thresholds, chosen, strict=True):
        if kept and before:
            found[-1] = (found[-1][0], threshold)
        elif kept:
            found.append((threshold, threshold))
        before = kept
    return found


def _point(units: Units, baseline: Units | None, patients: Patients, threshold: float) -> DecisionPoint:
    harm = odds(threshold)
    own = gains(units, threshold)
    beyond_all = own - np.where(units.labels == 1, 1.0, -harm)
    more = None if baseline is None else own - gains(baseline, threshold)
    return DecisionPoint(
        threshold=threshold,
        net_benefit=over_units(own, patients),
        treat_all=treat_all(units, threshold),
        more=None if more is None else over_units(more, patients),
        # At worst one more is treated in vain, who is not if none are, or missed, who is not if all are.
        is_useful=is_above_zero(own, patients, worst=-harm)
        and is_above_zero(beyond_all, patients, worst=-1.0),
        is_worse=more is not None and is_above_zero(-more, patients, worst=-max(1.0, harm)),
    )
