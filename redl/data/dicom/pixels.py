"""The stored values of an image, decoded no finer than asked for and checked against what the header says.

Decoders are lenient: a stream cut in half still gives an image, and so does one of another shape. Whatever
can be checked from the outside is checked here: lengths, shapes, precisions and end markers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.encaps import get_frame, parse_basic_offsets
from pydicom.pixels.utils import pixel_array
from pydicom.uid import JPEG2000, JPEG2000Lossless, JPEGLossless, JPEGLosslessSV1, RLELossless

from redl.data.dicom import jpeg2000, losslessjpeg
from redl.data.dicom.damage import UnreadableImage

MAX_PIXELS = 2**26  # twice the largest detector's; more is a damaged header, and would fill the memory

_CUT = "pixel data are cut short; download it again"
_MISFIT = "its pixel data do not fit its header; download it again"
_FRAMES = "not a single-frame image; use one file for each view"


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """Layout of an image in its file: shape, bits of a pixel, and whether they are signed."""

    rows: int
    columns: int
    bits_allocated: int
    bits_stored: int
    signed: bool

    @property
    def size(self) -> int:
        """Return the bytes of the uncompressed image."""
        return self.rows * self.columns * self.bits_allocated // 8


def read_layout(header: Dataset) -> Layout:
    """Read how the image lies in its file; raise UnreadableImage for what no mammogram has."""
    if int(header.get("NumberOfFrames") or 1) != 1:
        raise UnreadableImage(_FRAMES)
    layout = Layout(
        rows=int(header.Rows),
        columns=int(header.Columns),
        bits_allocated=int(header.BitsAllocated),
        bits_stored=int(header.BitsStored),
        signed=header.PixelRepresentation == 1,
    )
    if min(layout.rows, layout.columns) < 1 or layout.rows * layout.columns > MAX_PIXELS:
        raise UnreadableImage(
            "its number of rows or columns cannot be that of a mammogram; download it again"
        )
    if layout.bits_allocated not in {8, 16} or not 0 < layout.bits_stored <= layout.bits_allocated:
        raise UnreadableImage(
            "its number of bits cannot be that of a mammogram; only 8 and 16 bits a pixel are read"
        )
    return layout


def read_pixels(header: Dataset, layout: Layout, *, halvings: int) -> NDArray[np.float32]:
    """Return the stored values, each the mean over 2 ** `halvings` pixels in both directions, shape (H, W).

    Where a side is no multiple, the rest is left out by averaging and rounded up by JPEG 2000. Bits beyond
    BitsStored are kept, because real files have values there: masked, the brightest tissue would turn black.
    Signed values have their sign extended from BitsStored.
    """
    stored, done = _decode(header, layout, halvings)
    return average(stored, 2 ** (halvings - done))


def average(stored: NDArray[Any], factor: int) -> NDArray[np.float32]:
    """Return the means over squares of `factor` pixels a side, a power of two; a rest is left out.

    Sums of strided rows and columns of integers: ten times as fast as the mean of a reshaped array.
    """
    if factor == 1:
        return stored.astype(np.float32)
    rows, columns = (side // factor * factor for side in stored.shape)
    narrow = stored.dtype.kind == "u" and int(stored.max()) * factor < 2**16
    by_rows: NDArray[Any] = stored[0:rows:factor].astype(np.uint16 if narrow else np.int32)
    for first in range(1, factor):
        by_rows += stored[first:rows:factor]
    total: NDArray[np.float32] = by_rows[:, 0:columns:factor].astype(np.float32)
    for first in range(1, factor):
        total += by_rows[:, first:columns:factor]
    total /= factor * factor
    return total


def _decode(header: Dataset, layout: Layout, halvings: int) -> tuple[NDArray[Any], int]:
    """Return the stored values and how often the decoder has halved them already."""
    syntax = header.file_meta.TransferSyntaxUID
    if not syntax.is_transfer_syntax:
        raise UnreadableImage(_not_read("unknown"))  # what the standard doesn't name isn't quoted
    if not syntax.is_encapsulated:
        return _read_native(header, layout), 0
    if syntax in {JPEG2000Lossless, JPEG2000}:
        return _decode_jpeg2000(_whole(_only_frame(header)), layout, halvings)
    if syntax in {JPEGLosslessSV1, JPEGLossless}:
        return _decode_jpeg_lossless(_whole(_only_frame(header)), layout), 0
    if syntax == RLELossless:
        return _decode_rle(_only_frame(header), layout), 0
    return _decode_otherwise(header, layout), 0


def _read_native(header: Dataset, layout: Layout) -> NDArray[Any]:
    # Some machines pad; a row or more left over means that the rows or columns are wrong.
    excess = len(header.PixelData) - layout.size
    if excess < 0:
        raise UnreadableImage(_CUT)
    if excess >= layout.size // layout.rows:
        raise UnreadableImage(_MISFIT)
    if not header.file_meta.TransferSyntaxUID.is_little_endian:
        return pixel_array(header, correct_unused_bits=layout.signed)  # may have its bytes swapped in pairs
    stored = np.frombuffer(header.PixelData, f"<u{layout.bits_allocated // 8}", layout.rows * layout.columns)
    return _extend(stored.reshape(layout.rows, layout.columns), layout)


def _decode_jpeg2000(stream: bytes, layout: Layout, halvings: int) -> tuple[NDArray[Any], int]:
    codestream = jpeg2000.describe(stream)
    _check(codestream.shape, codestream.precision, layout)
    if codestream.signed == layout.signed:
        return jpeg2000.decode(stream, codestream, halvings=halvings)
    # The bits are right and their sign is not: nothing may be averaged before it is.
    stored, _ = jpeg2000.decode(stream, codestream, halvings=0)
    bits = (stored & (2**codestream.precision - 1)).view(f"u{stored.itemsize}")
    return _extend(bits, replace(layout, bits_stored=codestream.precision)), 0


def _decode_jpeg_lossless(stream: bytes, layout: Layout) -> NDArray[Any]:
    scan = losslessjpeg.parse(stream)
    _check(scan.shape, scan.precision, layout)
    return _extend(losslessjpeg.decode(scan), layout)


def _decode_rle(frame: bytes, layout: Layout) -> NDArray[Any]:
    pixel = np.dtype(f"<u{layout.bits_allocated // 8}")
    content = imagecodecs.dicomrle_decode(frame, pixel)
    if len(content) != layout.size:
        raise UnreadableImage(_MISFIT)
    return _extend(np.frombuffer(content, pixel).reshape(layout.rows, layout.columns), layout)


def _decode_otherwise(header: Dataset, layout: Layout) -> NDArray[Any]:
    """Leave a rare syntax to whatever plugin of pydicom's is installed."""
    try:
        stored = pixel_array(header)
    except (NotImplementedError, RuntimeError):  # no plugin, or none for so many bits
        raise UnreadableImage(_not_read(header.file_meta.TransferSyntaxUID.name)) from None
    _check(stored.shape, 8 * stored.itemsize, layout)
    return stored


