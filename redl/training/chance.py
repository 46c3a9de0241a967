"""Chance: whether a network's answers are better than the share of positives."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from redl.training.metrics import roc_auc, roc_aucs

_RESAMPLES = 1000
_SEED = 0
_TAIL = 0.025


@dataclass(frozen=True, kw_only=True, slots=True)
class AucInterval:
    """An AUC and its 95 % interval."""

    auc: float
    low: float
    high: float


def entropy(positive: float) -> float:
    """Return the least loss of a constant answer, in nats; `positive` is the share of positive labels."""
    return -sum(share * math.log(share) for share in (positive, 1 - positive) if share > 0)


def auc_interval(
    scores: NDArray[np.floating], labels: NDArray[np.floating], subjects: NDArray[np.int32]
) -> AucInterval | None:
    """Return the AUC of scores (N,) for labels (N,) with its bootstrap interval over subjects (N,).

    Subjects are drawn with all their images, because these are right or wrong together; draws of only one
    class are left out. Return None if a score is not finite or a class is missing.
    """
    auc = roc_auc(labels, scores)
    if auc is None:
        return None
    _, subject_of_image = np.unique(subjects, return_inverse=True)
    drawn = roc_aucs(labels, scores, draw_weights(subject_of_image))
    drawn = drawn[np.isfinite(drawn)]
    low, high = np.quantile(drawn, (_TAIL, 1 - _TAIL)) if len(drawn) else (0.0, 1.0)
    return AucInterval(auc=auc, low=float(low), high=float(high))


def draw_weights(subject_of_image: NDArray[np.intp]) -> NDArray[np.int64]:
    """Draw as many subjects as there are, many times; return how often each image is drawn (draws, N)."""
    count = int(subject_of_image.max()) + 1
    drawn = np.random.default_rng(_SEED).multinomial(count, np.full(count, 1 / count), size=_RESAMPLES)
    return drawn[:, subject_of_image]
