"""From stored values to what a screen shows: rescaling, window or lookup table, padding and polarity.

With a window all of them are affine but the sigmoid, which comes last, so that they are joined beforehand
and an image may be averaged first. Whatever else there is needs every pixel as it was stored.
Source: DICOM PS3.3 C.7.5.1.1.2, C.11.1, C.11.2 and PS3.14 for polarity.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.multival import MultiValue
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut

from redl.data.dicom.damage import UnreadableImage
from redl.data.dicom.pixels import Layout
from redl.data.greyscale import own_bits, range_of

_NOTHING = "its window or rescaling gives no finite values; leave the image out"
_NARROW = 1e-3  # what a LINEAR window of width 1, a step by the standard, is widened to
_STEEP = 80.0  # beyond it a logistic curve is flat, and the exponential of a little more overflows
_DARK = 1 / 255  # as dark as black, once an image has 8 bits
_MOST_TABLE_BITS = 16  # a table of more entries would be larger than the image

Stored = NDArray[Any]
Brightness = NDArray[np.float32]


class Display(Protocol):
    """How stored values, integers of shape (H, W), become brightness in [0, 1]."""

    def show(self, stored: Stored) -> tuple[Brightness, tuple[str, ...]]:
        """Return the brightness, and remarks on how it was found."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """A curve over stored values: 1/2 at `centre`, a line of slope `gain` or a logistic curve."""

    centre: float
    gain: float
    sigmoid: bool = False

    def apply(self, stored: NDArray[np.floating[Any]]) -> Brightness:
        """Turn stored values, shape (H, W), into brightness in [0, 1], in place."""
        stored -= stored.dtype.type(self.centre)
        stored *= stored.dtype.type(self.gain)
        if self.sigmoid:
            np.clip(stored, -_STEEP, _STEEP, out=stored)
            np.exp(np.negative(stored, out=stored), out=stored)
            stored += 1
            np.reciprocal(stored, out=stored)
        else:
            stored += stored.dtype.type(0.5)
            np.clip(stored, 0, 1, out=stored)
        return stored.astype(np.float32, copy=False)

    def show(self, stored: Stored) -> tuple[Brightness, tuple[str, ...]]:
        """Return the brightness without any remark."""
        return self.apply(stored.astype(np.float32 if stored.itemsize <= 2 else np.float64)), ()


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Table:
    """The brightness of every stored value from `lowest` on; those beyond either end take that of the end."""

    lowest: int
    brightness: Brightness

    def show(self, stored: Stored) -> tuple[Brightness, tuple[str, ...]]:
        """Look every pixel up."""
        place = np.clip(stored.astype(np.int64) - self.lowest, 0, len(self.brightness) - 1)
        return self.brightness[place], ()


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnRange:
    """The range of the bits that the image itself uses, where its file states no other; see `own_bits`."""

    signed: bool
    inverted: bool

    def show(self, stored: Stored) -> tuple[Brightness, tuple[str, ...]]:
        """Return the brightness, and which bits are its range."""
        bits = own_bits(stored, signed=self.signed)
        window = _over(range_of(bits, signed=self.signed), inverted=self.inverted)
        return window.show(stored)[0], (f"no window: shown by the range of its own {bits} bits",)


@dataclass(frozen=True, kw_only=True, slots=True)
class Padded:
    """Another display in which the values from `low` to `high` stand for no pixel, and are black."""

    display: Display
    low: int
    high: int

    def show(self, stored: Stored) -> tuple[Brightness, tuple[str, ...]]:
        """Show what is no padding, as if there were none."""
        padding = (stored >= self.low) & (stored <= self.high)
        if padding.all():
            return np.zeros(stored.shape, np.float32), ("nothing but padding",)
        any_pixel = stored[~padding][0]  # so that padding does not widen the image's own range
        brightness, remarks = self.display.show(np.where(padding, any_pixel, stored))
        brightness[padding] = 0
        return brightness, remarks


def read_display(header: Dataset, layout: Layout) -> Display:
    """Read how an image is shown.

    Its first window is taken, else its lookup table, else the range of the stored bits where the file states
    them, fewer than are allocated, or of those that the image uses. Raise UnreadableImage for one that shows
    nothing, and for a raw detector image that nothing says how to show.
    """
    display = _without_padding(header, layout)
    padding = _padding(header, layout)
    if padding is None or (isinstance(display, Window) and _is_dark(display, padding)):
        return display
    return Padded(display=display, low=padding[0], high=padding[1])


def _without_padding(header: Dataset, layout: Layout) -> Display:
    windowed, looked_up = _has_window(header), _has(header, "VOILUTSequence")
    if _has(header, "ModalityLUTSequence") or (looked_up and not windowed):
        return _table(header, layout, windowed=windowed)
    inverted = header.PhotometricInterpretation == "MONOCHROME1"
    slope, intercept = _first(header, "RescaleSlope", 1.0), _first(header, "RescaleIntercept", 0.0)
    if slope == 0:
        raise UnreadableImage(_NOTHING)
    if windowed:
        window = _window(header, slope, intercept)
        return _checked(replace(window, gain=-window.gain) if inverted else window)
    if header.get("PresentationIntentType") == "FOR PROCESSING":
        raise UnreadableImage(
            "a raw detector image (FOR PROCESSING) without a window; export it FOR PRESENTATION"
        )
    turned = inverted != (slope < 0)
    if layout.bits_stored in {1, 8} or layout.bits_stored < layout.bits_allocated:
        return _over(range_of(layout.bits_stored, signed=layout.signed), inverted=turned)
    return OwnRange(signed=layout.signed, inverted=turned)


def _checked(window: Window) -> Window:
    # An image of float32 can't be shifted or stretched by more, nor by what is no number.
    largest = float(np.finfo(np.float32).max) / 2**17
    if not (abs(window.centre) < largest and 0 < abs(window.gain) < largest):
        raise UnreadableImage(_NOTHING)
    return window


def _window(header: Dataset, slope: float, intercept: float) -> Window:
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
    return Window(centre=(center - intercept) / slope, gain=gain * slope, sigmoid=sigmoid)


def _over(limits: tuple[int, int], *, inverted: bool) -> Window:
    low, high = limits
    gain = 1 / (high - low)
    return Window(centre=(low + high) / 2, gain=-gain if inverted else gain)


def _table(header: Dataset, layout: Layout, *, windowed: bool) -> Table:
    """Return what pydicom makes of every value there can be.

    What comes last sets the scale: the window, or the bits of the entries of the last table.
    """
    if layout.bits_stored > _MOST_TABLE_BITS:
        raise UnreadableImage(f"a lookup table over {layout.bits_stored} bits; only 16 are read")
    low, high = range_of(layout.bits_stored, signed=layout.signed)
    values = apply_modality_lut(np.arange(low, high + 1), header)
    if windowed:
        window = _checked(_window(header, 1.0, 0.0))
        brightness = window.apply(values.astype(np.float64))
    else:
        last = "VOILUTSequence" if _has(header, "VOILUTSequence") else "ModalityLUTSequence"
        if last == "VOILUTSequence":
            values = apply_voi_lut(values.astype(np.int64), header)
        bits = int(header[last].value[0].LUTDescriptor[2])
        brightness = np.clip(values / (2**bits - 1), 0, 1).astype(np.float32)
    if header.PhotometricInterpretation == "MONOCHROME1":
        brightness = 1 - brightness
    return Table(lowest=low, brightness=brightness)


def _padding(header: Dataset, layout: Layout) -> tuple[int, int] | None:
    """Return the lowest and the highest value that stand for no pixel."""
    if not _has(header, "PixelPaddingValue"):
        return None
    ends = [int(header.PixelPaddingValue)]
    if _has(header, "PixelPaddingRangeLimit"):
        ends.append(int(header.PixelPaddingRangeLimit))
    # Some writers give a negative value as the unsigned one of the same bits.
    wrap, top = 2**layout.bits_allocated, 2 ** (layout.bits_allocated - 1)
    if layout.signed:
        ends = [end - wrap if end >= top else end for end in ends]
    else:
        ends = [end % wrap for end in ends]
    return min(ends), max(ends)


def _is_dark(window: Window, padding: tuple[int, int]) -> bool:
    return bool(window.apply(np.array(padding, np.float64)).max() <= _DARK)


def _has_window(header: Dataset) -> bool:
    return _has(header, "WindowCenter") and _has(header, "WindowWidth")


def _has(header: Dataset, tag: str) -> bool:
    return tag in header and header[tag].value is not None and header[tag].VM > 0


def _first(header: Dataset, tag: str, default: float) -> float:
    """Return the first of a tag's values, or `default` where it has none."""
    value = header[tag].value if _has(header, tag) else default
    return float(value[0] if isinstance(value, MultiValue) else value)
