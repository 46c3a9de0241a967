"""JPEG lossless, process 14 (ITU-T T.81 annex H): what half of the machines write.

Decoding is imagecodecs', which is fast and trusts its input: without a Huffman table, it ends the process.
So that the stream is parsed here, and put together anew from the parts that were found good.

imagecodecs' encoder writes another predictor than the first, which is the one that DICOM's syntax allows. The
one here is our own: each pixel's difference from its left neighbour, as a Huffman code for its number of bits
followed by those bits. One fixed table serves all images: files a few per cent larger than with a table of
their own, and half the code.
"""

from __future__ import annotations

import struct
import threading
from dataclasses import dataclass
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

# How many codes there are of each length, 1 to 16 bits, for 0, 1, ... 16 bits of difference: the table for
# luminance of annex K, continued to 16 bits.
_CODES_OF_LENGTH = bytes([0, 1, 5, *[1] * 11, 0, 0])
_SYMBOLS = bytes(range(17))

_SOI, _EOI = b"\xff\xd8", b"\xff\xd9"
_SOF3, _DHT, _DRI, _SOS = 0xFFC3, 0xFFC4, 0xFFDD, 0xFFDA


@dataclass(frozen=True, kw_only=True, slots=True)
class Scan:
    """The one scan of a grey image: its shape (rows, columns), precision in bits, and coded data."""

    shape: tuple[int, int]
    precision: int
    predictor: int
    codes_of_length: bytes
    symbols: bytes
    data: bytes


def encode(image: NDArray[np.uint16], *, precision: int) -> bytes:
    """Return the codestream of `image`, shape (H, W), whose values are below 2 ** precision."""
    rows, columns = image.shape
    scan = Scan(
        shape=(rows, columns),
        precision=precision,
        predictor=1,
        codes_of_length=_CODES_OF_LENGTH,
        symbols=_SYMBOLS,
        data=_entropy_code(_differences(image, precision)),
    )
    return _join(scan)


def parse(stream: bytes) -> Scan:
    """Parse a codestream without padding.

    Raise ValueError, LookupError or struct.error for one that is damaged or no lossless JPEG of one
    component; NotImplementedError for restart markers and point transforms, which no machine was seen to use.
    """
    segments, data = _split(stream)
    precision, rows, columns, components = struct.unpack_from(">BHHB", segments[_SOF3])
    count, _, table, predictor, _, shift = struct.unpack(">6B", segments[_SOS])
    if shift or any(segments.get(_DRI, b"")):
        raise NotImplementedError
    codes_of_length, symbols = _find_table(segments[_DHT], table)
    if components != 1 or count != 1 or not 1 <= predictor <= 7 or not 2 <= precision <= 16:
        raise ValueError("not a lossless image of one component")
    if _holds_marker(data):
        raise ValueError("a marker within the data")
    return Scan(
        shape=(rows, columns),
        precision=precision,
        predictor=predictor,
        codes_of_length=codes_of_length,
        symbols=symbols,
        data=data,
    )


def decode(scan: Scan) -> NDArray[Any]:
    """Return the image of `scan`, uint8 or uint16 (H, W); raise RuntimeError for damaged data.

    The next call in the same thread writes over it.
    """
    return imagecodecs.ljpeg_decode(_join(scan), out=_room(scan))


_kept = threading.local()


def _room(scan: Scan) -> NDArray[Any]:
    """Return memory for the image, that of the last one if it fits: new pages cost a tenth of decoding."""
    dtype = np.dtype(np.uint8 if scan.precision <= 8 else np.uint16)
    room: NDArray[Any] | None = getattr(_kept, "room", None)
    if room is None or room.shape != scan.shape or room.dtype != dtype:
        room = _kept.room = np.empty(scan.shape, dtype)
    return room


def _holds_marker(data: bytes) -> bool:
    """Return whether a 0xFF means anything but itself, which a following 0 says."""
    values = np.frombuffer(data + b"\xff", np.uint8)
    places = np.flatnonzero(values[:-1] == 0xFF)  # a quarter of the time of counting both in bytes
    return bool(values[places + 1].any())


