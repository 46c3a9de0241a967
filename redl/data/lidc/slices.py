"""The slices of a scan that its nodules need, found among the files of a folder by what their headers say.

Only these slices are decoded: a whole long scan takes over a gigabyte. Only they can cost the scan, too; any
other file may be cut, empty or no image at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from redl.data.lidc.database import Scan
from redl.data.lidc.files import UNREADABLE, Header, UnreadableSlice, list_files, read_header, read_hounsfield
from redl.errors import DataError

_SAME_HEIGHT_MM = 0.01  # files hold a slice's height as decimal text


def read_slices(folder: Path, scan: Scan, places: Sequence[int]) -> NDArray[np.int16]:
    """Read slices in Hounsfield units, int16 (len(places), 512, 512), counted from the scan's lowest.

    `folder` holds the scan's files, and may hold others, whatever they are called. The slices equal those of
    pylidc's `Scan.to_volume`; ones that are not asked for may be missing or damaged. Of several files at one
    height, that with the lowest InstanceNumber is read, as by pylidc; one without a number comes after those
    that have one, and the first name decides between equals.

    Raise DataError for what is missing or damaged; it counts slices from 1 at the lowest.
    """
    found = _find(folder, scan)
    return np.stack([_read(found, scan, place) for place in places])


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    """The chosen file of each height, and whether others could not be opened or told."""

    by_height: dict[float, Path]
    locked: bool
    spoilt: bool


def _find(folder: Path, scan: Scan) -> _Found:
    headers: list[Header] = []
    locked = spoilt = False
    for path in list_files(folder):
        try:
            headers.append(read_header(path))
        except PermissionError:
            locked = True
        except UNREADABLE:
            spoilt = True
    own = [header for header in headers if (header.study, header.series) == (scan.study, scan.series)]
    # The last that is put at a height stays there.
    own.sort(key=lambda header: (header.number, header.path.name), reverse=True)
    return _Found(by_height={one.height: one.path for one in own}, locked=locked, spoilt=spoilt)


def _read(found: _Found, scan: Scan, place: int) -> NDArray[np.int16]:
    wanted = scan.heights[place]
    height = min(found.by_height, key=lambda one: (abs(one - wanted), one), default=np.inf)
    try:
        if abs(height - wanted) > _SAME_HEIGHT_MM:
            raise UnreadableSlice(_why_missing(found))
        return read_hounsfield(found.by_height[height])
    except UnreadableSlice as reason:
        raise DataError(f"{scan.name}: the file of slice {place + 1} {reason}") from None


def _why_missing(found: _Found) -> str:
    """Return why no file is at a height; a file that cannot be read may be the one, but has no height."""
    if found.locked:
        return "is missing or may not be opened; check the permissions of the scan's files"
    return f"is missing{' or damaged' if found.spoilt else ''}; download the scan again"
