"""JPEG of all the kinds that DICOM allows: lossy of 8 and 12 bits, lossless (ITU-T T.81), JPEG-LS (T.87).

Decoding is that of libjpeg-turbo and CharLS, through imagecodecs. Both are lenient: what the stream says of
its image is read first, so that it can be compared with the file's header.
"""

from __future__ import annotations

import struct
import threading
from dataclasses import dataclass
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

_SOI = b"\xff\xd8"
_DHT, _DAC, _SOS = 0xFFC4, 0xFFCC, 0xFFDA
_LOSSLESS, _JPEG_LS = 0xFFC3, 0xFFF7
_LOSSY = {0xFFC0, 0xFFC1, 0xFFC2}  # baseline, extended, progressive


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """What a stream says of its image: shape (rows, columns) and bits; `kind` is its frame marker."""

    shape: tuple[int, int]
    precision: int
    kind: int


def encode_lossless(image: NDArray[np.uint16], *, precision: int) -> bytes:
    """Return the lossless stream of `image`, shape (H, W), whose values are below 2 ** precision.

    Its predictor is the first, which is the only one of DICOM's commonest syntax (process 14, selection
    value 1), and it begins with the APP0 segment that most encoders write.
    """
    return bytes(imagecodecs.jpeg8_encode(image, lossless=True, predictor=1, bitspersample=precision))


def describe(stream: bytes) -> Frame:
    """Read a stream's segments up to its data.

    Raise ValueError, LookupError or struct.error for one that is damaged, of another kind, or no image of
    one component.
    """
    if not stream.startswith(_SOI):
        raise ValueError("not a JPEG")
    frame: Frame | None = None
    has_tables = False
    place, marker = 2, 0
    while True:
        while stream[place : place + 2] == b"\xff\xff":  # any number of them may stand before a marker
            place += 1
        marker, length = struct.unpack_from(">HH", stream, place)
        content = stream[place + 4 : place + 2 + length]
        if marker < 0xFF00 or length != len(content) + 2:
            raise ValueError("no segment where one must be")
        place += 2 + length
        if marker == _SOS:
            break
        has_tables |= marker == _DAC or (marker == _DHT and _has_codes(content))
        if marker in {*_LOSSY, _LOSSLESS, _JPEG_LS}:
            frame = _frame(marker, content)
    if frame is None or content[:1] != b"\x01":
        raise ValueError("not an image of one component")
    if not has_tables and frame.kind != _JPEG_LS:
        raise ValueError("no table to decode it with")
    return frame


def decode(stream: bytes, frame: Frame) -> NDArray[Any]:
    """Return the image of `stream`, uint8 or uint16 (H, W); raise RuntimeError for damaged data.

    The next call in the same thread writes over it.
    """
    if frame.kind == _JPEG_LS:
        return imagecodecs.jpegls_decode(stream, out=_room(frame))
    return imagecodecs.jpeg8_decode(stream, out=_room(frame))


def _frame(marker: int, content: bytes) -> Frame:
    precision, rows, columns, components = struct.unpack_from(">BHHB", content)
    if components != 1 or not 2 <= precision <= 16:
        raise ValueError("not an image of one component")
    return Frame(shape=(rows, columns), precision=precision, kind=marker)


def _has_codes(tables: bytes) -> bool:
    """Return whether no Huffman table of a segment is empty: libjpeg would make up what it decodes."""
    place = 0
    while place < len(tables):
        codes = sum(tables[place + 1 : place + 17])
        if not codes:
            return False
        place += 17 + codes
    return True


_kept = threading.local()


def _room(frame: Frame) -> NDArray[Any]:
    """Return memory for the image, that of the last one if it fits: new pages cost a tenth of decoding."""
    dtype = np.dtype(np.uint8 if frame.precision <= 8 else np.uint16)
    room: NDArray[Any] | None = getattr(_kept, "room", None)
    if room is None or room.shape != frame.shape or room.dtype != dtype:
        room = _kept.room = np.empty(frame.shape, dtype)
    return room
