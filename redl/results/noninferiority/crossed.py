"""The crossed comparison: the difference of two arms, with an interval over new seeds and new patients.

Seeds and patients are crossed: every seed's networks answer for every patient. A variance that treats images
as independent, or one seed as all, is too small. docs/explanation/statistics.md says how often it misleads.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from redl.training.metrics import Floats

CONFIDENCE, POWER = 0.975, 0.80  # one-sided, as non-inferiority is; the interval has 95 % of both sides


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Mean difference, new minus old, and its 95 % interval from `low` to `high`.

    `p` is one-sided, of the hypothesis that the difference is at most minus the margin. `shown_margin` is the
    smallest margin that this interval shows, `detectable_margin` the smallest that an experiment of this
    variance shows in four of five runs in which there is no difference.
    """

    difference: float
    standard_error: float
    degrees_of_freedom: float
    low: float
    high: float
    p: float
    shown_margin: float
    detectable_margin: float


def compare(differences: Floats, psi: Floats, *, margin: float) -> Comparison | None:
    """Compare two arms by their difference for each seed (S,) and its influence by patient (S, P).

    Return None for one seed or one patient, which has no spread. V_P is the variance over patients, V_S that
    over seeds, and V_I their interaction, which is in both: how differently each seed answers for the same
    patients. The variance is V_P + max(0, V_S - V_I), and Satterthwaite's degrees of freedom are at least
    S - 1.
    """
    seeds, patients = psi.shape
    if seeds < 2 or patients < 2:
        return None
    small = patients / (patients - 1)
    over_patients = float(small * np.sum(psi.mean(axis=0) ** 2))
    over_seeds = float(np.var(differences, ddof=1)) / seeds
    of_one_seed = float(small * np.sum(psi**2)) / seeds
    interaction = max(0.0, (of_one_seed - over_patients) / (seeds - 1))
    variance = over_patients + max(0.0, over_seeds - interaction)
    spread = over_patients**2 / (patients - 1) + over_seeds**2 / (seeds - 1)
    freedom = max(seeds - 1.0, variance**2 / spread) if spread > 0 else seeds - 1.0
    return _comparison(float(differences.mean()), variance**0.5, freedom, margin)


def _comparison(difference: float, error: float, freedom: float, margin: float) -> Comparison:
    half = float(student.ppf(CONFIDENCE, freedom)) * error
    low = difference - half
    return Comparison(
        difference=difference,
        standard_error=error,
        degrees_of_freedom=freedom,
        low=low,
        high=difference + half,
        p=_p(difference + margin, error, freedom),
        shown_margin=max(0.0, -low),
        detectable_margin=half + float(student.ppf(POWER, freedom)) * error,
    )


def _p(above: float, error: float, freedom: float) -> float:
    """Return the one-sided p of lying `above` minus the margin by chance; 0 or 1 if nothing varies."""
    if error == 0:
        return 0.0 if above > 0 else 1.0
    return float(student.sf(above / error, freedom))
