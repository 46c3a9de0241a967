"""Write a mammogram as one of the machines of the RSNA challenge stores it, with the few tags they keep."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    DigitalMammographyXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    RLELossless,
    generate_uid,
)

from redl.data.dicom import jpeg, jpeg2000

BITS_STORED = 12  # of the images that are written; those that are read say their own


class Syntax(StrEnum):
    """Transfer syntaxes (DICOM PS3.5 section 10), all of them lossless."""

    UNCOMPRESSED = "uncompressed"
    DEFLATED = "deflated"
    RLE = "rle"
    JPEG_LOSSLESS = "jpeg-lossless"
    JPEG2000 = "jpeg2000"


@dataclass(frozen=True, kw_only=True, slots=True)
class Encoding:
    """How a machine stores an image: transfer syntax, photometric interpretation and window."""

    syntax: Syntax
    inverted: bool
    sigmoid: bool


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
    _put_pixels(header, stored, encoding.syntax)
    header.save_as(path, enforce_file_format=True)


def _put_pixels(header: Dataset, stored: NDArray[np.uint16], syntax: Syntax) -> None:
    match syntax:
        case Syntax.UNCOMPRESSED | Syntax.DEFLATED:
            uid = ExplicitVRLittleEndian if syntax is Syntax.UNCOMPRESSED else DeflatedExplicitVRLittleEndian
            header.file_meta.TransferSyntaxUID = uid
            header.add_new("PixelData", "OW", stored.astype("<u2").tobytes())
        case Syntax.RLE:
            header.compress(RLELossless, stored, generate_instance_uid=False)
        case Syntax.JPEG_LOSSLESS:
            _encapsulate(header, jpeg.encode_lossless(stored, precision=BITS_STORED), JPEGLosslessSV1)
        case Syntax.JPEG2000:
            _encapsulate(header, jpeg2000.encode(stored, precision=BITS_STORED), JPEG2000Lossless)


def _encapsulate(header: Dataset, frame: bytes, uid: UID) -> None:
    header.file_meta.TransferSyntaxUID = uid
    header.add_new("PixelData", "OB", encapsulate([frame]))
    header["PixelData"].is_undefined_length = True


def _describe(encoding: Encoding, patient: str, key: str) -> Dataset:
    """Return a header with the few tags that the files of the RSNA challenge carry."""
    header = Dataset()
    header.file_meta = FileMetaDataset()
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
