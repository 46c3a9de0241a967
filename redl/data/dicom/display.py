"""From stored values to what a screen shows: rescaling, window and polarity in one pass over the image.

All of them are affine but the sigmoid, which comes last, so that they are joined beforehand.
Source: DICOM PS3.3 C.11.1.1.2, C.11.2.1.2 and C.11.2.1.3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.multival import MultiValue

from redl.data.dicom.damage import UnreadableImage

_NOTHING = "its window or rescaling gives no finite values; leave the image out"
_NARROW = 1e-3  # what a LINEAR window of width 1, a step by the standard, is widened to
_STEEP = 80.0  # beyond it a logistic curve is flat, and the exponential of a little more overflows


@dataclass(frozen=True, kw_only=True, slots=True)
class Display:
    """A curve over stored values: 1/2 at `centre`, a line of slope `gain` or a logistic curve."""

    centre: float
    gain: float
    sigmoid: bool

    def apply(self, stored: NDArray[np.float32]) -> NDArray[np.float32]:
        """Turn stored values, shape (H, W), into brightness in [0, 1], in place."""
        stored -= np.float32(self.centre)
        stored *= np.float32(self.gain)
        if self.sigmoid:
            np.clip(stored, -_STEEP, _STEEP, out=stored)
            np.exp(np.negative(stored, out=stored), out=stored)
            stored += 1
            return np.reciprocal(stored, out=stored)
        stored += np.float32(0.5)
        return np.clip(stored, 0, 1, out=stored)


def read_display(header: Dataset) -> Display:
    """Read how an image is shown: by its first window, or the range of its stored bits where it has none.

    Raise UnreadableImage for a window or rescaling that shows nothing.
    """
    slope, intercept = _first(header, "RescaleSlope", 1.0), _first(header, "RescaleIntercept", 0.0)
    if slope == 0:
        raise UnreadableImage(_NOTHING)
    display = _window(header, slope, intercept) if has_window(header) else _whole_range(header, slope)
    # An image of float32 can't be shifted or stretched by more, nor by what is no number.
    largest = float(np.finfo(np.float32).max) / 2**17
    if not (abs(display.centre) < largest and 0 < abs(display.gain) < largest):
        raise UnreadableImage(_NOTHING)
    if header.PhotometricInterpretation == "MONOCHROME1":
        return replace(display, gain=-display.gain)
    return display


def has_window(header: Dataset) -> bool:
    """Return whether a window is given."""
    return all(tag in header and header[tag].VM for tag in ("WindowCenter", "WindowWidth"))


def _window(header: Dataset, slope: float, intercept: float) -> Display:
    center, width = _first(header, "WindowCenter", math.nan), _first(header, "WindowWidth", math.nan)
    if not width > 0:
        raise UnreadableImage(_NOTHING)
    match header.get("VOILUTFunction") or "LINEAR":
        case "LINEAR":
            center, gain, sigmoid = center - 0.5, 1 / max(width - 1, _NARROW), False
        case "LINEAR_EXACT":
            gain, sigmoid = 1 / width, False
        case "SIGMOID":
            gain, sigmoid = 4 / width, True
        case _:
            raise UnreadableImage("a window of unknown form; only LINEAR, LINEAR_EXACT and SIGMOID are read")
    return Display(centre=(center - intercept) / slope, gain=gain * slope, sigmoid=sigmoid)


def _whole_range(header: Dataset, slope: float) -> Display:
    span = 2**header.BitsStored - 1
    low = -(2 ** (header.BitsStored - 1)) if header.PixelRepresentation == 1 else 0
    return Display(centre=low + span / 2, gain=math.copysign(1 / span, slope), sigmoid=False)


def _first(header: Dataset, tag: str, default: float) -> float:
    """Return the first of a tag's values, or `default` where it has none."""
    value = header[tag].value if tag in header and header[tag].VM else default
    return float(value[0] if isinstance(value, MultiValue) else value)
