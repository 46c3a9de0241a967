"""The test files of pydicom and of pydicom-data read as pydicom reads them, or are refused by the list."""

import re
from importlib.resources import files
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut

from redl.data.dicom import read_with_remarks
from redl.data.dicom.damage import PYDICOM_ERRORS, quiet
from redl.data.greyscale import own_bits, range_of
from redl.errors import DataError

pytestmark = pytest.mark.slow

# Any other reason is a fault.
REASONS = (
    r"a multi-frame image, of \d+ frames; use one file for each image",
    r"its header is damaged or incomplete; download it again",
    r"its header lacks PhotometricInterpretation; export it again",
    r"its pixel data do not fit its header; download it again",
    r"its pixels are floating-point numbers; export them as integers",
    r"no pixel data; leave the file out",
    r"not a DICOM file; download it again",
    r"not a grey image; only MONOCHROME1 and MONOCHROME2 are read",
    r"pixel data are cut short; download it again",
)
LOSSY = 1 / 100  # by which two decoders of lossy JPEG may differ, where they round otherwise


def all_files():
    roots = [files("pydicom") / "data" / "test_files", files("data_store") / "data"]
    found = (path for root in roots for path in Path(str(root)).rglob("*"))
    return [path for path in sorted(found) if path.is_file() and path.suffix not in {".py", ".pyc"}]


def expected(path):
    """Return what pydicom makes of a grey file of one frame; None where it reads none."""
    with quiet():
        try:
            header = pydicom.dcmread(path)
            if header.PhotometricInterpretation not in {"MONOCHROME1", "MONOCHROME2"}:
                return None
            stored = header.pixel_array
        except (*PYDICOM_ERRORS, pydicom.errors.InvalidDicomError, OSError):
            return None
        if stored.ndim != 2:
            return None
        image = shown(header, stored)
    return 1 - image if header.PhotometricInterpretation == "MONOCHROME1" else image


def shown(header, stored):
    """Bring stored values to a scale of 0 to 1 with pydicom's own transformations."""
    values = apply_modality_lut(stored, header).astype(np.float64)
    if header.get("WindowWidth") not in (None, ""):
        top = 2.0**header.BitsStored - 1
        windowed = apply_voi_lut(values, header, prefer_lut=False)
        slope, intercept = float(header.get("RescaleSlope", 1)), float(header.get("RescaleIntercept", 0))
        if "ModalityLUTSequence" in header:
            raise NotImplementedError("no file has both: say here what is expected of one")
        low = range_of(header.BitsStored, signed=header.PixelRepresentation == 1)[0] * slope + intercept
        return np.clip((windowed - low) / (top * slope), 0, 1)
    if "VOILUTSequence" in header or "ModalityLUTSequence" in header:
        last = header.get("VOILUTSequence") or header.ModalityLUTSequence
        return apply_voi_lut(values.astype(int), header) / (2 ** last[0].LUTDescriptor[2] - 1)
    signed, bits = header.PixelRepresentation == 1, header.BitsStored
    if bits == header.BitsAllocated and bits not in {1, 8}:
        bits = own_bits(stored, signed=signed)
    low, high = range_of(bits, signed=signed)
    return np.clip((stored.astype(np.float64) - low) / (high - low), 0, 1)


@pytest.fixture(scope="module")
def outcomes():
    """Return of each file what redl and pydicom made of it: an image, or for redl a refusal."""
    results = {}
    for path in all_files():
        try:
            ours = read_with_remarks(path).images
        except DataError as refused:
            ours = str(refused).removeprefix(f"{path.name}: ")
        results[path] = ours, expected(path)
    return results


def test_there_are_as_many_files_as_should_be(outcomes):
    assert len(outcomes) > 200


def test_what_both_read_is_equal(outcomes):
    for path, (ours, theirs) in outcomes.items():
        if not isinstance(ours, str):
            assert theirs is not None or path.name == "JPEG-lossy.dcm", (
                path.name
            )  # its scan header, which is wrong, libjpeg-turbo passes over
            if theirs is not None:
                lossy = pydicom.dcmread(path).file_meta.TransferSyntaxUID.name.startswith(
                    ("JPEG Ext", "JPEG Bas")
                )
                difference = np.abs(ours - theirs).max()
                assert difference <= (LOSSY if lossy else 1e-5), f"{path.name}: {difference}"


def test_what_is_refused_is_refused_for_a_reason_on_the_list(outcomes):
    for path, (ours, _) in outcomes.items():
        if isinstance(ours, str):
            assert any(re.fullmatch(reason, ours) for reason in REASONS), f"{path.name}: {ours}"


def test_every_grey_image_of_one_frame_that_pydicom_reads_is_read(outcomes):
    refused = [
        path.name for path, (ours, theirs) in outcomes.items() if theirs is not None and isinstance(ours, str)
    ]
    assert [] == refused
