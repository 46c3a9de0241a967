"""From a CT scan to the patches around its nodules, as images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from redl.data.lidc.annotations import Patch
from redl.data.lidc.database import Scan
from redl.data.lidc.rules import LidcRules
from redl.data.lidc.slices import read_slices
from redl.data.source import Images

PATCH_SIDE = 128  # pixels, of the scan or of `spacing_mm`


def load_patches(
    folder: Path, scan: Scan, patches: Sequence[Patch], *, size: int, rules: LidcRules
) -> Images[np.uint8]:
    """Cut the patches of a scan whose files lie in `folder`, uint8 (len(patches), size, size).

    0 is the lower end of the window and 255 the upper. Beyond the slice lies what is below the window. Raise
    DataError for a scan that cannot be read.
    """
    places = sorted({patch.slice for patch in patches})
    slices = dict(zip(places, _window(read_slices(folder, scan, places), rules), strict=True))
    side = PATCH_SIDE if rules.spacing_mm is None else PATCH_SIDE * rules.spacing_mm / scan.pixel_spacing
    return Images(np.stack([_cut(slices[patch.slice], patch, side=side, size=size) for patch in patches]))


def _window(hounsfield: NDArray[np.int16], rules: LidcRules) -> NDArray[np.float32]:
    low, high = rules.window_hu
    scaled = (hounsfield.astype(np.float32) - low) / (high - low)
    return np.clip(scaled, 0, 1, out=scaled)


def _cut(plane: NDArray[np.float32], patch: Patch, *, side: float, size: int) -> NDArray[np.uint8]:
    """Cut a square of `side` pixels, not always whole, around the patch's centre and make it `size` pixels.

    One resize does what resampling and then resizing would, and blurs once; Pillow's averages over all that
    becomes a pixel.
    """
    half = side / 2
    margin = int(np.ceil(half)) + 1
    padded = np.pad(plane, margin)
    top, left = patch.row, patch.column  # the square's middle is at (margin, margin) of what is cut here
    around = padded[top : top + 2 * margin, left : left + 2 * margin]
    box = (margin - half, margin - half, margin + half, margin + half)
    image = Image.fromarray(around).resize((size, size), Image.Resampling.BILINEAR, box=box)
    return np.round(np.asarray(image) * 255).astype(np.uint8)
