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
from pydicom.uid import RLELossless

from redl.data.dicom import jpeg, jpeg2000
from redl.data.dicom.damage import UnreadableImage

MAX_PIXELS = 2**26  # twice the largest detector's; more is a damaged header, and would fill the memory

LONGER = "its pixel data are longer than its header says"

_CUT = "pixel data are cut short; download it again"
_MISFIT = "its pixel data do not fit its header; download it again"
_ONE_FRAME = "use one file for each image"
_BITS = (1, 8, 16, 32)
_NEEDED = ("Rows", "Columns", "BitsAllocated", "BitsStored", "PixelRepresentation")
_EXCESS_BYTES, _EXCESS_SHARE = 128, 0.01  # the larger of them may follow the pixels, as padding
_END = b"\xff\xd9"  # of a JPEG (EOI) and of a JPEG 2000 codestream (EOC): neither holds it elsewhere
_JPEG, _CODESTREAM, _BOXES = b"\xff\xd8", b"\xff\x4f", b"\0\0\0\x0cjP  "


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """Layout of an image in its file: shape, bits of a pixel, and whether they are signed.

    Pixels begin `shift` bits above the lowest, and the bits of `overlays` belong to drawings over the image.
    """

    rows: int
    columns: int
    bits_allocated: int
    bits_stored: int
    signed: bool
    shift: int = 0
    overlays: int = 0

    @property
    def size(self) -> int:
        """Return the bytes of the uncompressed image."""
        return -(-self.rows * self.columns * self.bits_allocated // 8)


def read_layout(header: Dataset) -> Layout:
    """Read how the image lies in its file; raise UnreadableImage for what no grey image has."""
    for tag in _NEEDED:
        if header.get(tag) is None:
            raise UnreadableImage(f"its header lacks {tag}; export it again")
    frames = int(header.get("NumberOfFrames") or 1)
    if frames != 1:
        raise UnreadableImage(f"a multi-frame image, of {frames} frames; {_ONE_FRAME}")
    allocated, stored = int(header.BitsAllocated), int(header.BitsStored)
    layout = Layout(
        rows=int(header.Rows),
        columns=int(header.Columns),
        bits_allocated=allocated,
        bits_stored=stored,
        signed=header.PixelRepresentation == 1,
    )
    if min(layout.rows, layout.columns) < 1 or layout.rows * layout.columns > MAX_PIXELS:
        raise UnreadableImage("its number of rows or columns cannot be that of an image; download it again")
    if allocated not in _BITS or not 0 < stored <= allocated:
        raise UnreadableImage(
            "its number of bits cannot be that of a grey image; only 1, 8, 16 and 32 bits a pixel are read"
        )
    shift = int(header.get("HighBit") or stored - 1) + 1 - stored
    shift = shift if 0 < shift <= allocated - stored else 0
    return replace(layout, shift=shift, overlays=_overlay_bits(header, layout, shift))


def read_pixels(header: Dataset, layout: Layout, *, halvings: int) -> NDArray[np.floating[Any]]:
    """Return the stored values, each the mean over 2 ** `halvings` pixels in both directions, shape (H, W).

    Where a side is no multiple, the rest is left out by averaging and rounded up by JPEG 2000. Bits beyond
    BitsStored are kept, because real files have values there: masked, the brightest tissue would turn black.
    Not so those that the header declares to be overlays. Signed values have their sign extended from
    BitsStored.
    """
    whole = layout.shift or layout.overlays  # no bit may be averaged before its meaning is known
    stored, done = _decode(header, layout, 0 if whole else halvings)
    return average(stored, 2 ** (halvings - done))


def read_stored(header: Dataset, layout: Layout) -> NDArray[Any]:
    """Return the stored values of every pixel, integers of shape (H, W)."""
    return _decode(header, layout, 0)[0]


def average(values: NDArray[Any], factor: int) -> NDArray[np.floating[Any]]:
    """Return the means over squares of `factor` pixels a side, a power of two; a rest is left out.

    Sums of strided rows and columns of integers: ten times as fast as the mean of a reshaped array.
    """
    precise = np.float32 if values.itemsize <= 2 or values.dtype.kind == "f" else np.float64
    if factor == 1:
        return values.astype(precise)
    rows, columns = (side // factor * factor for side in values.shape)
    by_rows: NDArray[Any] = values[0:rows:factor].astype(_sum_of(values, factor))
    for first in range(1, factor):
        by_rows += values[first:rows:factor]
    total: NDArray[np.floating[Any]] = by_rows[:, 0:columns:factor].astype(precise)
    for first in range(1, factor):
        total += by_rows[:, first:columns:factor]
    total /= factor * factor
    return total


def is_longer(header: Dataset, layout: Layout) -> bool:
    """Return whether uncompressed pixel data go on after the last pixel and the byte that makes them even."""
    encapsulated = header.file_meta.TransferSyntaxUID.is_encapsulated
    return not encapsulated and len(header.PixelData) > layout.size + layout.size % 2


def _sum_of(values: NDArray[Any], factor: int) -> type[np.generic]:
    """Return the smallest type that holds the sum of `factor` values."""
    if values.dtype.kind == "f":
        return np.float32
    if values.itemsize > 2:
        return np.float64
    return np.uint16 if values.dtype.kind == "u" and int(values.max()) * factor < 2**16 else np.int32


def _overlay_bits(header: Dataset, layout: Layout, shift: int) -> int:
    """Return the bits of each pixel that are overlays, as was allowed until 2004 (PS3.3-2004 C.9.2)."""
    bits = 0
    for group in range(0x6000, 0x6020, 2):
        if (group, 0x3000) in header or (group, 0x0102) not in header or not header[group, 0x0102].VM:
            continue
        place = int(header[group, 0x0102].value)
        if place in {*range(shift), *range(shift + layout.bits_stored, layout.bits_allocated)}:
            bits |= 1 << place
    return bits


def _decode(header: Dataset, layout: Layout, halvings: int) -> tuple[NDArray[Any], int]:
    """Return the stored values and how often the decoder has halved them already."""
    syntax = header.file_meta.get("TransferSyntaxUID")
    if not syntax:
        raise UnreadableImage("it does not say its transfer syntax; export it again")
    if not syntax.is_transfer_syntax:
        raise UnreadableImage(_not_read("unknown"))  # what the standard doesn't name isn't quoted
    if not syntax.is_encapsulated:
        return _read_native(header, layout), 0
    frame = _only_frame(header)
    # By what a stream is, for some say another syntax than they have.
    if frame.startswith((_CODESTREAM, _BOXES)):
        return _decode_jpeg2000(frame, layout, halvings)
    if frame.startswith(_JPEG):
        return _decode_jpeg(frame, layout), 0
    if syntax == RLELossless:
        return _decode_rle(frame, layout), 0
    return _decode_otherwise(header, layout), 0


def _read_native(header: Dataset, layout: Layout) -> NDArray[Any]:
    # Some machines pad; more than that means that the rows or columns are wrong.
    excess = len(header.PixelData) - layout.size
    if excess < 0:
        raise UnreadableImage(_CUT)
    if excess > max(_EXCESS_BYTES, _EXCESS_SHARE * layout.size):
        raise UnreadableImage(_MISFIT)
    if layout.bits_allocated not in {8, 16} or not header.file_meta.TransferSyntaxUID.is_little_endian:
        raw = pixel_array(header, raw=True)  # may have its bytes swapped in pairs, or a pixel in each bit
        return _extend(raw.astype(raw.dtype.newbyteorder("=")).view(f"u{raw.itemsize}"), layout)
    stored = np.frombuffer(header.PixelData, f"<u{layout.bits_allocated // 8}", layout.rows * layout.columns)
    return _extend(stored.reshape(layout.rows, layout.columns), layout)


def _decode_jpeg2000(frame: bytes, layout: Layout, halvings: int) -> tuple[NDArray[Any], int]:
    stream = _whole(jpeg2000.unbox(frame))
    codestream = jpeg2000.describe(stream)
    _check(codestream.shape, codestream.precision, layout)
    if codestream.signed == layout.signed and not layout.overlays:
        return jpeg2000.decode(stream, codestream, halvings=halvings)
    # The bits are right and their sign is not: nothing may be averaged before it is.
    stored, _ = jpeg2000.decode(stream, codestream, halvings=0)
    bits = stored.view(f"u{stored.itemsize}")
    if codestream.precision < 8 * stored.itemsize:
        bits = bits & bits.dtype.type(2**codestream.precision - 1)
    sign = min(codestream.precision, layout.bits_stored) if layout.overlays else codestream.precision
    return _extend(bits, replace(layout, bits_stored=sign, shift=0)), 0


def _decode_jpeg(stream: bytes, layout: Layout) -> NDArray[Any]:
    stream = _whole(stream)
    frame = jpeg.describe(stream)
    _check(frame.shape, frame.precision, layout)
    return _extend(jpeg.decode(stream, frame), replace(layout, shift=0))


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
    """Return the pixels in unsigned `stored`: without overlays, and with their sign where they have one."""
    if layout.overlays:
        stored = stored & stored.dtype.type(~layout.overlays & (2**layout.bits_allocated - 1))
    # Where nothing reaches above the stored bits, it is HighBit that is wrong.
    if layout.shift and int(stored.max()) >= 2**layout.bits_stored:
        stored = stored >> stored.dtype.type(layout.shift)
    if not layout.signed:
        return stored
    wide = stored.astype(f"u{max(8, layout.bits_allocated) // 8}", copy=False)
    unused = 8 * wide.itemsize - layout.bits_stored
    signed: NDArray[Any] = (wide << wide.dtype.type(unused)).view(f"i{wide.itemsize}") >> unused
    return signed


def _only_frame(header: Dataset) -> bytes:
    """Return the compressed image, whichever fragments it lies in."""
    frames = len(parse_basic_offsets(header.PixelData))
    if frames > 1:
        raise UnreadableImage(f"a multi-frame image, of {frames} frames; {_ONE_FRAME}")
    return get_frame(header.PixelData, 0, number_of_frames=1)


def _whole(stream: bytes) -> bytes:
    """Return a stream without the padding behind its end; one that doesn't end as it must was cut."""
    end = stream.rfind(_END)
    if end < 0:
        raise UnreadableImage(_CUT)
    return stream if end + len(_END) == len(stream) else stream[: end + len(_END)]
