"""Metrics: what a classifier scored, per image and per subject.

A subject's probability is the mean over its images, fixed beforehand. Subjects are scored where all images of
each share one label, as those of a mammography do and the nodules of a chest do not.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn import metrics as sk

from redl.record import Scores

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.integer[Any]]


def score(labels: Ints, probabilities: Floats, subjects: Ints, *, threshold_at_90: float | None) -> Scores:
    """Score probabilities (N,) against labels (N,) in {0, 1}.

    `threshold_at_90` is the cut that gave 90 % specificity on the validation part. All scores are None when
    a probability is not finite; those that need both classes are None when one is missing, those by subject
    when a subject has images of both.
    """
    if len(labels) == 0 or not np.isfinite(probabilities).all():
        return Scores(**dict.fromkeys(Scores.__dataclass_fields__))
    by_subject = per_subject(labels, probabilities, subjects)
    answers = probabilities > 0.5
    sensitivity, specificity = _recall(labels, answers, 1), _recall(labels, answers, 0)
    balanced = None if sensitivity is None or specificity is None else (sensitivity + specificity) / 2
    at_90 = None if threshold_at_90 is None else _recall(labels, probabilities > threshold_at_90, 1)
    return Scores(
        accuracy=_accuracy(labels, probabilities),
        subject_accuracy=None if by_subject is None else _accuracy(*by_subject),
        auc=_auc(labels, probabilities),
        subject_auc=None if by_subject is None else _auc(*by_subject),
        balanced_accuracy=balanced,
        sensitivity=sensitivity,
        specificity=specificity,
        sensitivity_at_90_specificity=at_90,
        brier=float(np.mean((probabilities - labels) ** 2)),
        ece=expected_calibration_error(labels, probabilities),
    )


def per_subject(labels: Ints, probabilities: Floats, subjects: Ints) -> tuple[Ints, Floats] | None:
    """Gather images to subjects: the label that all images of each share, and the mean probability.

    Return None where a subject has images of both classes.
    """
    _, first, inverse = np.unique(subjects, return_index=True, return_inverse=True)
    shared = labels[first]
    if not np.array_equal(shared[inverse], labels):
        return None
    return shared, np.bincount(inverse, weights=probabilities) / np.bincount(inverse)


def threshold_at_specificity(labels: Ints, probabilities: Floats, specificity: float = 0.9) -> float | None:
    """Find the lowest cut at which `probability > cut` keeps the specificity; None without negatives."""
    negatives = probabilities[labels == 0]
    if len(negatives) == 0 or not np.isfinite(probabilities).all():
        return None
    return float(np.quantile(negatives, specificity, method="inverted_cdf"))


def expected_calibration_error(labels: Ints, probabilities: Floats, bins: int = 15) -> float:
    """Average |mean probability - share of positives| over bins of equal mass, weighted by size."""
    order = np.argsort(probabilities, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    gaps = [len(part) * abs(probabilities[part].mean() - labels[part].mean()) for part in parts]
    return float(sum(gaps) / len(labels))


def _accuracy(labels: Ints, probabilities: Floats) -> float:
    return float(sk.accuracy_score(labels, probabilities > 0.5))


def _auc(labels: Ints, probabilities: Floats) -> float | None:
    """Return the area under the curve; None without both classes."""
    return float(sk.roc_auc_score(labels, probabilities)) if 0 < labels.sum() < len(labels) else None


def _recall(labels: Ints, answers: npt.NDArray[np.bool_], positive: int) -> float | None:
    """Return the share of class `positive` answered rightly; None without any of it."""
    chosen = labels == positive
    return float((answers[chosen] == bool(positive)).mean()) if chosen.any() else None
