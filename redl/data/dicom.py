"""One mammogram in a DICOM file: the only module that knows pydicom.

Real files differ by machine: compressed or not, light or dark background (MONOCHROME2 or 1), linear or
sigmoid windows. Read as published, each scaled by its own maximum and MONOCHROME1 left inverted, an image
would tell its machine before its content; read here, every image is what a radiologist's screen shows.
"""

from __future__ import annotations

import logging
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, FileMetaDataset, dcmread
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.pixels.processing import apply_rescale, apply_windowing
from pydicom.pixels.utils import pixel_array
from pydicom.uid import (
    DigitalMammographyXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    generate_uid,
)

from redl.errors import DataError

BITS_STORED = 12  # of the images that are written; those that are read say their own

# What pydicom and its decoders raise on damaged input. Not MemoryError: that is the machine's fault.
_DAMAGE = (
    ArithmeticError,
    AttributeError,
    BytesLengthException,
    EOFError,
    LookupError,
    NotImplementedError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Encoding:
    """Tell how a machine stores an image: its transfer syntax, photometric interpretation and window."""

    jpeg2000: bool
    inverted: bool
    sigmoid: bool


def read_image(path: Path) -> NDArray[np.float32]:
    """Read a single-frame grey image as a screen shows it, shape (H, W), 0 black to 1 white.

    The first window is applied (DICOM PS3.3 C.11.2.1.2 and C.11.2.1.3), or the range of the stored bits where
    there is none, and MONOCHROME1 is inverted. The scale is the window's, not the image's: a blank image
    stays blank. Raise DataError, naming the file but none of its folders, for one that cannot be read so.
    """
    # `from None`: pydicom's messages quote header values and whole paths, which hold the patient.
    try:
        with _quiet():
            return _read(path)
    except InvalidDicomError:
        raise DataError(f"{path.name}: not a DICOM file; download it again") from None
    except OSError as error:
        raise DataError(f"{path.name}: cannot be read ({type(error).__name__}); check the file") from None
    except _DAMAGE as error:
        reason = type(error).__name__
        raise DataError(f"{path.name}: cannot be decoded ({reason}); download it again") from None


def write_image(
    path: Path, brightness: NDArray[np.uint16], encoding: Encoding, *, patient: str, key: str
) -> None:
    """Write a 12-bit image, shape (H, W), such that `read_image` returns its brightness under the window.

    `key` names the image within its data set: the unique identifiers follow from it, and no clock or chance
    does, so that the same call writes the same bytes.
    """
    header = _describe(encoding, patient, key)
    stored = (2**BITS_STORED - 1) - brightness if encoding.inverted else brightness
    header.Rows, header.Columns = stored.shape
    header.PixelData = stored.astype("<u2").tobytes()
    if encoding.jpeg2000:
        header.compress(JPEG2000Lossless, generate_instance_uid=False)
    else:
        header["PixelData"].VR = "OW"
    header.save_as(path, enforce_file_format=True)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence pydicom for one read: it warns of what is then read or refused, and quotes the header."""
    logger = logging.getLogger("pydicom")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _read(path: Path) -> NDArray[np.float32]:
    header = dcmread(path)
    _refuse_what_is_no_mammogram(header, path.name)
    # Real files hold values beyond their BitsStored. Masking the excess would turn the brightest tissue
    # black; left alone, it lies above the window. Signed values do need their sign extended.
    stored = pixel_array(header, correct_unused_bits=header.PixelRepresentation == 1)
    if stored.ndim != 2:
        raise DataError(f"{path.name}: not a single-frame image; use one file for each view")
    shown = apply_rescale(stored, header)
    if _has_window(header):
        shown = apply_windowing(shown, header)
    low, high = _output_range(header)
    scaled = np.clip((shown - low) / (high - low), 0, 1).astype(np.float32)
    if not np.isfinite(scaled).all():
        raise DataError(f"{path.name}: its window or rescaling gives no finite values; leave the image out")
    return 1 - scaled if header.PhotometricInterpretation == "MONOCHROME1" else scaled


def _refuse_what_is_no_mammogram(header: Dataset, name: str) -> None:
    if "PixelData" not in header:
        raise DataError(f"{name}: no pixel data; download it again")
    if header.PhotometricInterpretation not in {"MONOCHROME1", "MONOCHROME2"} or header.SamplesPerPixel != 1:
        raise DataError(f"{name}: not a grey image; only MONOCHROME1 and MONOCHROME2 are read")
    if "ModalityLUTSequence" in header or ("VOILUTSequence" in header and not _has_window(header)):
        raise DataError(f"{name}: a lookup table says how to show it; only windows are read")


def _has_window(header: Dataset) -> bool:
    return all(tag in header and header[tag].VM for tag in ("WindowCenter", "WindowWidth"))


def _output_range(header: Dataset) -> tuple[float, float]:
    """Return what the darkest and the brightest storable value become, as apply_windowing has it."""
    low = -(2 ** (header.BitsStored - 1)) if header.PixelRepresentation == 1 else 0
    high = low + 2**header.BitsStored - 1
    if "RescaleSlope" not in header or "RescaleIntercept" not in header:
        return low, high
    slope, intercept = float(header.RescaleSlope), float(header.RescaleIntercept)
    return low * slope + intercept, high * slope + intercept


def _describe(encoding: Encoding, patient: str, key: str) -> Dataset:
    """Return a header with the few tags that the files of the RSNA challenge carry."""
    header = Dataset()
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header.SOPClassUID = DigitalMammographyXRayImageStorageForPresentation
    header.SOPInstanceUID = generate_uid(entropy_srcs=["image", key])
    header.StudyInstanceUID = generate_uid(entropy_srcs=["study", patient])
    header.SeriesInstanceUID = generate_uid(entropy_srcs=["series", key])
    header.PatientID = patient
    header.InstanceNumber = 1
    header.SamplesPerPixel = 1
    header.PhotometricInterpretation = "MONOCHROME1" if encoding.inverted else "MONOCHROME2"
    header.BitsAllocated, header.BitsStored, header.HighBit = 16, BITS_STORED, BITS_STORED - 1
    header.PixelRepresentation = 0
    header.WindowCenter, header.WindowWidth = 2 ** (BITS_STORED - 1), 2**BITS_STORED
    header.RescaleIntercept, header.RescaleSlope = 0, 1
    header.VOILUTFunction = "SIGMOID" if encoding.sigmoid else "LINEAR"
    return header
