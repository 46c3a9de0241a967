"""The crossed comparison: the difference of two arms, with an interval over new seeds and new patients.

Seeds and patients are crossed: every seed's networks answer for every patient. A variance that treats images
as independent, or one seed as all, is too small. docs/explanation/statistics.md says how often it misleads.

Two things make a variance look smaller than it is, and are met here. A loss in patients that happen not to be
in the test part leaves no trace at all, so that few influential patients call for a floor. And seeds that
differ little by chance look as if there were many of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtri, stdtr, stdtrit  # of scipy.stats' values, in a fiftieth of their time

from redl.training.metrics import Floats, Ints

CONFIDENCE, POWER = 0.975, 0.80  # one-sided, as non-inferiority is; the interval has 95 % of both sides
LEAST_SEEDS = 3  # the interval of two covers 88 % where seeds differ more than patients do
LEAST_PATIENTS = 30  # of each class that the metric is about: the normal shape of a mean sets in about there
FEW_INFLUENTIAL = 15  # patients, by their influence: with fewer, what was not drawn may matter more

_DOUBT = 0.70  # share of the variances that seeds show by chance which lie below the one that counts
_GAIN = 1.2  # of degrees of freedom by half of a pooled variance; more, and restless settings pass too often


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Mean difference, new minus old, and its 95 % interval from `low` to `high`.

    `p` is one-sided, of the hypothesis that the difference is at most minus the margin. `shown_margin` is the
    smallest margin that this interval shows, `detectable_margin` the smallest that an experiment of this
    variance shows in four of five runs in which there is no difference. `influential` is how many patients
    the difference rests on: 1 / sum w^2 for weights w by squared influence.
    """

    difference: float
    standard_error: float
    degrees_of_freedom: float
    low: float
    high: float
    p: float
    shown_margin: float
    detectable_margin: float
    influential: float


@dataclass(frozen=True, kw_only=True, slots=True)
class _OverPatients:
    """Variance over patients, that of a single seed, and what they add to Satterthwaite's denominator."""

    variance: float
    of_one_seed: float
    spread: float
    influential: float


def compare(
    differences: Floats,
    psi: Floats,
    *,
    margin: float,
    classes: Ints | None = None,
    one_answer_each: bool = False,
    pooled: float | None = None,
) -> Comparison | None:
    """Compare two arms by their difference for each seed (S,) and its influence by patient (S, P).

    `classes` (P,) group patients where the metric is a mean of means over classes, as an AUC is: a class of
    few patients then counts as few. `one_answer_each` says that no patient has several answers. `pooled` is
    the variance of a difference over seeds which several settings have in common (`pooling`).

    Return None for one seed, or one patient of a class, which has no spread. V_P is the variance over
    patients, V_S that over seeds, and V_I their interaction, which is in both: how differently each seed
    answers for the same patients. The variance is V_P + max(0, V_S - V_I).

    Where the difference rests on fewer than FEW_INFLUENTIAL patients and each has one answer, V_P is at least
    (m - m^2) / P, that of a loss of the margin m in as many patients. Satterthwaite's degrees of freedom are
    at least those of V_S, which counts for them as its upper 70 % bound: S - 1, or 1.2 (S - 1) if V_S is the
    mean of the difference's own variance and a pooled one.
    """
    seeds, patients = psi.shape
    if seeds < 2 or patients < 2:
        return None
    found = _over_patients(psi, np.zeros(patients, int) if classes is None else classes)
    if found is None:
        return None
    over_seeds, of_seeds = _over_seeds(differences, pooled)
    interaction = max(0.0, (found.of_one_seed - found.variance) / (seeds - 1))
    over_patients, spread = found.variance, found.spread
    floor = (margin - margin**2) / patients
    if one_answer_each and found.influential < FEW_INFLUENTIAL and floor > over_patients:
        over_patients, spread = floor, floor**2 / (patients - 1)
    variance = over_patients + max(0.0, over_seeds - interaction)
    doubted = over_seeds * of_seeds / float(chdtri(of_seeds, _DOUBT))
    spread += doubted**2 / of_seeds
    assumed = over_patients + max(0.0, doubted - interaction)
    freedom = max(of_seeds, assumed**2 / spread) if spread > 0 else of_seeds
    return _comparison(float(differences.mean()), variance**0.5, freedom, margin, found.influential)


def patients_that_show(margin: float) -> int:
    """Return how many patients one of `margin` is surely among: fewer may all have been spared by chance.

    >>> patients_that_show(0.02)
    183
    """
    return math.ceil(math.log(1 - CONFIDENCE) / math.log(1 - margin))


def _over_seeds(differences: Floats, pooled: float | None) -> tuple[float, float]:
    """Return V_S and its degrees of freedom."""
    seeds, own = len(differences), float(np.var(differences, ddof=1))
    if pooled is None:
        return own / seeds, seeds - 1.0
    return (own + pooled) / 2 / seeds, _GAIN * (seeds - 1)


def _over_patients(psi: Floats, classes: Ints) -> _OverPatients | None:
    variance, of_one_seed, spread = 0.0, 0.0, 0.0
    for number in np.unique(classes):
        part = psi[:, classes == number]
        count = part.shape[1]
        if count < 2:
            return None
        small = count / (count - 1)
        of_class = float(small * np.sum(part.mean(axis=0) ** 2))
        variance += of_class
        of_one_seed += float(small * np.sum(part**2)) / len(part)
        spread += of_class**2 / (count - 1)
    squares = psi.mean(axis=0) ** 2
    fourth = float(np.sum(squares**2))
    influential = float(np.sum(squares)) ** 2 / fourth if fourth > 0 else 0.0
    return _OverPatients(variance=variance, of_one_seed=of_one_seed, spread=spread, influential=influential)


def _comparison(
    difference: float, error: float, freedom: float, margin: float, influential: float
) -> Comparison:
    half = float(stdtrit(freedom, CONFIDENCE)) * error
    low = difference - half
    return Comparison(
        difference=difference,
        standard_error=error,
        degrees_of_freedom=freedom,
        low=low,
        high=difference + half,
        p=_p(difference + margin, error, freedom),
        shown_margin=max(0.0, -low),
        detectable_margin=half + float(stdtrit(freedom, POWER)) * error,
        influential=influential,
    )


def _p(above: float, error: float, freedom: float) -> float:
    """Return the one-sided p of lying `above` minus the margin by chance; 0 or 1 if nothing varies."""
    if error == 0:
        return 0.0 if above > 0 else 1.0
    return float(stdtr(freedom, -above / error))
