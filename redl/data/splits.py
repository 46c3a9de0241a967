"""Splits of images into training, validation and test parts, with no subject in two of them.

The published code cuts the sorted image list, which puts the subjects at each cut on both sides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redl.errors import DataError

# With fewer, rounding 60/20/20 leaves a part without a subject or with only one image.
MIN_SUBJECTS = 5

SPLIT_SEED = 0  # one split for all seeds of training: only training varies between them


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Split:
    """Ascending indices of the images of each part, shape (n,)."""

    train: NDArray[np.intp]
    valid: NDArray[np.intp]
    test: NDArray[np.intp]


def split_by_subject(subjects: NDArray[Any], *, seed: int) -> Split:
    """Split images 60/20/20 by subject, whatever the order of the rows.

    `subjects` names the subject of each image, shape (N,). Raise DataError for fewer than 5 subjects.
    """
    unique, subject_of_image = np.unique(subjects, return_inverse=True)
    count = len(unique)
    if count < MIN_SUBJECTS:
        raise DataError(
            f"too few subjects to split ({count}): train, valid and test need at least {MIN_SUBJECTS} "
            "together; add subjects, or raise --redl-images"
        )
    place = np.random.default_rng(seed).permutation(count)[subject_of_image]
    part = np.digitize(place, [round(0.6 * count), round(0.8 * count)])
    train, valid, test = (np.flatnonzero(part == number) for number in range(3))
    return Split(train=train, valid=valid, test=test)
