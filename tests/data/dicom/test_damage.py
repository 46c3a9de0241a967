"""However a file is damaged, it reads as an image or is refused in one line, and never shows whose it is."""

import logging
import traceback
import warnings

import numpy as np
import pydicom
import pytest
from pydicom.uid import ImplicitVRLittleEndian

from redl.data.dicom import Syntax, read_image, write_image
from redl.errors import DataError
from tests.helpers.dicomfiles import draw, encoding, sample, store, write

FILES = 320  # of each kind
PLANTED = {
    "PatientName": "Planted^Jane",
    "PatientID": "PLANTED-4711",
    "PatientBirthDate": "19700102",
    "OtherPatientIDs": "PLANTED-4712",
    "InstitutionName": "Planted Hospital",
}
SECRETS = ["Planted", "PLANTED", "19700102", "Jane"]


def write_signed(path):
    store(write(path, draw(40, 32)), draw(40, 32).astype(np.int16) - 2048, PixelRepresentation=1)


def write_implicit(path):
    header = pydicom.dcmread(write(path, draw(40, 32)))
    header.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    header.save_as(path, implicit_vr=True, little_endian=True)


def write_big_endian(path):
    path.write_bytes(sample("MR_small_bigendian.dcm").read_bytes())


def writer(syntax):
    def write_syntax(path):
        write_image(path, draw(40, 32), encoding(syntax, sigmoid=True), patient="7", key="1")

    return write_syntax


KINDS = {syntax.value: writer(syntax) for syntax in Syntax} | {
    "signed": write_signed,
    "implicit": write_implicit,
    "big-endian": write_big_endian,
}


def plant(path):
    header = pydicom.dcmread(path)
    for tag, value in PLANTED.items():
        setattr(header, tag, value)
    header.save_as(path)


def damage(rng, content):
    """Damage a file in one to three ways, of those that disks, networks and software have."""
    damaged = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        start = int(rng.integers(len(damaged) or 1))
        length = int(rng.integers(1, 60))
        match rng.integers(6):
            case 0:
                # Rarely: little else can be tried on what is left.
                del damaged[start if rng.random() < 0.3 else len(damaged) - length :]
            case 1:
                damaged[start : start + 1] = rng.bytes(1)
            case 2:
                damaged[start : start + length] = bytes(len(damaged[start : start + length]))
            case 3:
                damaged[start:start] = damaged[start : start + length]
            case 4:
                del damaged[start : start + length]
            case 5:
                place = int(rng.integers(len(damaged) // 3, len(damaged))) if damaged else 0
                damaged[place : place + 8] = rng.bytes(len(damaged[place : place + 8]))
    return bytes(damaged)


FIELDS = {
    "Rows": [0, 1, 39, 41, 64, 65535],
    "Columns": [0, 1, 31, 33, 64, 65535],
    "BitsAllocated": [0, 1, 8, 12, 24, 32, 64],
    "BitsStored": [0, 1, 8, 16, 17, 64],
    "HighBit": [0, 7, 15],
    "SamplesPerPixel": [0, 2, 3],
    "NumberOfFrames": [0, 2, -1, 99999],
    "PixelRepresentation": [1, 2],
    "WindowWidth": [0, -5, 1e-30, 1e30],
    "RescaleSlope": [0, -1, 1e-30, 1e30],
}


def mislead(rng, path):
    """Make a file's header say something else than its pixels."""
    header = pydicom.dcmread(path)
    for tag in rng.choice(list(FIELDS), rng.integers(1, 3), replace=False):
        setattr(header, tag, FIELDS[tag][rng.integers(len(FIELDS[tag]))])
    header.save_as(path)


def outcome(path, min_side):
    try:
        return read_image(path, min_side=min_side)
    except Exception as error:  # the test distinguishes a refusal from a crash
        return error


@pytest.fixture(scope="module", params=KINDS)
def readings(request, tmp_path_factory):
    """Return what came of reading damaged files, and everything that was warned and logged meanwhile."""
    path = tmp_path_factory.mktemp("damaged") / "1.dcm"
    KINDS[request.param](path)
    plant(path)
    intact, outcomes, logged = path.read_bytes(), [], []
    listener = logging.Handler()
    listener.emit = lambda record: logged.append(record.getMessage())
    logging.getLogger().addHandler(listener)
    with warnings.catch_warnings(record=True) as warned:
        for number in range(FILES):
            rng = np.random.default_rng(number)
            path.write_bytes(intact if number % 4 == 0 else damage(rng, intact))
            if number % 4 == 0:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    mislead(rng, path)
            outcomes.append(outcome(path, [None, 8, 16][number % 3]))
    logging.getLogger().removeHandler(listener)
    return outcomes, [*logged, *(str(warning.message) for warning in warned)]


def test_a_damaged_file_reads_as_an_image_or_is_refused_in_one_line(readings):
    for result in readings[0]:
        if isinstance(result, np.ndarray):
            assert (2, np.float32) == (result.ndim, result.dtype)
            assert 0 <= result.min() <= result.max() <= 1
        else:
            assert isinstance(result, DataError)
            assert str(result).startswith("1.dcm: ")
            assert "\n" not in str(result)


def test_some_damaged_files_are_read_and_more_are_refused(readings):
    # Else the damage would be too small to matter, or too large to come past the first check.
    read = sum(isinstance(result, np.ndarray) for result in readings[0])
    assert 0.05 * FILES < read < 0.8 * FILES


def test_nothing_is_warned_or_logged_of_a_damaged_file(readings):
    assert [] == readings[1]


def test_no_refusal_names_a_planted_patient(readings):
    for result in readings[0]:
        if isinstance(result, Exception):
            said = "".join(traceback.format_exception(result)) + repr(result.__context__)
            assert not [secret for secret in SECRETS if secret in said]


def test_the_planted_patient_is_in_the_file_that_is_damaged(tmp_path):
    path = tmp_path / "1.dcm"
    KINDS["jpeg2000"](path)
    plant(path)
    assert all(value.encode() in path.read_bytes() for value in PLANTED.values())
