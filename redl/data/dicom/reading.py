"""Read a mammogram as a screen shows it, or refuse it in one line that quotes nothing of its header."""

from __future__ import annotations

import io
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_dataset, read_file_meta_info
from pydicom.uid import DeflatedExplicitVRLittleEndian

from redl.data.dicom.damage import PYDICOM_ERRORS, UnreadableImage, quiet
from redl.data.dicom.display import has_window, read_display
from redl.data.dicom.pixels import MAX_PIXELS, Layout, read_layout, read_pixels
from redl.errors import DataError

_DEFLATE = "its deflated content is damaged or cut short; download it again"


def read_image(path: Path, *, min_side: int | None = None) -> NDArray[np.float32]:
    """Read a single-frame grey image as a screen shows it, shape (H, W), 0 black to 1 white.

    The first window is applied (DICOM PS3.3 C.11.2.1.2 and C.11.2.1.3), or the range of the stored bits where
    there is none, and MONOCHROME1 is inverted. The scale is the window's, not the image's: a blank image
    stays blank.

    With `min_side` the image comes reduced by the largest power of two that leaves both sides at least so
    long, each pixel the mean of those it stands for before the window; much faster than whole.

    Raise DataError, naming the file but none of its folders, for one that cannot be read in this way.
    Flipped bits that still decode to an image of the right shape cannot be detected; a truncated file can.
    """
    # Raised outside the handlers: pydicom's messages quote header values and whole paths, which hold the
    # patient, and would stay within reach as the error's context.
    try:
        with quiet():
            return _read(path, min_side)
    except UnreadableImage as refusal:
        reason = str(refusal)
    except InvalidDicomError:
        reason = "not a DICOM file; download it again"
    except OSError as error:
        reason = f"cannot be read ({type(error).__name__}); check the file"
    except PYDICOM_ERRORS as error:
        reason = f"cannot be decoded ({type(error).__name__}); download it again"
    raise DataError(f"{path.name}: {reason}")


def _read(path: Path, min_side: int | None) -> NDArray[np.float32]:
    header = _parse(path)
    _refuse_what_is_no_mammogram(header)
    layout, display = read_layout(header), read_display(header)
    stored = read_pixels(header, layout, halvings=_halvings(layout, min_side))
    return display.apply(stored)


def _halvings(layout: Layout, min_side: int | None) -> int:
    if min_side is None:
        return 0
    return max(0, (min(layout.rows, layout.columns) // min_side).bit_length() - 1)


def _parse(path: Path) -> Dataset:
    meta = read_file_meta_info(path)
    if meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
        return dcmread(path)
    start = 144 + meta.FileMetaInformationGroupLength  # preamble, prefix and the element of the length itself
    content = io.BytesIO(_inflate(path.read_bytes()[start:]))
    header = read_dataset(content, is_implicit_VR=False, is_little_endian=True)
    header.file_meta = meta
    return header


def _inflate(content: bytes) -> bytes:
    """Inflate to no more than a mammogram's size; pydicom would do so to a thousand times the file's."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        inflated = inflater.decompress(content, 3 * MAX_PIXELS)
    except zlib.error:
        raise UnreadableImage(_DEFLATE) from None
    if not inflater.eof:
        raise UnreadableImage(_DEFLATE)
    return inflated


def _refuse_what_is_no_mammogram(header: Dataset) -> None:
    if "PixelData" not in header:
        raise UnreadableImage("no pixel data; download it again")
    if header.PhotometricInterpretation not in {"MONOCHROME1", "MONOCHROME2"} or header.SamplesPerPixel != 1:
        raise UnreadableImage("not a grey image; only MONOCHROME1 and MONOCHROME2 are read")
    if "ModalityLUTSequence" in header or ("VOILUTSequence" in header and not has_window(header)):
        raise UnreadableImage("a lookup table says how to show it; only windows are read")
