"""The DICOM files of a CT scan, one slice each: all of this package that knows pydicom.

Separate from redl.data.dicom, whose images are what a screen shows: these are in Hounsfield units.
"""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from pydicom.errors import InvalidDicomError

from redl.data.dicom.damage import PYDICOM_ERRORS, quiet

SIDE = 512  # rows and columns of every slice of the set: the contours count on it

UNREADABLE = (*PYDICOM_ERRORS, InvalidDicomError, OSError)  # what reading a file raises, through pylidc too


def read_series(path: Path) -> tuple[str, str] | None:
    """Return the unique identifiers of a file's study and series; None if it has none or cannot be read."""
    try:
        with quiet():
            tags = ["StudyInstanceUID", "SeriesInstanceUID"]
            header = dcmread(path, stop_before_pixels=True, specific_tags=tags)
            return str(header.StudyInstanceUID).strip(), str(header.SeriesInstanceUID).strip()
    except UNREADABLE:
        return None


def read_header(path: str | os.PathLike[str]) -> Dataset:
    """Read a slice's header; raise ValueError where its height is no number, over which pylidc would hang."""
    header = dcmread(path, stop_before_pixels=True)
    if "ImagePositionPatient" in header and not math.isfinite(header.ImagePositionPatient[-1]):
        raise ValueError
    return header


def read_hounsfield(path: str | os.PathLike[str]) -> NDArray[np.int16]:
    """Read a slice in Hounsfield units as pylidc has them, int16 (512, 512).

    Raise one of UNREADABLE for a file that cannot be read so.
    """
    image = dcmread(path)
    if (image.Rows, image.Columns) != (SIDE, SIDE) or image.get("NumberOfFrames", 1) != 1:
        raise ValueError
    values: NDArray[np.float64] = image.pixel_array * image.RescaleSlope + image.RescaleIntercept
    if values.shape != (SIDE, SIDE) or not (np.abs(values) < 2**15).all():
        raise ValueError
    return values.astype(np.int16)
