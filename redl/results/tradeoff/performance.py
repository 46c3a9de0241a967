"""Performance: a metric of one arm under every draw of seeds and patients.

The metrics are those of `redl.results.noninferiority.influence`: where answers are counted, one that is not
finite counts as wrong; an AUC and the Brier score then have no value.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from redl.errors import OptionError
from redl.results.arms import Arm
from redl.results.metric import OF_SUBJECTS, Metric
from redl.results.noninferiority.influence import right
from redl.results.tradeoff.benefit import Unit, Units, images_of, units_of
from redl.results.tradeoff.resampling import Draws
from redl.training.metrics import Floats, roc_aucs

_AT_ONCE = 64  # draws whose weights fit into a processor's cache, in half the time of all together


def performance(arm: Arm, metric: Metric, draws: Draws) -> Floats:
    """Return the mean over seeds in each draw, (B + 1,); NaN if a draw lacks a class that the metric needs.

    Raise OptionError if the metric has no value for the data themselves, or if it is one of whole subjects
    and a subject has images of both classes.
    """
    found = _in_draws(arm, metric, draws)
    if np.isnan(found[0]):
        raise OptionError(
            f"{metric}: {arm.dataset} lacks a class, or {arm.setting} a finite answer; use another metric"
        )
    return found


def by_patient(values: Floats, subjects: NDArray[np.int64]) -> Floats:
    """Return values (S, U) summed over the units of each patient, in the order of their numbers, (S, P)."""
    return summed(values, np.unique(subjects, return_inverse=True)[1])


def summed(values: Floats, places: NDArray[np.intp]) -> Floats:
    """Return values (S, U) summed over the units of each of P patients, (S, P); `places` (U,) say whose."""
    return np.array([np.bincount(places, weights=row) for row in values])


def _in_draws(arm: Arm, metric: Metric, draws: Draws) -> Floats:
    units = units_of(arm) if metric in OF_SUBJECTS else images_of(arm)
    if metric in OF_SUBJECTS and units.unit is not Unit.PATIENT:
        raise OptionError(
            f"{metric}: subjects of {arm.dataset} have images of both classes; use a metric of images"
        )
    match metric:
        case Metric.AUC | Metric.SUBJECT_AUC:
            return _auc(units, draws)
        case Metric.BRIER:
            return _mean(-((units.probabilities - units.labels) ** 2), units, draws)
        case Metric.SENSITIVITY:
            return _recall(units, draws, 1)
        case Metric.SPECIFICITY:
            return _recall(units, draws, 0)
        case Metric.BALANCED_ACCURACY:
            return np.asarray((_recall(units, draws, 0) + _recall(units, draws, 1)) / 2)
        case Metric.ACCURACY | Metric.SUBJECT_ACCURACY:
            return _mean(right(units.labels, units.probabilities), units, draws)


def _mean(values: Floats, units: Units, draws: Draws) -> Floats:
    return draws.share(by_patient(values, units.subjects), _sizes(units, np.ones(len(units.labels))))


def _recall(units: Units, draws: Draws, positive: int) -> Floats:
    chosen = (units.labels == positive).astype(np.float64)
    return draws.share(
        by_patient(right(units.labels, units.probabilities) * chosen, units.subjects), _sizes(units, chosen)
    )


def _sizes(units: Units, chosen: Floats) -> Floats:
    return np.asarray(by_patient(chosen[None], units.subjects)[0])


def _auc(units: Units, draws: Draws) -> Floats:
    """Return the AUC in each draw, in which a unit counts as often as its patient was drawn."""
    _, patient = np.unique(units.subjects, return_inverse=True)
    starts = range(0, len(draws.patients), _AT_ONCE)
    weights = [draws.patients[start : start + _AT_ONCE, patient] for start in starts]
    found = [
        np.concatenate([roc_aucs(units.labels, row, part) for part in weights]) for row in units.probabilities
    ]
    return draws.over_seeds(np.array(found).T)
