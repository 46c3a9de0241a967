"""From what a screen shows to a small square: the breast cut out, its proportions kept, the rest air.

On a mammogram up to two thirds are air, and a label lies in it that names the view and sometimes the machine.
Cut to the breast, a lesion has more pixels and the label is gone. The published preprocessing squashes the
whole image instead, whatever its proportions: `crop=False` does the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from redl.data.dicom import read_with_remarks
from redl.data.source import Images

_ABOVE_AIR = 0.05  # where tissue begins, as a fraction of the way from the air to the brightest pixel
_CELL = 4  # pixels
_CONTENT = 2 / 255  # an image whose pixels differ by no more is blank


@dataclass(frozen=True, kw_only=True, slots=True)
class Box:
    """Box around a breast: rows `top` to `bottom`, columns `left` to `right`, the last ones excluded.

    `on_left` says whether the chest wall is on its left.
    """

    top: int
    bottom: int
    left: int
    right: int
    on_left: bool

    @property
    def longer_side(self) -> int:
        """Return the longer side in pixels."""
        return max(self.bottom - self.top, self.right - self.left)


def load_mammogram(path: Path, *, size: int, crop: bool) -> Images[np.uint8]:
    """Read the mammogram at `path` as one square image, uint8 (1, size, size), with remarks on how.

    It is decoded at about twice the size, or whole where the breast fills too little of it. Raise DataError
    as `read_image` does.
    """
    reading = read_with_remarks(path, min_side=2 * size)
    if not crop:
        return Images(_squash(reading.images, size)[None], reading.remarks)
    box = find_breast(reading.images)
    if box.longer_side < size:
        reading = read_with_remarks(path)
        box = find_breast(reading.images)
    return Images(_cut(reading.images, box, size)[None], reading.remarks)


def frame(image: NDArray[np.float32], size: int, *, crop: bool) -> NDArray[np.uint8]:
    """Bring an image (H, W) in [0, 1] to (size, size) in 0..255, anti-aliased.

    Cropped, it is the breast's bounding box in its own proportions, filled up with air: on the side away
    from the chest wall, and equally above and below. Otherwise the whole image is squashed.
    """
    return _cut(image, find_breast(image), size) if crop else _squash(image, size)


def find_breast(image: NDArray[np.float32]) -> Box:
    """Return the box around the largest connected region brighter than air, or all of a blank image.

    Regions fewer than _CELL pixels apart count as one.
    """
    darkest, brightest = float(image.min()), float(image.max())
    if brightest - darkest <= _CONTENT:
        return Box(top=0, bottom=image.shape[0], left=0, right=image.shape[1], on_left=True)
    tissue = _largest_region(image > darkest + _ABOVE_AIR * (brightest - darkest))
    rows, columns = (np.flatnonzero(tissue.any(axis=axis)) for axis in (1, 0))
    top, bottom, left, right = (int(edge) for edge in (rows[0], rows[-1] + 1, columns[0], columns[-1] + 1))
    # The breast is widest at the chest wall.
    middle = (left + right) // 2
    on_left = np.count_nonzero(tissue[:, :middle]) >= np.count_nonzero(tissue[:, middle:])
    return Box(top=top, bottom=bottom, left=left, right=right, on_left=bool(on_left))


def _largest_region(bright: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the pixels of the largest connected region, found on cells of pixels: ten times as fast."""
    rows, columns = (-side % _CELL for side in bright.shape)
    padded = np.pad(bright, ((0, rows), (0, columns)))
    by_rows = np.logical_or.reduce([padded[first::_CELL] for first in range(_CELL)])
    cells = np.logical_or.reduce([by_rows[:, first::_CELL] for first in range(_CELL)])
    regions, _ = ndimage.label(cells)
    sizes = np.bincount(regions.ravel())
    sizes[0] = 0  # the air
    largest = (regions == sizes.argmax()).repeat(_CELL, axis=0).repeat(_CELL, axis=1)
    region: NDArray[np.bool_] = bright & largest[: bright.shape[0], : bright.shape[1]]
    return region


def _cut(image: NDArray[np.float32], box: Box, size: int) -> NDArray[np.uint8]:
    scale = size / box.longer_side
    rows, columns = (max(1, round(side * scale)) for side in (box.bottom - box.top, box.right - box.left))
    top, left = (size - rows) // 2, 0 if box.on_left else size - columns
    # Air is grey under a sigmoid window, and black beside it would draw an edge that names the machine.
    framed = np.full((size, size), round(float(image.min()) * 255), np.uint8)
    part = image[box.top : box.bottom, box.left : box.right]
    framed[top : top + rows, left : left + columns] = _resize(part, (rows, columns))
    return framed


def _squash(image: NDArray[np.float32], size: int) -> NDArray[np.uint8]:
    return _resize(image, (size, size))


def _resize(image: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Resize (H, W) in [0, 1] to `shape` in 0..255; Pillow's bilinear filter widens with the reduction."""
    resized = Image.fromarray(image).resize(shape[::-1], Image.Resampling.BILINEAR)
    pixels: NDArray[np.uint8] = np.round(np.clip(np.asarray(resized), 0, 1) * 255).astype(np.uint8)
    return pixels
