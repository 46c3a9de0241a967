"""The DICOM files of a CT scan, one slice each: all of this package that knows pydicom.

Separate from redl.data.dicom, whose images are what a screen shows: these are in Hounsfield units. The
content of a file says what it is: downloads and archives name files as they like, often without a suffix.
"""

from __future__ import annotations

import math
import os
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_partial
from pydicom.tag import Tag

from redl.data.dicom.damage import PYDICOM_ERRORS, quiet

SIDE = 512  # rows and columns of every slice of the set: the contours count on it

UNREADABLE = (*PYDICOM_ERRORS, InvalidDicomError, OSError)  # what reading a file raises

_PIXELS = 0x7FE0  # the group of the pixel data, in all forms of them
_RELATION = 0x0020  # the group of the identifiers and of the position
_DOWNLOAD = "download the scan again"
_ORIGINAL = "use the scan as TCIA publishes it"
_CONVERT = "convert the scan to explicit little endian"


class UnreadableSlice(Exception):  # noqa: N818 - it never leaves this package
    """Reason why a slice isn't read, and the remedy; what is read says which slice it is before it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """What tells which slice a file holds.

    `height`, in mm, is the last coordinate of ImagePositionPatient; `number` is InstanceNumber, infinite in a
    file that has none.
    """

    path: Path = field(repr=False)
    study: str = field(repr=False)
    series: str = field(repr=False)
    height: float
    number: float


def list_files(folder: Path) -> list[Path]:
    """Return the files that may be images, by name; none of a folder that cannot be read.

    Nothing is opened. Pipes and devices, hidden files, e.g. the `._1.dcm` that macOS writes beside `1.dcm`,
    and a DICOMDIR are no images, whatever is in them; a link whose file is gone may have been one.
    """
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if entry.is_file() or not Path(entry).exists()]
    except OSError:
        return []
    return [folder / name for name in sorted(names) if name[0] != "." and name.upper() != "DICOMDIR"]


def read_series(path: Path) -> tuple[str, str] | None:
    """Return the unique identifiers of a file's study and series; None if it has none or cannot be read."""
    try:
        with quiet():
            return _series(_read_start(path, "StudyInstanceUID", "SeriesInstanceUID", before=_RELATION + 1))
    except UNREADABLE:
        return None


def read_header(path: Path) -> Header:
    """Read which slice a file holds, but no pixels; raise one of UNREADABLE for what is no slice."""
    tags = ("StudyInstanceUID", "SeriesInstanceUID", "InstanceNumber", "ImagePositionPatient")
    with quiet():
        header = _read_start(path, *tags, before=_PIXELS)
        (study, series), position = _series(header), header.ImagePositionPatient
        if len(position) != 3 or not math.isfinite(position[-1]):
            raise ValueError
        return Header(
            path=path, study=study, series=series, height=float(position[-1]), number=_number(header)
        )


def read_hounsfield(path: Path) -> NDArray[np.int16]:
    """Read a slice in Hounsfield units as pylidc has them, int16 (512, 512).

    Raise UnreadableSlice for a file that cannot be read so.
    """
    # Raised outside the handlers: pydicom's messages quote header values and whole paths, which hold the
    # patient, and would stay within reach as the error's context.
    try:
        with quiet():
            return _read_hounsfield(path)
    except UnreadableSlice as refusal:
        reason = str(refusal)
    except (EOFError, zlib.error):
        reason = f"is cut short; {_DOWNLOAD}"
    except FileNotFoundError:
        reason = f"is missing; {_DOWNLOAD}"
    except OSError:
        reason = "cannot be opened; check its permissions and its disk"
    except (*PYDICOM_ERRORS, InvalidDicomError):
        reason = f"is damaged; {_DOWNLOAD}"
    raise UnreadableSlice(reason)


def _read_start(path: Path, *keywords: str, before: int) -> Dataset:
    """Read some elements of a file, up to the first whose group is `before` or a later one.

    Raise EOFError where there is none: the file is cut or has no image, of which pydicom itself only warns.
    """
    reached = False

    def stop(tag: int, _vr: str | None, _length: int) -> bool:
        nonlocal reached
        reached = tag >> 16 >= before
        return reached

    with path.open("rb") as file:
        header = read_partial(file, stop, specific_tags=[Tag(keyword) for keyword in keywords])
    if not reached:
        raise EOFError
    return header


def _series(header: Dataset) -> tuple[str, str]:
    return str(header.StudyInstanceUID).strip(), str(header.SeriesInstanceUID).strip()


def _number(header: Dataset) -> float:
    try:
        return float(header.InstanceNumber)
    except (AttributeError, ArithmeticError, TypeError, ValueError):
        return math.inf


def _read_hounsfield(path: Path) -> NDArray[np.int16]:
    image = dcmread(path)
    if not image.get("PixelData"):  # they were announced, or the file would not have been chosen
        raise EOFError
    _refuse_what_is_no_slice(image)
    if any(image.get(tag) is None for tag in ("RescaleSlope", "RescaleIntercept")):
        raise UnreadableSlice(f"does not say how its values become Hounsfield units; {_ORIGINAL}")
    values: NDArray[np.float64] = _stored(image) * image.RescaleSlope + image.RescaleIntercept
    if not (np.abs(values) < 2**15).all():
        raise UnreadableSlice(f"has values that are no Hounsfield units; {_ORIGINAL}")
    return values.astype(np.int16)


def _refuse_what_is_no_slice(image: Dataset) -> None:
    rows, columns = int(image.Rows), int(image.Columns)
    if (rows, columns) != (SIDE, SIDE):
        raise UnreadableSlice(f"is {rows}x{columns} pixels instead of {SIDE}x{SIDE}; {_ORIGINAL}")
    if (frames := int(image.get("NumberOfFrames") or 1)) != 1:
        raise UnreadableSlice(f"holds {frames} frames instead of one; {_ORIGINAL}")
    if int(image.SamplesPerPixel) != 1:
        raise UnreadableSlice(f"is in colour; {_ORIGINAL}")


def _stored(image: Dataset) -> NDArray[np.int16]:
    """Return the stored values, (512, 512)."""
    syntax = image.file_meta.TransferSyntaxUID
    if not syntax.is_transfer_syntax:  # a UID that the standard doesn't name isn't quoted
        raise UnreadableSlice(f"has an unknown transfer syntax; {_CONVERT}")
    if syntax.is_encapsulated:
        return _decompress(image)
    if len(image.PixelData) < SIDE * SIDE * int(image.BitsAllocated) // 8:
        raise EOFError
    return _of_one_slice(image.pixel_array)


def _decompress(image: Dataset) -> NDArray[np.int16]:
    try:
        return _of_one_slice(image.pixel_array)
    except (NotImplementedError, RuntimeError):  # no plugin of pydicom's decodes it
        syntax = image.file_meta.TransferSyntaxUID.name
        raise UnreadableSlice(f"is compressed ({syntax}) and cannot be decoded; {_CONVERT}") from None


def _of_one_slice(stored: NDArray[np.int16]) -> NDArray[np.int16]:
    if stored.shape != (SIDE, SIDE):
        raise ValueError
    return stored
