"""Paired intervals: two trained networks on the same independent patients.

They say nothing about other seeds. A verdict gives them for a pair of one seed, which it cannot judge.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import norm

from redl.results.metric import OF_RANKS, Metric
from redl.results.noninferiority.influence import placements, right, units
from redl.training.metrics import Floats, Ints

Interval = tuple[float, float]

_Z = float(norm.ppf(0.975))
_HALVINGS = 60  # of an interval no longer than 2, down to the last digit


def tango(b: int, c: int, n: int) -> Interval:
    """Return Tango's (1998) 95 % score interval of (b - c)/n, the difference of two paired proportions.

    Of n pairs, b are correct only by the first and c only by the second.
    """
    return _tango_low(b, c, n), -_tango_low(c, b, n)


def delong(labels: Ints, new: Floats, old: Floats) -> tuple[float, float]:
    """Return the difference of two AUCs on the same N units, new minus old, and its variance.

    After DeLong, DeLong and Clarke-Pearson (1988), in time N log N. Each class needs at least two units.
    """
    apart = placements(labels, new) - placements(labels, old)
    classes = [apart[labels == label] for label in (0, 1)]
    return float(classes[1].mean()), float(sum(np.var(part, ddof=1) / len(part) for part in classes))


def interval_of_one_pair(
    metric: Metric, labels: Ints, subjects: Ints, new: Floats, old: Floats
) -> tuple[str, Interval] | None:
    """Return the author and the 95 % interval of the difference, new minus old, of probabilities (N,).

    Return None where there is no such interval: for balanced accuracy and the Brier score, for patients with
    several images that are not scored as wholes, and for an AUC with fewer than two units in a class or an
    answer that is not finite. Raise OptionError as `influence` does.
    """
    first, second = (units(metric, labels, probabilities, subjects) for probabilities in (new, old))
    if metric in (Metric.BALANCED_ACCURACY, Metric.BRIER) or len(set(first.subjects)) < len(first.subjects):
        return None
    if metric not in OF_RANKS:
        by_new, by_old = (right(arm.labels, arm.probabilities) == 1 for arm in (first, second))
        only = int((by_new & ~by_old).sum()), int((by_old & ~by_new).sum())
        return "Tango 1998", tango(*only, len(by_new))
    answers = first.probabilities, second.probabilities
    if np.bincount(first.labels).min() < 2 or not np.isfinite(answers).all():
        return None
    difference, variance = delong(first.labels, *answers)
    half = _Z * variance**0.5
    return "DeLong 1988", (difference - half, difference + half)


def _tango_low(b: int, c: int, n: int) -> float:
    """Return by bisection where the score statistic, which falls from -1 to (b - c)/n, meets the quantile."""
    low, high = -1.0, (b - c) / n
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if b - c - n * middle > _Z * _score_error(b, c, n, middle):
            low = middle
        else:
            high = middle
    return low


def _score_error(b: int, c: int, n: int, difference: float) -> float:
    """Return the standard error of b - c at a true difference.

    `by_second`, the likeliest probability of being correct only by the second, is the root of a quadratic.
    """
    linear = (2 * n - b + c) * difference - b - c
    constant = -c * difference * (1 - difference)
    root = math.sqrt(max(0.0, linear**2 - 8 * n * constant))
    by_second = (root - linear) / (4 * n)
    return math.sqrt(max(0.0, n * (2 * by_second + difference * (1 - difference))))
