"""DICOM files as other software writes them: pixels by another library's encoder, in the ways that occur."""

from pathlib import Path

import numpy as np
from pydicom import Dataset, FileMetaDataset, uid
from pydicom.encaps import encapsulate

from redl.data.dicom.damage import quiet


def write_dicom(path: Path, stored: np.ndarray, stream: bytes | None, syntax: str, **tags: object) -> Path:
    """Write a grey image of `stored` pixels, whose compressed form is `stream`, under the given tags."""
    header = Dataset()
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = syntax
    header.SOPClassUID = uid.SecondaryCaptureImageStorage
    header.SOPInstanceUID = uid.generate_uid(entropy_srcs=[path.name])
    header.PatientID = "DOE_JANE_1970"
    header.SamplesPerPixel = 1
    header.PhotometricInterpretation = "MONOCHROME2"
    header.Rows, header.Columns = stored.shape
    header.BitsAllocated = header.BitsStored = 8 * stored.itemsize
    header.PixelRepresentation = int(stored.dtype.kind == "i")
    with quiet():  # some of the tags are wrong on purpose
        for tag, value in tags.items():
            setattr(header, tag, value)
        if "HighBit" not in tags:
            header.HighBit = header.BitsStored - 1
        if stream is None:
            header.PixelData = stored.tobytes()
            header["PixelData"].VR = "OW"
        else:
            header.PixelData = encapsulate([stream])
            header["PixelData"].VR = "OB"
            header["PixelData"].is_undefined_length = True
        header.save_as(path, enforce_file_format=True)
    return path
