"""Performance: a metric of one arm under every draw of seeds and patients.

The metrics are those of `redl.results.noninferiority.influence`: where answers are counted, one that is not
finite is wrong; an AUC and the Brier score have no value then.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from redl.errors import OptionError
from redl.results.arms import Arm
from redl.results.metric import OF_SUBJECTS, Metric
from redl.results.tradeoff.benefit import Unit, Units, images_of, units_of
from redl.results.tradeoff.resampling import Draws, Floats

_CUT = 0.5  # of redl.training.metrics


def performance(arm: Arm, metric: Metric, draws: Draws) -> Floats:
    """Return the mean over seeds in each draw, (B + 1,).

    NaN where a draw lacks a class that the metric is about. Raise OptionError where the metric has no value
    for the data as they are, and for one by subject where a subject has images of both classes.
    """
    found = _in_draws(arm, metric, draws)
    if np.isnan(found[0]):
        raise OptionError(f"{metric}: {arm.dataset} lacks a class, or {arm.setting} a finite answer")
    return found


def by_patient(values: Floats, subjects: NDArray[np.int64]) -> Floats:
    """Sum values (S, U) over the units of each of P patients, in the order of their numbers, to (S, P)."""
    _, patient = np.unique(subjects, return_inverse=True)
    return np.array([np.bincount(patient, weights=row) for row in values])


def _in_draws(arm: Arm, metric: Metric, draws: Draws) -> Floats:
    units = units_of(arm) if metric in OF_SUBJECTS else images_of(arm)
    if metric in OF_SUBJECTS and units.unit is not Unit.PATIENT:
        raise OptionError(f"{metric}: subjects of {arm.dataset} have images of both classes; judge per image")
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
            return _mean(_right(units), units, draws)


def _right(units: Units) -> Floats:
    right = np.isfinite(units.probabilities) & ((units.probabilities > _CUT) == (units.labels == 1))
    return np.asarray(right, dtype=np.float64)


def _mean(values: Floats, units: Units, draws: Draws) -> Floats:
    return draws.share(by_patient(values, units.subjects), _sizes(units, np.ones(len(units.labels))))


def _recall(units: Units, draws: Draws, positive: int) -> Floats:
    chosen = (units.labels == positive).astype(np.float64)
    return draws.share(by_patient(_right(units) * chosen, units.subjects), _sizes(units, chosen))


def _sizes(units: Units, chosen: Floats) -> Floats:
    return np.asarray(by_patient(chosen[None], units.subjects)[0])


def _auc(units: Units, draws: Draws) -> Floats:
    """Count, in each draw, the pairs of a positive and a negative in the right order, ties half."""
    positive = units.labels == 1
    of_all = (draws.patients @ _sizes(units, 1.0 * positive)) * (
        draws.patients @ _sizes(units, 1.0 * ~positive)
    )
    names, patient = np.unique(units.subjects, return_inverse=True)
    places = patient[positive][:, None] * len(names) + patient[~positive]  # of a pair in (P, P), laid flat
    found = []
    for row in units.probabilities:
        ordered = np.sign(row[positive][:, None] - row[~positive]) / 2 + 0.5  # (positives, negatives)
        sums = np.bincount(places.ravel(), weights=ordered.ravel(), minlength=len(names) ** 2)
        pairs = sums.reshape(len(names), len(names))
        found.append(((draws.patients @ pairs) * draws.patients).sum(axis=1))
    with np.errstate(invalid="ignore"):
        return draws.over_seeds(np.array(found).T / of_all[:, None])
