"""Intervals: of a mean over units, over new seeds and new patients; of a cost, over new seeds.

Both are t intervals, because draws of few seeds spread too little: with three seeds that differ far more than
patients do, 95 % of the draws held the truth in 72 % of runs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from redl.results.noninferiority.crossed import (
    CONFIDENCE,
    LEAST_PATIENTS,
    LEAST_SEEDS,
    Comparison,
    compare,
)
from redl.results.tradeoff.benefit import Units
from redl.results.tradeoff.performance import summed
from redl.training.metrics import Floats

_UNSEEN = 2  # patients, as Agresti and Coull (1998) add to a share: a bound on what nobody happened to have


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """A figure and its 95 % interval from `low` to `high`, None with too few seeds or patients."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Patients:
    """Whose each of U units is: `places` (U,) of P patients, who have `sizes` (P,) units."""

    places: NDArray[np.intp]
    sizes: Floats


def patients_of(units: Units) -> Patients:
    """Return the patients of units."""
    _, places, sizes = np.unique(units.subjects, return_inverse=True, return_counts=True)
    return Patients(places=places, sizes=sizes.astype(np.float64))


def over_seeds(values: Floats) -> Interval:
    """Return the mean of values (S,) and its t interval."""
    value, seeds = float(values.mean()), len(values)
    if seeds < LEAST_SEEDS:
        return Interval(value=value, low=None, high=None)
    half = float(stdtrit(seeds - 1, CONFIDENCE)) * float(values.std(ddof=1)) / seeds**0.5
    return Interval(value=value, low=value - half, high=value + half)


def over_units(values: Floats, patients: Patients) -> Interval:
    """Return the mean of values (S, U) of units, and its interval as of `crossed.compare`."""
    found = _compared(summed(values, patients.places), patients.sizes)
    value = float(values.mean())
    if found is None:
        return Interval(value=value, low=None, high=None)
    return Interval(value=value, low=found.low, high=found.high)


def is_above_zero(values: Floats, patients: Patients, *, worst: float) -> bool:
    """Return whether the mean of values (S, U) is surely above 0.

    `worst` is the least that a unit can add. Two more patients who have it are counted, because what is rare
    and costly may happen to nobody in the test part, and then shows in no variance.
    """
    if values.mean() <= 0:
        return False  # and no bad outcome more would raise it
    size = float(patients.sizes.mean())
    unseen = np.full((len(values), _UNSEEN), worst * size)
    sums = np.hstack([summed(values, patients.places), unseen])
    found = _compared(sums, np.append(patients.sizes, [size] * _UNSEEN), added=_UNSEEN)
    return found is not None and found.low > 0


def _compared(sums: Floats, sizes: Floats, *, added: int = 0) -> Comparison | None:
    """Compare sums of patients (S, P) over units with 0; None with too few seeds or real patients."""
    seeds, patients = sums.shape
    if seeds < LEAST_SEEDS or patients - added < LEAST_PATIENTS:
        return None
    total = float(sizes.sum())
    means = sums.sum(axis=1) / total
    return compare(means, (sums - means[:, None] * sizes) / total, margin=0.0)
