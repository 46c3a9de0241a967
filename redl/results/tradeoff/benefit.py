"""Net benefit: what acting on the answers is worth at a cut, in correctly treated patients per patient.

Vickers and Elkin (2006), doi 10.1177/0272989X06295361: NB(t) = TP/n - FP/n * t/(1-t). The cut t says how many
unnecessary treatments one correct treatment is worth; treating nobody is worth 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from redl.errors import OptionError
from redl.results.arms import Arm
from redl.training.metrics import per_subject

TREAT_NONE = 0.0


class Unit(StrEnum):
    """What is treated: a patient, or an image where a patient has images of both classes."""

    PATIENT = "patient"
    IMAGE = "image"


@dataclass(frozen=True, kw_only=True, slots=True)
class Units:
    """Answers of an arm for the U units that are treated.

    `labels` (U,) are 0 or 1, `subjects` (U,) say whose they are, `probabilities` (S, U) have a row per seed.
    """

    unit: Unit
    labels: NDArray[np.int64]
    subjects: NDArray[np.int64]
    probabilities: NDArray[np.float64]


def units_of(arm: Arm) -> Units:
    """Return patients, by the mean probability of their images, if all images of each share one label.

    Otherwise return the images, e.g. LIDC's patches. A patient with an answer that is not finite has no
    finite mean.
    """
    rows = [per_subject(arm.labels, row, arm.subjects) for row in arm.probabilities]
    gathered = [row for row in rows if row is not None]
    if not gathered:
        return images_of(arm)
    return Units(
        unit=Unit.PATIENT,
        labels=gathered[0][0].astype(np.int64),
        subjects=np.unique(arm.subjects),
        probabilities=np.array([probabilities for _, probabilities in gathered]),
    )


def images_of(arm: Arm) -> Units:
    """Return the images themselves as units."""
    return Units(unit=Unit.IMAGE, labels=arm.labels, subjects=arm.subjects, probabilities=arm.probabilities)


def gains(units: Units, threshold: float) -> NDArray[np.float64]:
    """Return what each unit adds to net benefit, (S, U): 1 for a TP, -t/(1-t) for an FP, else 0.

    A unit is treated if its probability lies above the cut, as for accuracy; an answer that is not finite
    treats nobody. Raise OptionError for a cut that is not between 0 and 1.
    """
    worth = np.where(units.labels == 1, 1.0, -odds(threshold))
    return np.where(units.probabilities > threshold, worth, 0.0)


def net_benefit(units: Units, threshold: float) -> NDArray[np.float64]:
    """Return net benefit per unit of each seed, (S,); raise OptionError for a cut not between 0 and 1."""
    return np.asarray(gains(units, threshold).mean(axis=1))


def treat_all(units: Units, threshold: float) -> float:
    """Return the net benefit of treating every unit: prevalence - (1 - prevalence) * t/(1-t)."""
    prevalence = float(units.labels.mean())
    return prevalence - (1 - prevalence) * odds(threshold)


def odds(threshold: float) -> float:
    """Return t/(1-t), what one treated in vain costs in ones treated rightly.

    Raise OptionError for a cut that is not between 0 and 1.
    """
    check_threshold(threshold)
    return threshold / (1 - threshold)


def check_threshold(threshold: float) -> None:
    """Raise OptionError for a cut that is not between 0 and 1; NaN is not."""
    if not 0 < threshold < 1:
        raise OptionError(f"threshold {threshold:g}: give a cut between 0 and 1; accuracy's is 0.5")
