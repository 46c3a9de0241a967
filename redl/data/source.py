"""A data set as preparation sees it: items to work through, each of which brings one or more images."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

MISSING = "missing"  # the stamp of an item whose file is missing

Option = str | int | float | bool | None

Pixel = TypeVar("Pixel", bound=np.generic)


@dataclass(frozen=True, slots=True, eq=False)
class Images(Generic[Pixel]):
    """Images, with remarks on how they were read: a few words each, the same for all that they fit."""

    images: NDArray[Pixel]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One file or one scan, and how to make images of it.

    `name` may be shown to anyone, so it holds no patient; `stamp` changes when the file does. `work` is
    called in another process: it returns `rows` images, uint8 (rows, size, size), or raises DataError.
    """

    name: str
    stamp: str = field(repr=False)
    rows: int
    work: Callable[[], Images[np.uint8]] = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Source:
    """A data set before its images are made.

    The N rows are those of the items, one after another: `labels` uint8 (N,), 1 is positive; `subjects` int32
    (N,), counted for this run only; `raters` uint8 (N,), how many marked what is seen, where that is known;
    `parts` uint8 (N,), 0 train, 1 valid or 2 test, where the data set brings a split of its own.
    `options` say what was chosen from the data and how images are made; `skipped` names what is missing
    and may be; `ideal_accuracy` bounds any result on synthetic images.
    """

    dataset: str
    image_size: int
    items: tuple[Item, ...]
    labels: NDArray[np.uint8]
    subjects: NDArray[np.int32]
    raters: NDArray[np.uint8] | None = None
    parts: NDArray[np.uint8] | None = None
    options: dict[str, Option]
    synthetic: bool
    ideal_accuracy: float | None = None
    skipped: tuple[str, ...] = ()

    def row_names(self) -> list[str]:
        """Return a name for each of the N images, which may be shown to anyone."""
        return [
            item.name if item.rows == 1 else f"{item.name}, image {number}"
            for item in self.items
            for number in range(1, item.rows + 1)
        ]


def stamp_of(path: Path, *, below: Path) -> str:
    """Return what changes when a file does: its place `below` a folder, size and time, not its bytes.

    Hashing the 271 GiB of the real mammograms would take longer than a case.
    """
    try:
        status = os.stat(path)  # noqa: PTH116 - half the time of Path.stat, for 12 000 files
    except OSError:
        return MISSING
    return f"{path.relative_to(below).as_posix()} {status.st_size} {status.st_mtime_ns}"


_SEED = 1  # the same subjects for every run of as many images


def bounded(source: Source, images: int | None) -> Source:
    """Select subjects at random, each with all images, while they have at most `images` together.

    None takes all. What is left out is never decoded.
    """
    rows = select_subjects(source.subjects, images)
    if images is None or rows.all():
        return source
    first_rows = np.cumsum([0, *(item.rows for item in source.items)])[:-1]
    return replace(
        source,
        items=tuple(item for item, row in zip(source.items, first_rows, strict=True) if rows[row]),
        labels=source.labels[rows],
        subjects=source.subjects[rows],
        raters=None if source.raters is None else source.raters[rows],
        parts=None if source.parts is None else source.parts[rows],
        options=source.options | {"at_most_images": images},
    )


def select_subjects(subjects: NDArray[np.int32], images: int | None) -> NDArray[np.bool_]:
    """Return which rows to keep, (N,), so that they are at most `images`; each subject keeps all or none."""
    if images is None or len(subjects) <= images:
        return np.ones(len(subjects), bool)
    unique, counts = np.unique(subjects, return_counts=True)
    order = np.random.default_rng(_SEED).permutation(len(unique))
    return np.isin(subjects, unique[order][np.cumsum(counts[order]) <= images])
