"""Read a grey image as a screen shows it, or refuse it in one line that quotes nothing of its header."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_dataset, read_file_meta_info
from pydicom.uid import DeflatedExplicitVRLittleEndian

from redl.data.dicom.damage import PYDICOM_ERRORS, UnreadableImage, quiet
from redl.data.dicom.display import Window, read_display
from redl.data.dicom.pixels import (
    LONGER,
    MAX_PIXELS,
    average,
    is_longer,
    read_layout,
    read_pixels,
    read_stored,
)
from redl.data.source import Images
from redl.errors import DataError

PREFIX, PREFIX_AT = b"DICM", 128  # by which a DICOM file is known (PS3.10 7.1)

_DEFLATE = "its deflated content is damaged or cut short; download it again"
_HEADER = "its header is damaged or incomplete; download it again"
_PIXELS = "its pixel data are damaged; download it again"


def read_image(path: Path, *, min_side: int | None = None) -> NDArray[np.float32]:
    """Read a single-frame grey image as a screen shows it, shape (H, W), 0 black to 1 white.

    The first window is applied (DICOM PS3.3 C.11.2.1.2 and C.11.2.1.3), else the lookup table. Where there is
    neither, the scale is the range of the stored bits, or of those that the image uses where all that are
    allocated are said to be stored. MONOCHROME1 is inverted, and declared padding black. The scale is never
    the image's own maximum: a blank image stays blank.

    With `min_side` the image comes reduced by the largest power of two that leaves both sides at least so
    long, each pixel the mean of those it stands for, before a window; much faster than whole.

    Raise DataError, naming the file but none of its folders, for one that cannot be read in this way.
    Flipped bits that still decode to an image of the right shape cannot be detected; a truncated file can.
    """
    return read_with_remarks(path, min_side=min_side).images


def read_with_remarks(path: Path, *, min_side: int | None = None) -> Images[np.float32]:
    """Read as `read_image` does, and return with it what is to be said of how it was read."""
    # Raised outside the handlers: pydicom's messages quote header values and whole paths, which hold the
    # patient, and would stay within reach as the error's context.
    try:
        with quiet():
            return _read(path, min_side)
    except UnreadableImage as refusal:
        reason = str(refusal)
    except InvalidDicomError:
        reason = "not a DICOM file; download it again"
    except FileNotFoundError:
        reason = "its file is not there; download it again"
    except OSError as error:
        reason = f"cannot be read ({type(error).__name__}); check the file"
    raise DataError(f"{path.name}: {reason}")


def _read(path: Path, min_side: int | None) -> Images[np.float32]:
    with _or_refused(_HEADER):
        header = _parse(path)
        _refuse_what_is_no_grey_image(header)
        layout = read_layout(header)
        display = read_display(header, layout)
    halvings = 0 if min_side is None else _halvings(min(layout.rows, layout.columns), min_side)
    with _or_refused(_PIXELS):
        remarks: tuple[str, ...] = ()
        if isinstance(display, Window):
            image = display.apply(read_pixels(header, layout, halvings=halvings))
        else:
            whole, remarks = display.show(read_stored(header, layout))
            image = average(whole, 2**halvings).astype(np.float32, copy=False)
        return Images(image, (LONGER, *remarks) if is_longer(header, layout) else remarks)


@contextmanager
def _or_refused(reason: str) -> Iterator[None]:
    """Turn what pydicom and its decoders raise over damaged content into a refusal in words."""
    damaged = False
    try:
        yield
    except (UnreadableImage, InvalidDicomError, OSError):
        raise
    except PYDICOM_ERRORS:
        damaged = True
    if damaged:
        raise UnreadableImage(reason)


def _halvings(side: int, min_side: int) -> int:
    return max(0, (side // min_side).bit_length() - 1)


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
    """Inflate to no more than a large image; pydicom would do so to a thousand times the file's size."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        inflated = inflater.decompress(content, 3 * MAX_PIXELS)
    except zlib.error:
        raise UnreadableImage(_DEFLATE) from None
    if not inflater.eof:
        raise UnreadableImage(_DEFLATE)
    return inflated


def _refuse_what_is_no_grey_image(header: Dataset) -> None:
    if "PixelData" not in header:
        if "FloatPixelData" in header or "DoubleFloatPixelData" in header:
            raise UnreadableImage("its pixels are floating-point numbers; export them as integers")
        raise UnreadableImage("no pixel data; leave the file out")
    if "PhotometricInterpretation" not in header:
        raise UnreadableImage("its header lacks PhotometricInterpretation; export it again")
    grey = header.PhotometricInterpretation in {"MONOCHROME1", "MONOCHROME2"}
    if not grey or header.get("SamplesPerPixel", 1) != 1:
        raise UnreadableImage("not a grey image; only MONOCHROME1 and MONOCHROME2 are read")
