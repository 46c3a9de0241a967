"""Images that occur twice, under different subjects: trained on and tested on, they are remembered, not read.

Public sets hold copies under other names, scaled, brightened or saved again. Every image is compared with
every other as a thumbnail, which is one product of matrices, and with the one most like it as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SAME = 0.999  # correlation of two images from which on they are called the same

_SIDE = 16  # pixels of a thumbnail
_ALIKE = 0.998  # of thumbnails, which are smoother than what they stand for: a little less must do
_BLOCK = 1024  # thumbnails that are compared with all at a time
_FLAT = 1e-3  # standard deviation in grey levels of a thumbnail that shows nothing, and matches nothing


@dataclass(frozen=True, kw_only=True, slots=True)
class Duplicate:
    """An image, by its row, and another subject's that it is like; `exact` if no pixel differs."""

    row: int
    of: int
    exact: bool


def find_duplicates(
    chunks: Iterable[NDArray[np.uint8]],
    read: Callable[[int], NDArray[np.uint8]],
    subjects: NDArray[np.int32],
) -> tuple[Duplicate, ...]:
    """Return the images that another subject has too, by rows.

    `chunks` are all N images, uint8 (n, S, S), some at a time; `read` returns that of a row, (S, S);
    `subjects` (N,) counts whose it is. Correlation does not see brightness and contrast, so that an image is
    found whichever window it was saved with. Images of one grey are like nothing.
    """
    thumbnails = _normalised(np.concatenate([_shrink(chunk) for chunk in chunks]))
    found = []
    for row, of in _most_alike(thumbnails, subjects):
        one, other = read(row), read(of)
        exact = bool(np.array_equal(one, other))
        if exact or _correlation(one, other) > SAME:
            found.append(Duplicate(row=row, of=of, exact=exact))
    return tuple(found)


def _shrink(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the mean over each of _SIDE x _SIDE fields of every image, shape (n, fields)."""
    side = images.shape[1]
    edges = np.linspace(0, side, min(side, _SIDE) + 1).astype(int)
    sums = np.add.reduceat(images, edges[:-1], axis=1, dtype=np.uint32)
    sums = np.add.reduceat(sums, edges[:-1], axis=2)
    areas = np.outer(np.diff(edges), np.diff(edges))
    means: NDArray[np.float32] = (sums / areas).reshape(len(images), -1).astype(np.float32)
    return means


def _normalised(thumbnails: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bring each to mean 0 and length 1, so that products are correlations; one of a single grey to 0."""
    centred = thumbnails - thumbnails.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    flat = lengths < _FLAT * np.sqrt(thumbnails.shape[1])
    normalised: NDArray[np.float32] = np.where(flat, 0, centred / np.where(flat, 1, lengths))
    return normalised


def _most_alike(thumbnails: NDArray[np.float32], subjects: NDArray[np.int32]) -> Iterator[tuple[int, int]]:
    """Yield the rows whose thumbnail is like one of another subject, with the row most like it."""
    for start in range(0, len(thumbnails), _BLOCK):
        block = slice(start, start + _BLOCK)
        alike = thumbnails[block] @ thumbnails.T
        alike[subjects[block, None] == subjects] = -1
        best = alike.argmax(axis=1)
        for place in np.flatnonzero(alike[np.arange(len(best)), best] > _ALIKE):
            yield start + int(place), int(best[place])


def _correlation(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    first, second = (image.ravel() - image.mean(dtype=np.float64) for image in (one, other))
    scale = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(first @ second) / scale if scale else 0.0
