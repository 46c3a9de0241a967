"""Influence: how far each patient moves a metric, from which its variance over patients follows.

The metrics are those of `redl.training.metrics`, with two differences: `brier` has its sign turned, so that
higher is better for all, and where answers are counted, one that is not a number counts as wrong, because a
network that answers nothing must not go unjudged.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from redl.errors import OptionError
from redl.results.metric import OF_RANKS, OF_SUBJECTS, Metric
from redl.training.metrics import Floats, Ints, per_subject


@dataclass(frozen=True, kw_only=True, slots=True)
class Influence:
    """Value of a metric and the contribution of each patient to its deviation, `psi` (P,), whose sum is 0."""

    value: float
    psi: Floats


@dataclass(frozen=True, kw_only=True, slots=True)
class Units:
    """The N answers that a metric is about, of images or of whole subjects."""

    labels: Ints
    probabilities: Floats
    subjects: Ints


def influence(metric: Metric, labels: Ints, probabilities: Floats, subjects: Ints) -> Influence | None:
    """Return a metric of probabilities (N,) and its influence by patient, in the order of their numbers.

    Patients without an image that the metric is about are left out. Return None for an AUC or the Brier
    score if a probability is not finite. Raise OptionError if the metric has no meaning for these labels: a
    class is missing, or a metric of whole subjects meets one with images of both.

    A patient's influence on a mean is the sum of its images' deviations divided by n; on an AUC, that of
    their placements divided by the size of their class (Obuchowski 1997).
    """
    found = units(metric, labels, probabilities, subjects)
    if metric in (*OF_RANKS, Metric.BRIER) and not np.isfinite(found.probabilities).all():
        return None
    patients, patient = np.unique(found.subjects, return_inverse=True)
    value, deviations = _unit_by_unit(metric, found.labels, found.probabilities)
    psi = np.bincount(patient, weights=deviations, minlength=len(patients)).astype(np.float64)
    return Influence(value=value, psi=psi)


def over_seeds(
    metric: Metric, labels: Ints, probabilities: Floats, subjects: Ints
) -> tuple[Floats, Floats] | None:
    """Return the values (S,) and influences (S, P) of probabilities (S, N), a row for each seed.

    None and OptionError are those of `influence`.
    """
    found = [influence(metric, labels, row, subjects) for row in probabilities]
    known = [of_seed for of_seed in found if of_seed is not None]
    if len(known) < len(found):
        return None
    return np.array([of_seed.value for of_seed in known]), np.array([of_seed.psi for of_seed in known])


def units(metric: Metric, labels: Ints, probabilities: Floats, subjects: Ints) -> Units:
    """Return the answers that a metric is about; raise OptionError as `influence` does."""
    if metric in (Metric.SENSITIVITY, Metric.SPECIFICITY):
        chosen = labels == (1 if metric is Metric.SENSITIVITY else 0)
        labels, probabilities, subjects = labels[chosen], probabilities[chosen], subjects[chosen]
    _check_classes(metric, labels)
    if metric not in OF_SUBJECTS:
        return Units(labels=labels, probabilities=probabilities, subjects=subjects)
    wholes = per_subject(labels, probabilities, subjects)
    if wholes is None:
        remedy = metric.removeprefix("subject_")
        raise OptionError(f"metric {metric}: subjects have images of both classes; use {remedy}")
    return Units(labels=wholes[0], probabilities=wholes[1], subjects=np.unique(subjects))


def right(labels: Ints, probabilities: Floats) -> Floats:
    """Return 1 for each correct answer, else 0, from labels (N,) and probabilities (..., N).

    An answer that is not a number is wrong for either class.
    """
    answers: NDArray[np.bool_] = np.isfinite(probabilities) & ((probabilities > 0.5) == labels)
    return answers.astype(np.float64)


def _unit_by_unit(metric: Metric, labels: Ints, probabilities: Floats) -> tuple[float, Floats]:
    """Return a metric and the contribution of each of N units to its deviation, (N,)."""
    match metric:
        case Metric.AUC | Metric.SUBJECT_AUC:
            return _by_class(placements(labels, probabilities), labels)
        case Metric.BALANCED_ACCURACY:
            value, deviations = _by_class(right(labels, probabilities), labels)
            return value, deviations / 2
        case Metric.BRIER:
            values = -((probabilities - labels) ** 2)
        case Metric.ACCURACY | Metric.SUBJECT_ACCURACY | Metric.SENSITIVITY | Metric.SPECIFICITY:
            values = right(labels, probabilities)
    mean = float(values.mean())
    return mean, (values - mean) / len(values)


def _by_class(values: Floats, labels: Ints) -> tuple[float, Floats]:
    """Return the mean of both classes' means, and each value's deviation divided by the size of its class."""
    sizes = np.bincount(labels, minlength=2)
    means = np.bincount(labels, weights=values, minlength=2) / sizes
    return float(means.mean()), (values - means[labels]) / sizes[labels]


def _check_classes(metric: Metric, labels: Ints) -> None:
    needs_both = metric in (*OF_RANKS, Metric.BALANCED_ACCURACY)
    if len(labels) == 0 or (needs_both and len(np.unique(labels)) < 2):
        raise OptionError(
            f"metric {metric}: the test images have none of a class that it needs; use another metric"
        )


def placements(labels: Ints, probabilities: Floats) -> Floats:
    """Return for each of N answers the share of the other class that it is ordered correctly with, (N,).

    Ties count half. The mean over either class is the AUC (DeLong, DeLong and Clarke-Pearson 1988). Both
    classes must be present and all probabilities finite.
    """
    positive = labels == 1
    placed = np.empty(len(labels))
    placed[positive] = _share_below(probabilities[~positive], probabilities[positive])
    placed[~positive] = 1 - _share_below(probabilities[positive], probabilities[~positive])
    return placed


def _share_below(others: Floats, values: Floats) -> Floats:
    """Return the share of `others` below each value, ties half, in time n log n."""
    ordered = np.sort(others)
    below, not_above = (np.searchsorted(ordered, values, side=side) for side in ("left", "right"))
    return np.asarray((below + not_above) / (2 * len(others)))
