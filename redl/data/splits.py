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
    """Ascending indices of the images of each part, shape (n,); `kind` says how they were chosen."""

    train: NDArray[np.intp]
    valid: NDArray[np.intp]
    test: NDArray[np.intp]
    kind: str


def split_images(
    subjects: NDArray[Any], labels: NDArray[np.uint8], parts: NDArray[np.uint8] | None = None
) -> Split:
    """Split images as their data set says, `parts`, or else by subject, the same for every run."""
    if parts is not None:
        return _split(parts, "its own")
    return split_by_subject(subjects, labels, seed=SPLIT_SEED)


def split_by_subject(subjects: NDArray[Any], labels: NDArray[np.uint8], *, seed: int) -> Split:
    """Split images 60/20/20 by subject, whatever the order of the rows.

    `subjects` names the subject of each image, `labels` its class, shape (N,). Where a class is so rare that
    a part would be without it, subjects with a positive image and those without are split one after the
    other. Raise DataError for fewer than 5 subjects.
    """
    unique, subject_of_image = np.unique(subjects, return_inverse=True)
    count = len(unique)
    if count < MIN_SUBJECTS:
        raise DataError(
            f"too few subjects to split ({count}): train, valid and test need at least {MIN_SUBJECTS} "
            "together; add subjects, or raise --redl-images"
        )
    order = np.random.default_rng(seed).permutation(count)
    plain = _split(
        np.digitize(order, [round(0.6 * count), round(0.8 * count)])[subject_of_image], "by subject"
    )
    if _has_both(plain, labels):
        return plain
    positive = np.zeros(count, bool)
    np.logical_or.at(positive, subject_of_image, labels == 1)
    stratified = _split(_stratify(positive, order)[subject_of_image], "by subject, stratified by class")
    return stratified if _has_both(stratified, labels) else plain


def check_classes(split: Split, labels: NDArray[np.uint8]) -> None:
    """Raise DataError for a part without both classes: nothing can be learnt or scored on it."""
    if not _has_both(split, labels):
        counts = ", ".join(
            f"{name} {np.count_nonzero(labels[rows])} of {len(rows)}"
            for name, rows in (("train", split.train), ("valid", split.valid), ("test", split.test))
        )
        raise DataError(
            f"a part would lack one of the classes (positive images: {counts}); add subjects until at least "
            "3 have a positive image and 3 have none, or raise --redl-images"
        )


def _split(part: NDArray[Any], kind: str) -> Split:
    train, valid, test = (np.flatnonzero(part == number) for number in range(3))
    return Split(train=train, valid=valid, test=test, kind=kind)


def _has_both(split: Split, labels: NDArray[np.uint8]) -> bool:
    return all({0, 1} <= set(labels[rows].tolist()) for rows in (split.train, split.valid, split.test))


def _stratify(positive: NDArray[np.bool_], order: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return each subject's part, with at least one of either class in validation and test."""
    part = np.zeros(len(positive), np.intp)
    for subjects in (np.flatnonzero(positive), np.flatnonzero(~positive)):
        ranked = subjects[np.argsort(order[subjects])]
        held_out = max(1, round(0.2 * len(ranked)))
        part[ranked[len(ranked) - held_out :]] = 2
        part[ranked[len(ranked) - 2 * held_out : len(ranked) - held_out]] = 1
    return part
