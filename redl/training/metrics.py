"""Metrics: how well a classifier answers, per image and per subject.

A subject's probability is the mean over its images, a rule that was fixed beforehand. Subjects are scored
where all images of each share one label, as in mammography; the nodules of a chest do not.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from redl.record import Scores

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.integer[Any]]
Numbers = npt.NDArray[np.number[Any]]


def score(labels: Ints, probabilities: Floats, subjects: Ints, *, threshold_at_90: float | None) -> Scores:
    """Score probabilities (N,) against labels (N,) in {0, 1}.

    `threshold_at_90` is the cut that gave 90 % specificity on the validation part. All scores are None if a
    probability is not finite; those that need both classes are None if one is missing, and those by subject
    if a subject has images of both.
    """
    if len(labels) == 0 or not np.isfinite(probabilities).all():
        return Scores(**dict.fromkeys(Scores.__struct_fields__))
    by_subject = per_subject(labels, probabilities, subjects)
    answers = probabilities > 0.5
    sensitivity, specificity = _recall(labels, answers, 1), _recall(labels, answers, 0)
    balanced = None if sensitivity is None or specificity is None else (sensitivity + specificity) / 2
    above = None if threshold_at_90 is None else probabilities > threshold_at_90
    return Scores(
        accuracy=_accuracy(labels, probabilities),
        subject_accuracy=None if by_subject is None else _accuracy(*by_subject),
        auc=roc_auc(labels, probabilities),
        subject_auc=None if by_subject is None else roc_auc(*by_subject),
        balanced_accuracy=balanced,
        sensitivity=sensitivity,
        specificity=specificity,
        sensitivity_at_90_specificity=None if above is None else _recall(labels, above, 1),
        specificity_reached_at_90=None if above is None else _recall(labels, above, 0),
        brier=float(np.mean((probabilities - labels) ** 2)),
        ece=expected_calibration_error(labels, probabilities),
        ece_if_calibrated=calibrated_error(probabilities),
    )


def roc_auc(labels: Numbers, scores: Numbers, weights: Numbers | None = None) -> float | None:
    """Return the area under the ROC curve of scores (N,) for labels (N,) in {0, 1}; ties count half.

    `weights` (N,), none below 0, say how often each answer counts. Return None if a score is not finite, or
    if a class is missing or has no weight.
    """
    once = np.ones(len(labels), np.int64) if weights is None else weights
    (area,) = roc_aucs(labels, scores, once[None])
    return None if np.isnan(area) else float(area)


def roc_aucs(labels: Numbers, scores: Numbers, weights: Numbers) -> Floats:
    """Return the area under each row of weights (R, N), e.g. bootstrap draws; NaN where `roc_auc` is None.

    The area is the share of pairs of a positive and a negative that are in the right order (Hanley and McNeil
    1982); with whole weights both counts are exact.
    """
    if len(scores) == 0 or not np.isfinite(scores).all():
        return np.full(len(weights), np.nan)
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(scores[order]) > 0])  # of each run of equal scores
    positive = labels > 0.5
    positives = np.add.reduceat(np.where(positive, weights, 0)[:, order], starts, axis=1)
    negatives = np.add.reduceat(np.where(positive, 0, weights)[:, order], starts, axis=1)
    below = np.cumsum(negatives, axis=1) - negatives
    ordered = (positives * (below + negatives / 2)).sum(axis=1)
    pairs = positives.sum(axis=1) * negatives.sum(axis=1)
    with np.errstate(invalid="ignore"):  # 0/0 where a class has no weight
        return np.asarray(ordered / pairs)


def per_subject(labels: Ints, probabilities: Floats, subjects: Ints) -> tuple[Ints, Floats] | None:
    """Return each subject's label, which all of its images share, and its mean probability.

    Return None if a subject has images of both classes.
    """
    _, first, inverse = np.unique(subjects, return_index=True, return_inverse=True)
    shared = labels[first]
    if not np.array_equal(shared[inverse], labels):
        return None
    return shared, np.bincount(inverse, weights=probabilities) / np.bincount(inverse)


def threshold_at_specificity(labels: Ints, probabilities: Floats, specificity: float = 0.9) -> float | None:
    """Return the lowest cut at which `probability > cut` keeps the specificity; None without negatives."""
    negatives = probabilities[labels == 0]
    if len(negatives) == 0 or not np.isfinite(probabilities).all():
        return None
    return float(np.quantile(negatives, specificity, method="inverted_cdf"))


def expected_calibration_error(labels: Numbers, probabilities: Floats, bins: int = 15) -> float:
    """Average |mean probability - share of positives| over bins of equal mass, weighted by size.

    Equal probabilities share a bin, that of their middle rank, so that the order of images does not count.
    """
    inside = _bins(probabilities, bins)
    return float(np.abs(np.bincount(inside, weights=probabilities - labels)).sum() / len(labels))


def calibrated_error(probabilities: Floats, bins: int = 15, draws: int = 200) -> float:
    """Return the mean calibration error of labels drawn by the probabilities (N,) themselves.

    So much a perfectly calibrated network scores by chance, e.g. 0.07 with 210 images.
    """
    inside, random = _bins(probabilities, bins), np.random.default_rng(0)
    found = [
        np.abs(np.bincount(inside, weights=probabilities - labels)).sum()
        for labels in (random.random((draws, len(probabilities))) < probabilities).astype(np.float64)
    ]
    return float(np.mean(found) / len(probabilities))


def _bins(probabilities: Floats, bins: int) -> Ints:
    """Return the bin (N,) of each probability."""
    _, value, counts = np.unique(probabilities, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - (counts + 1) / 2  # the middle rank of each value
    return np.asarray((middle * bins / len(probabilities)).astype(np.intp)[value])


def _accuracy(labels: Ints, probabilities: Floats) -> float:
    return float(((probabilities > 0.5) == labels).mean())


def _recall(labels: Ints, answers: npt.NDArray[np.bool_], positive: int) -> float | None:
    """Return the share of class `positive` that is answered correctly; None if the class is missing."""
    chosen = labels == positive
    return float((answers[chosen] == bool(positive)).mean()) if chosen.any() else None