def _not_read(syntax: str) -> str:
    return f"its transfer syntax ({syntax}) is not read; convert it to explicit little endian"


def _check(shape: tuple[int, ...], bits: int, layout: Layout) -> None:
    """Refuse a stream that holds another image than the header describes."""
    if shape != (layout.rows, layout.columns) or bits > layout.bits_allocated:
        raise UnreadableImage(_MISFIT)


def _extend(stored: NDArray[Any], layout: Layout) -> NDArray[Any]:
    """Return unsigned `stored` as it is, or with the sign of its bits extended where it has one."""
    if not layout.signed:
        return stored
    unused = 8 * stored.itemsize - layout.bits_stored
    signed: NDArray[Any] = (stored << unused).view(f"i{stored.itemsize}") >> unused
    return signed


def _only_frame(header: Dataset) -> bytes:
    """Return the compressed image, whichever fragments it lies in."""
    if len(parse_basic_offsets(header.PixelData)) > 1:
        raise UnreadableImage(_FRAMES)
    return get_frame(header.PixelData, 0, number_of_frames=1)


def _whole(stream: bytes) -> bytes:
    """Return a codestream without its padding; one that doesn't end as it must was cut."""
    stripped = stream.rstrip(b"\0")
    if not stripped.endswith(b"\xff\xd9"):
        raise UnreadableImage(_CUT)
    return stripped
