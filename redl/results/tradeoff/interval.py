"""Intervals: of a mean over units, over new seeds and new patients; of a cost, over new seeds.

Both are t intervals, because draws of few seeds spread too little: with three seeds that differ far more than
patients do, 95 % of the draws held the truth in 72 % of runs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from redl.results.noninferiority.crossed import CONFIDENCE, Comparison, compare
from redl.results.noninferiority.verdict import LEAST_PATIENTS, LEAST_SEEDS
from redl.results.tradeoff.benefit import Units
from redl.results.tradeoff.performance import by_patient
from redl.training.metrics import Floats

_UNSEEN = 2  # patients, as Agresti and Coull (1998) add to a share: a bound on what nobody happened to have


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """A figure and its 95 % interval from `low` to `high`, None with too few seeds or patients."""

    value: float
    low: float | None
    high: float | None


def over_seeds(values: Floats) -> Interval:
    """Return the mean of values (S,) and its t interval."""
    value, seeds = float(values.mean()), len(values)
    if seeds < LEAST_SEEDS:
        return Interval(value=value, low=None, high=None)
    half = float(stdtrit(seeds - 1, CONFIDENCE)) * float(values.std(ddof=1)) / seeds**0.5
    return Interval(value=value, low=value - half, high=value + half)


def over_units(values: Floats, units: Units) -> Interval:
    """Return the mean of values (S, U) of units, and its interval as of `crossed.compare`."""
    found = _compared(by_patient(values, units.subjects), _sizes(units))
    value = float(values.mean())
    if found is None:
        return Interval(value=value, low=None, high=None)
    return Interval(value=value, low=found.low, high=found.high)


def is_above_zero(values: Floats, units: Units, *, worst: float) -> bool:
    """Return whether the mean of values (S, U) is surely above 0.

    `worst` is the least that a unit can add. Two more patients who have it are counted, because what is rare
    and costly may happen to nobody in the test part, and then shows in no variance.
    """
    sizes = _sizes(units)
    size = float(sizes.mean())
    sums = by_patient(values, units.subjects)
    unseen = np.full((len(sums), _UNSEEN), worst * size)
    found = _compared(np.hstack([sums, unseen]), np.append(sizes, [size] * _UNSEEN), added=_UNSEEN)
    return found is not None and found.low > 0


def _sizes(units: Units) -> Floats:
    return np.asarray(by_patient(np.ones((1, len(units.labels))), units.subjects)[0])


def _compared(sums: Floats, sizes: Floats, *, added: int = 0) -> Comparison | None:
    """Compare sums of patients (S, P) over units with 0; None with too few seeds or real patients."""
    seeds, patients = sums.shape
    if seeds < LEAST_SEEDS or patients - added < LEAST_PATIENTS:
        return None
    total = float(sizes.sum())
    means = sums.sum(axis=1) / total
    return compare(means, (sums - means[:, None] * sizes) / total, margin=0.0)
