"""Slices are read as pylidc reads them, whatever lies beside them; refusals name a slice and no patient."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, FileMetaDataset, dcmread
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate
from pydicom.uid import (
    CTImageStorage,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
    RLELossless,
    generate_uid,
)

from redl.data.dicom.damage import quiet
from redl.data.lidc import files
from redl.data.lidc.annotations import read_outlines
from redl.data.lidc.database import read_scans
from redl.data.lidc.phantom import LidcPhantom, ensure_lidc
from redl.data.lidc.slices import read_slices
from redl.data.lidc.source import find_series
from redl.errors import DataError
from tests.helpers.pylidclibrary import import_pylidc

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


def write_elsewhere(path: Path, scan, place: int, *, value: int = 0, number: int | None = None) -> None:
    """Write a slice as other software does: by pydicom, implicit VR, uncompressed, signed, of one `value`."""
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    image.SOPClassUID, image.SOPInstanceUID = CTImageStorage, generate_uid()
    image.Modality, image.PatientID, image.PatientName = "CT", scan.patient, NAME
    image.StudyInstanceUID, image.SeriesInstanceUID = scan.study, scan.series
    image.InstanceNumber = number  # empty where it is None
    image.ImagePositionPatient = [-170.0, -166.5, round(float(scan.heights[place]), 6)]
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.Rows = image.Columns = 512
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 16, 15, 1
    image.RescaleIntercept, image.RescaleSlope = -1024, 1
    image.PixelData = np.full((512, 512), value + 1024, "<i2").tobytes()
    image.save_as(path, enforce_file_format=True)


def refusal(folder: Path, scan, place: int) -> str:
    with pytest.raises(DataError) as caught:
        read_slices(folder, scan, [place])
    message = str(caught.value)
    assert message.startswith(f"scan {scan.number}: ")
    assert "\n" not in message
    secrets = (scan.patient, scan.study, scan.series, NAME, BORN, "7\\", str(folder), ".dcm")
    assert [] == [own for own in secrets if own in message]
    assert "Error" not in message
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return message


# What is read


def volume_of_pylidc(folder: Path, scan) -> np.ndarray:
    library, module = import_pylidc(), sys.modules["pylidc.Scan"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module.Scan, "get_path_to_dicom_files", lambda _: str(folder))
        volume = library._session.get(module.Scan, scan.number).to_volume(verbose=False)
    library._session.close()
    library._engine.dispose()
    return volume


def test_slices_are_those_of_pylidcs_volume(phantom, scan, place):
    folder = find_series(phantom, scan)
    ours = read_slices(folder, scan, [0, place, len(scan.heights) - 1])
    volume = volume_of_pylidc(folder, scan)
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


@pytest.mark.parametrize(
    "name",
    ["1.2.840.113619.2.55.3.{}", "IM{:04}", "IM.{:04}", "{:06}.DCM", "scan{}.IMA", "{}", "a slice.{}.png"],
)
def test_files_are_told_by_content_whatever_their_names(folder, scan, place, name):
    expected = read_slices(folder, scan, [place])
    for number, path in enumerate(sorted(folder.iterdir())):
        path.rename(folder / name.format(number))
    np.testing.assert_array_equal(expected, read_slices(folder, scan, [place]))


@pytest.mark.parametrize("name", ["._{}", ".{}", "DICOMDIR", "dicomdir"])
def test_hidden_files_and_directories_of_a_disc_are_no_images(folder, scan, place, name):
    expected, own = read_slices(folder, scan, [place]), file_of(folder, place)
    write_elsewhere(folder / name.format(own.name), scan, place, value=1, number=0)
    np.testing.assert_array_equal(expected, read_slices(folder, scan, [place]))


def test_slices_that_other_software_wrote_are_read(tmp_path, scan, place):
    for number, one in enumerate((place - 1, place, place + 1)):
        write_elsewhere(tmp_path / f"IM{number:04}", scan, one, value=number - 1, number=number)
    slices = read_slices(tmp_path, scan, [place + 1, place])
    assert ((2, 512, 512), np.int16, {1}, {0}) == (
        slices.shape,
        slices.dtype,
        *map(set, slices[:, 0].tolist()),
    )


# What no nodule needs


@pytest.mark.parametrize(
    "content",
    [b"", b"a text", b"\x89PNG\r\n\x1a\n", b"\0" * 128 + b"DICM", b"\0" * 128 + b"DICM" + b"\xff" * 1000],
    ids=["empty", "text", "png", "no meta", "noise"],
)
def test_a_damaged_file_that_is_not_needed_does_not_matter(folder, scan, place, content):
    expected = read_slices(folder, scan, [place])
    file_of(folder, place - 1).write_bytes(content)
    (folder / "000.dcm").write_bytes(content)
    np.testing.assert_array_equal(expected, read_slices(folder, scan, [place]))


@pytest.mark.parametrize("share", [0.0005, 0.1, 0.5, 0.999])
@pytest.mark.parametrize("deflated", [True, False])
def test_a_file_cut_short_that_is_not_needed_does_not_matter(folder, scan, place, deflated, share):
    expected, path = read_slices(folder, scan, [place]), file_of(folder, place - 1)
    if not deflated:
        inflate(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    np.testing.assert_array_equal(expected, read_slices(folder, scan, [place]))


@pytest.mark.parametrize(
    "tags",
    [
        {"ImagePositionPatient": None},
        {"ImagePositionPatient": [0, 0, "nan"]},
        {"ImagePositionPatient": [0, 0]},
        {"InstanceNumber": None},
        {"SeriesInstanceUID": None},
        {"Rows": None},
        {"RescaleSlope": None},
        {"PixelData": None},
    ],
    ids=str,
)
def test_a_broken_tag_of_a_slice_that_is_not_needed_does_not_matter(folder, scan, place, tags):
    expected = read_slices(folder, scan, [place])
    for other in (0, place - 1):
        change(file_of(folder, other), **tags)
    np.testing.assert_array_equal(expected, read_slices(folder, scan, [place]))


@pytest.mark.parametrize("end", [b"\x28\0\x02\0", b"\xe0\x7f\x10\0"], ids=["position", "header"])
def test_a_file_that_ends_before_its_image_does_not_stand_in_for_the_slice(folder, scan, place, end):
    expected, path = read_slices(folder, scan, [place]), folder / "000.dcm"
    write_elsewhere(path, scan, place, number=0)
    content = path.read_bytes()
    path.write_bytes(content[: content.index(end)])
    np.testing.assert_array_equal(expected, read_slices(folder, scan, [place]))


def test_a_real_ct_of_another_patient_does_not_matter(folder, scan, place):
    expected = read_slices(folder, scan, [place])
    shutil.copy(get_testdata_file("CT_small.dcm"), folder / "000")
    np.testing.assert_array_equal(expected, read_slices(folder, scan, [place]))


def test_each_header_is_read_once_and_only_what_is_needed_is_decoded(folder, scan, place, monkeypatch):
    read = {"read_header": [], "read_hounsfield": []}
    for name, paths in read.items():
        whole = getattr(files, name)
        wrapped = lambda path, paths=paths, whole=whole: paths.append(path) or whole(path)  # noqa: E731
        monkeypatch.setattr(f"redl.data.lidc.slices.{name}", wrapped)
    read_slices(folder, scan, [place])
    assert {"read_header": sorted(folder.iterdir()), "read_hounsfield": [file_of(folder, place)]} == read


# Several files at one height


@pytest.mark.parametrize(
    ("numbers", "read"),
    [
        ((None, None), "a"),
        ((None, 7), "b"),
        ((7, None), "a"),
        ((7, 7), "a"),
        ((8, 7), "b"),
        ((9, 8, 7), "c"),
        ((9, None, 7, 8), "c"),
        ((None, None, None), "a"),
    ],
    ids=str,
)
def test_the_lowest_number_is_read_then_what_has_none_then_the_first_name(tmp_path, scan, numbers, read):
    for value, (name, number) in enumerate(zip("abcd", numbers, strict=False)):
        write_elsewhere(tmp_path / name, scan, 3, value=value, number=number)
    assert "abcd".index(read) == read_slices(tmp_path, scan, [3])[0, 0, 0]


def test_a_scan_without_any_instance_number_is_read(folder, scan, place):
    expected = read_slices(folder, scan, [place])
    for path in folder.iterdir():
        change(path, InstanceNumber=None)
    np.testing.assert_array_equal(expected, read_slices(folder, scan, [place]))


@pytest.mark.parametrize("numbers", [(1, 2), (2, 1)])
def test_of_two_files_at_a_height_the_one_that_pylidc_takes_is_read(tmp_path, scan, numbers):
    for name, number in zip("ab", numbers, strict=True):
        write_elsewhere(tmp_path / f"{name}.dcm", scan, 0, value=number, number=number)
    write_elsewhere(tmp_path / "c.dcm", scan, 1, value=3, number=3)
    np.testing.assert_array_equal(
        volume_of_pylidc(tmp_path, scan), np.moveaxis(read_slices(tmp_path, scan, [0, 1]), 0, -1)
    )


# What is refused


def test_a_missing_slice_is_refused(folder, scan, place):
    file_of(folder, place).unlink()
    expected = f"scan {scan.number}: the file of slice {place + 1} is missing; download the scan again"
    assert expected == refusal(folder, scan, place)


def test_a_slice_at_another_height_is_refused(folder, scan, place):
    low, high = scan.heights[place : place + 2]
    change(file_of(folder, place), ImagePositionPatient=[0, 0, round((low + high) / 2, 3)])
    assert "is missing; download" in refusal(folder, scan, place)


def test_an_empty_folder_is_refused(tmp_path, scan, place):
    assert "is missing; download" in refusal(tmp_path, scan, place)


def test_a_folder_that_is_not_there_is_refused(tmp_path, scan, place):
    assert "is missing; download" in refusal(tmp_path / scan.patient, scan, place)


def test_a_file_that_may_not_be_opened_is_refused_with_that_remedy(folder, scan, place, monkeypatch):
    def deny(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("redl.data.lidc.slices.read_header", deny)
    message = refusal(folder, scan, place)
    assert "may not be opened; check the permissions of the scan's files" in message


MISSING_OR_DAMAGED = "is missing or damaged; download the scan again"
DAMAGED = "is damaged; download the scan again"
CUT = "is cut short; download the scan again"
ORIGINAL = "; use the scan as TCIA publishes it"


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ({"ImagePositionPatient": None}, MISSING_OR_DAMAGED),
        ({"ImagePositionPatient": [0, 0, "nan"]}, MISSING_OR_DAMAGED),
        ({"ImagePositionPatient": [0, 0, "inf"]}, MISSING_OR_DAMAGED),
        ({"SeriesInstanceUID": None}, MISSING_OR_DAMAGED),
        ({"PixelData": None}, MISSING_OR_DAMAGED),
        ({"RescaleSlope": None}, f"does not say how its values become Hounsfield units{ORIGINAL}"),
        ({"RescaleSlope": ""}, f"does not say how its values become Hounsfield units{ORIGINAL}"),
        ({"RescaleSlope": "nan"}, f"has values that are no Hounsfield units{ORIGINAL}"),
        ({"RescaleSlope": "1e9"}, f"has values that are no Hounsfield units{ORIGINAL}"),
        ({"Rows": 256}, f"is 256x512 pixels instead of 512x512{ORIGINAL}"),
        ({"Rows": 0}, f"is 0x512 pixels instead of 512x512{ORIGINAL}"),
        ({"Columns": None}, DAMAGED),
        ({"BitsAllocated": None}, DAMAGED),
        ({"SamplesPerPixel": 3}, f"is in colour{ORIGINAL}"),
        ({"NumberOfFrames": 2}, f"holds 2 frames instead of one{ORIGINAL}"),
        ({"PixelData": b""}, CUT),
        ({"PixelData": b"\0" * 10}, CUT),
    ],
    ids=str,
)
def test_a_slice_with_a_broken_tag_is_refused_in_words(folder, scan, place, tags, reason):
    change(file_of(folder, place), **tags)
    assert f"scan {scan.number}: the file of slice {place + 1} {reason}" == refusal(folder, scan, place)


def test_two_slices_at_no_height_do_not_hang(folder, scan, place):
    for other in (0, 1):
        change(file_of(folder, other), ImagePositionPatient=[0, 0, "nan"])
    assert MISSING_OR_DAMAGED in refusal(folder, scan, 0)


def test_a_compression_that_cannot_be_decoded_is_named(folder, scan, place):
    image = dcmread(file_of(folder, place))
    image.file_meta.TransferSyntaxUID = JPEGLSLossless
    image.PixelData = encapsulate([b"no JPEG-LS stream"])
    image.save_as(file_of(folder, place))
    expected = "is compressed (JPEG-LS Lossless Image Compression) and cannot be decoded; convert the scan to"
    assert expected in refusal(folder, scan, place)


def test_a_transfer_syntax_that_nobody_knows_is_refused(folder, scan, place):
    path = file_of(folder, place)
    inflate(path)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.9\0"))
    assert "has an unknown transfer syntax; convert the scan" in refusal(folder, scan, place)


@pytest.mark.parametrize(
    "content",
    [b"", b"a text", b"\x89PNG\r\n\x1a\n", b"\0" * 128 + b"DICM"],
    ids=["empty", "text", "png", "no meta"],
)
def test_a_file_that_is_no_image_is_refused(folder, scan, place, content):
    file_of(folder, place).write_bytes(content)
    assert MISSING_OR_DAMAGED in refusal(folder, scan, place)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.9, 0.999])
def test_a_deflated_file_that_is_cut_is_refused(folder, scan, place, share):
    """Nothing of it can be read, not even which slice it was."""
    path = file_of(folder, place)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    assert MISSING_OR_DAMAGED in refusal(folder, scan, place)


@pytest.mark.parametrize("share", [0.01, 0.5, 0.999])
def test_an_uncompressed_file_that_is_cut_is_refused(folder, scan, place, share):
    path = file_of(folder, place)
    write_elsewhere(path, scan, place)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    assert f"scan {scan.number}: the file of slice {place + 1} {CUT}" == refusal(folder, scan, place)


def test_an_uncompressed_file_short_by_a_byte_is_refused(folder, scan, place):
    path = file_of(folder, place)
    inflate(path)
    path.write_bytes(path.read_bytes()[:-1])
    assert CUT in refusal(folder, scan, place)


def test_a_compressed_file_that_is_cut_is_refused(folder, scan, place):
    path = file_of(folder, place)
    image = dcmread(path)
    image.compress(RLELossless)
    image.save_as(path)
    path.write_bytes(path.read_bytes()[:-5000])
    assert CUT in refusal(folder, scan, place)


def test_a_compressed_file_is_read_alike(folder, scan, place):
    expected = read_slices(folder, scan, [place])
    header = dcmread(file_of(folder, place))
    header.compress(RLELossless)
    header.save_as(file_of(folder, place))
    np.testing.assert_array_equal(expected, read_slices(folder, scan, [place]))


@pytest.mark.slow
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