def _join(scan: Scan) -> bytes:
    sof = struct.pack(">HHBHHBBBB", _SOF3, 11, scan.precision, *scan.shape, 1, 1, 0x11, 0)
    dht = struct.pack(">HHB", _DHT, 19 + len(scan.symbols), 0) + scan.codes_of_length + scan.symbols
    sos = struct.pack(">HHBBBBBB", _SOS, 8, 1, 1, 0, scan.predictor, 0, 0)
    return b"".join([_SOI, sof, dht, sos, scan.data, _EOI])


def _split(stream: bytes) -> tuple[dict[int, bytes], bytes]:
    """Return the segments before the scan's data by their markers, tables joined, and the data."""
    if not (stream.startswith(_SOI) and stream.endswith(_EOI)):
        raise ValueError("not a whole JPEG")
    segments: dict[int, bytes] = {}
    place, marker = 2, 0
    while marker != _SOS:
        marker, length = struct.unpack_from(">HH", stream, place)
        content = stream[place + 4 : place + 2 + length]
        if marker < 0xFF00 or length != len(content) + 2:
            raise ValueError("no segment where one must be")
        segments[marker] = segments.get(marker, b"") + content if marker == _DHT else content
        place += 2 + length
    return segments, stream[place:-2]


def _find_table(tables: bytes, wanted: int) -> tuple[bytes, bytes]:
    """Return the counts of code lengths and the symbols of the Huffman table that a scan names."""
    while tables:
        counts = tables[1:17]
        symbols, rest = tables[17 : 17 + sum(counts)], tables[17 + sum(counts) :]
        if tables[0] == wanted >> 4:
            break
        tables = rest
    else:
        raise ValueError("no Huffman table")
    used = sum(count << (16 - length) for length, count in enumerate(counts, 1))
    if len(counts) < 16 or len(symbols) < sum(counts) or not 0 < used <= 2**16 or max(symbols) > 16:
        raise ValueError("a damaged Huffman table")
    return counts, symbols


def _differences(image: NDArray[np.uint16], precision: int) -> NDArray[np.int32]:
    """Return each pixel less its left neighbour, or the upper one in the first column, modulo 2 ** 16."""
    values = image.astype(np.int32)
    difference = np.diff(values, axis=1, prepend=0)
    difference[:, 0] = np.diff(values[:, 0], prepend=1 << (precision - 1))
    return 2**15 - ((2**15 - difference.ravel()) & 0xFFFF)  # from -32767 to 32768


def _entropy_code(difference: NDArray[np.int32]) -> bytes:
    size = np.frexp(np.abs(difference).astype(np.float32))[1]  # of bits: 0 for 0, 2 for 2 and 3
    codes, lengths = _huffman_table()
    # A negative difference is written less one, in so many bits; 2 ** 15 needs no bits beside its code.
    extra = np.where(size == 16, 0, size)
    value = np.where(difference < 0, difference - 1, difference) & ((1 << extra) - 1)
    return _pack((codes[size] << extra) | value, lengths[size] + extra)


def _huffman_table() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return each symbol's code and its length in bits, as T.81 annex C generates them."""
    lengths = np.repeat(np.arange(1, 17), list(_CODES_OF_LENGTH))
    codes = np.zeros(len(_SYMBOLS), np.int64)
    for symbol in _SYMBOLS[1:]:
        codes[symbol] = (codes[symbol - 1] + 1) << (lengths[symbol] - lengths[symbol - 1])
    return codes, lengths


def _pack(values: NDArray[np.int64], lengths: NDArray[np.int64]) -> bytes:
    """Write each value in as many bits as its length, 32 at most, one after the other.

    A value lies in one 32-bit word or across two. Those of a word do not overlap, so that adding them up
    joins them, exactly so in float64.
    """
    ends = np.cumsum(lengths)
    word, offset = np.divmod(ends - lengths, 32)
    placed = values.astype(np.uint64) << (64 - offset - lengths).astype(np.uint64)
    count = int(ends[-1]) // 32 + 2
    words = np.bincount(word, placed >> np.uint64(32), count)
    words += np.bincount(word + 1, placed & np.uint64(0xFFFFFFFF), count)
    used = -int(ends[-1]) % 8  # bits of the last byte that are left, to be filled with ones
    packed = bytearray(words.astype(">u4").tobytes()[: -(-int(ends[-1]) // 8)])
    packed[-1] |= (1 << used) - 1
    return bytes(packed).replace(b"\xff", b"\xff\x00")  # so that no marker appears in the data
