"""The images of an unfinished cache entry, in files that an interrupted run leaves for the next one.

Plain reads and writes instead of a memory map: what is mapped counts as resident until the system takes it
back, and memory must stay flat in the number of images.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

_CHUNK = 64  # images read at a time
_REMARKS = 240  # bytes for the remarks on an item


class Partial:
    """A folder with room for the images of some items, and a note of which items are done.

    `rows` counts the images of each item, of `image_size` pixels a side. What an item brought is noted by its
    checksum: a note that outlived a power cut without its images counts for nothing.
    """

    def __init__(self, folder: Path, *, rows: Sequence[int], image_size: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._first = [0, *accumulate(rows)]
        self._images = _Rows(folder / "images", np.dtype("u1"), (self._first[-1], image_size, image_size))
        self._notes = _Rows(folder / "notes", np.dtype("<u8"), (len(rows),))
        self._remarks = _Rows(folder / "remarks", np.dtype(f"S{_REMARKS}"), (len(rows),))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._images.close()
        self._notes.close()
        self._remarks.close()

    def put(self, number: int, images: NDArray[np.uint8], remarks: Sequence[str] = ()) -> None:
        """Keep what item `number` brought, shape (rows, size, size), with the remarks on it."""
        self._images.write(self._first[number], images)
        if remarks:  # the file reads as zeros, none, where nothing was written
            self._remarks.write(number, np.array(["\n".join(remarks).encode()], f"S{_REMARKS}"))
        self._notes.write(number, np.array([_checksum(images)], "<u8"))

    def done(self) -> NDArray[np.bool_]:
        """Return for each item whether its images are complete, shape (items,)."""
        notes = self._notes.read(0, len(self._first) - 1)
        whole = [note != 0 and note == _checksum(self._of(number)) for number, note in enumerate(notes)]
        return np.array(whole, bool)

    def remarks(self) -> list[tuple[str, ...]]:
        """Return the remarks on each item."""
        kept = self._remarks.read(0, len(self._first) - 1)
        return [tuple(text.decode().split("\n")) if text else () for text in kept.tolist()]

    def image(self, row: int) -> NDArray[np.uint8]:
        """Return one image, by its row among all, shape (size, size)."""
        one: NDArray[np.uint8] = self._images.read(row, row + 1)[0]
        return one

    def rows_of(self, items: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return for each image whether it belongs to a chosen item, shape (N,)."""
        return np.repeat(items, np.diff(self._first))

    def chunks(self, rows: NDArray[np.bool_]) -> Iterator[NDArray[np.uint8]]:
        """Yield the chosen images, some at a time, in order."""
        for start in range(0, len(rows), _CHUNK):
            chosen = rows[start : start + _CHUNK]
            yield self._images.read(start, start + len(chosen))[chosen]

    def _of(self, number: int) -> NDArray[np.uint8]:
        return self._images.read(self._first[number], self._first[number + 1])


class _Rows:
    """A file of equal rows, which read as zeros until they are written."""

    def __init__(self, path: Path, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
        self._dtype, self._shape = dtype, shape[1:]
        self._bytes = dtype.itemsize * int(np.prod(self._shape, dtype=np.int64))
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        os.truncate(self._file, shape[0] * self._bytes)

    def read(self, start: int, stop: int) -> NDArray[Any]:
        content = os.pread(self._file, (stop - start) * self._bytes, start * self._bytes)
        return np.frombuffer(content, self._dtype).reshape(stop - start, *self._shape)

    def write(self, start: int, rows: NDArray[Any]) -> None:
        content, place = rows.tobytes(), start * self._bytes
        while content:  # one call need not write all
            written = os.pwrite(self._file, content, place)
            content, place = content[written:], place + written

    def close(self) -> None:
        os.close(self._file)


def _checksum(images: NDArray[np.uint8]) -> int:
    """Return the CRC-32 of some images, plus 2^32 so that it is never 0, which stands for nothing."""
    return (1 << 32) + zlib.crc32(images.tobytes())
