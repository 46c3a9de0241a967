"""Write the slices of a CT scan as deflated DICOM files: with files.py, all here that knows pydicom.

A scan has a hundred slices and more, and nearly all of a phantom's are empty. Their header is encoded once
and their pixels are compressed once; what differs from slice to slice has a fixed width and is put in place.
"""

from __future__ import annotations

import hashlib
import zlib
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset, write_file_meta_info
from pydicom.uid import UID, CTImageStorage, DeflatedExplicitVRLittleEndian

from redl.data.lidc.database import Scan
from redl.data.lidc.files import SIDE

BITS_STORED = 12
INTERCEPT = -1024  # Hounsfield units of the stored value 0

# Stand-ins of fixed width for what differs: no other bytes of a header are the same.
_INSTANCE, _NUMBER, _HEIGHT = b"2.25.1" + b"7" * 36, b"8" * 12, b"-999999.999999"
_PIXELS = b"\xe0\x7f\x10\x00OW\0\0" + (2 * SIDE * SIDE).to_bytes(4, "little")  # PS3.5 7.1.2


class SliceWriter:
    """The folder of a scan and what its files have in common."""

    def __init__(self, folder: Path, scan: Scan) -> None:
        self._folder, self._scan = folder, scan
        self._meta, self._header = _encode(_describe(scan))

    def write(self, place: int, hounsfield: NDArray[np.int16] | int) -> None:
        """Write the slice that is number `place` from the lowest, (512, 512) or the same value throughout.

        Raise ValueError for what 12 bits do not hold.
        """
        own = {
            _INSTANCE: _identify(self._scan.series, place),
            _NUMBER: b"%12d" % (place + 1),
            _HEIGHT: b"%14.6f" % self._scan.heights[place],
        }
        meta, header = self._meta, self._header
        for stand_in, value in own.items():
            meta, header = meta.replace(stand_in, value), header.replace(stand_in, value)
        pixels = _compress_even(hounsfield) if isinstance(hounsfield, int) else _compress(hounsfield, level=1)
        content = _deflate(header + _PIXELS, level=6, last=False) + pixels
        path = self._folder / f"{place + 1:03d}.dcm"
        path.write_bytes(meta + content + b"\0" * (len(content) % 2))


@cache
def _compress_even(hounsfield: int) -> bytes:
    return _compress(np.full((SIDE, SIDE), hounsfield, np.int16), level=9)


def _compress(hounsfield: NDArray[np.int16], *, level: int) -> bytes:
    stored = hounsfield.astype(np.int32) - INTERCEPT
    if stored.min() < 0 or stored.max() >= 2**BITS_STORED:
        raise ValueError(f"values of {hounsfield.min()} to {hounsfield.max()} HU do not fit in 12 bits")
    return _deflate(stored.astype("<u2").tobytes(), level=level, last=True)


def _deflate(content: bytes, *, level: int, last: bool) -> bytes:
    """Compress a part of a stream; parts that end on a whole byte can be put one after another (RFC 1951)."""
    compressor = zlib.compressobj(level, wbits=-zlib.MAX_WBITS)
    return compressor.compress(content) + compressor.flush(zlib.Z_FINISH if last else zlib.Z_SYNC_FLUSH)


def _identify(series: str, place: int) -> bytes:
    """Return a unique identifier of fixed width, from no clock and no chance."""
    digest = hashlib.sha256(f"{series}/{place}".encode()).digest()
    return b"2.25.1%036d" % (int.from_bytes(digest) % 10**36)


def _encode(header: Dataset) -> tuple[bytes, bytes]:
    """Return a file's beginning and its header, not compressed yet."""
    meta, dataset = DicomBytesIO(b""), DicomBytesIO(b"")
    meta.is_little_endian, meta.is_implicit_VR = True, False
    dataset.is_little_endian, dataset.is_implicit_VR = True, False
    write_file_meta_info(meta, header.file_meta, enforce_standard=True)
    write_dataset(dataset, header)
    return b"\0" * 128 + b"DICM" + meta.getvalue(), dataset.getvalue()


def _describe(scan: Scan) -> Dataset:
    header = Dataset()
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    header.file_meta.MediaStorageSOPClassUID = header.SOPClassUID = CTImageStorage
    header.file_meta.MediaStorageSOPInstanceUID = header.SOPInstanceUID = UID(_INSTANCE.decode())
    header.Modality = "CT"
    header.PatientID = scan.patient
    header.StudyInstanceUID, header.SeriesInstanceUID = scan.study, scan.series
    header.InstanceNumber = _NUMBER.decode()
    header.ImagePositionPatient = ["0", "0", _HEIGHT.decode()]
    header.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    header.PixelSpacing = [scan.pixel_spacing] * 2
    header.SliceThickness = scan.slice_thickness
    header.SamplesPerPixel = 1
    header.PhotometricInterpretation = "MONOCHROME2"
    header.Rows = header.Columns = SIDE
    header.BitsAllocated, header.BitsStored, header.HighBit = 16, BITS_STORED, BITS_STORED - 1
    header.PixelRepresentation = 0
    header.RescaleIntercept, header.RescaleSlope = INTERCEPT, 1
    return header
