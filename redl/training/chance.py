"""Chance: whether a network's answers tell more than the share of positives does."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_RESAMPLES = 1000
_SEED = 0
_TAIL = 0.025


@dataclass(frozen=True, kw_only=True, slots=True)
class AucInterval:
    """Hold an AUC and its 95 % interval."""

    auc: float
    low: float
    high: float


def entropy(positive: float) -> float:
    """Return the least loss of a constant answer, in nats, where a share of labels is `positive`."""
    return -sum(share * math.log(share) for share in (positive, 1 - positive) if share > 0)


def auc_interval(
    scores: NDArray[np.floating], labels: NDArray[np.floating], subjects: NDArray[np.int32]
) -> AucInterval | None:
    """Return the AUC of scores (N,) for labels (N,) with the bootstrap's interval over subjects (N,).

    Subjects are drawn with all their images, for these are right or wrong together; draws that hold one class
    only are left out. Return None for scores that are not finite, and for fewer than two classes.
    """
    positive = labels > 0.5
    if not np.isfinite(scores).all() or positive.all() or not positive.any():
        return None
    _, subject_of_image = np.unique(subjects, return_inverse=True)
    weights = draw_weights(subject_of_image)
    # Ascending scores, and where each run of equal ones begins.
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(scores[order]) > 0])
    once = _aucs(np.ones((1, len(scores)), np.int64), positive, order, starts)[0]
    drawn = _aucs(weights, positive, order, starts)
    drawn = drawn[np.isfinite(drawn)]
    low, high = np.quantile(drawn, (_TAIL, 1 - _TAIL)) if len(drawn) else (0.0, 1.0)
    return AucInterval(auc=float(once), low=float(low), high=float(high))


def draw_weights(subject_of_image: NDArray[np.intp]) -> NDArray[np.int64]:
    """Draw as many subjects as there are, again and again; return each image's draws (draws, N)."""
    count = int(subject_of_image.max()) + 1
    drawn = np.random.default_rng(_SEED).multinomial(count, np.full(count, 1 / count), size=_RESAMPLES)
    return drawn[:, subject_of_image]


def _aucs(
    weights: NDArray[np.int64], positive: NDArray[np.bool_], order: NDArray[np.intp], starts: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return the Mann-Whitney statistic under each row of weights (draws, N); ties count half."""
    positives = np.add.reduceat(np.where(positive, weights, 0)[:, order], starts, axis=1)
    negatives = np.add.reduceat(np.where(positive, 0, weights)[:, order], starts, axis=1)
    below = np.cumsum(negatives, axis=1) - negatives
    won = (positives * (below + negatives / 2)).sum(axis=1)
    pairs = positives.sum(axis=1) * negatives.sum(axis=1)
    with np.errstate(invalid="ignore"):  # 0/0 of a draw with one class
        found: NDArray[np.float64] = won / pairs
    return found
