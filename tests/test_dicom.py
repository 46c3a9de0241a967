"""A mammogram reads as a screen shows it, or is refused in one line that names no patient."""

import contextlib
import logging
import traceback
import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.data import get_testdata_file

from redl.data.dicom import Encoding, read_image, write_image
from redl.errors import DataError

PLAIN = Encoding(jpeg2000=False, inverted=False, sigmoid=False)
PATIENT = "DOE_JANE_1970"


@pytest.fixture
def brightness():
    return np.random.default_rng(0).integers(0, 4096, (48, 40)).astype(np.uint16)


@pytest.fixture
def file(tmp_path):
    """A good file, in a folder and with a header that name the patient."""
    folder = tmp_path / PATIENT
    folder.mkdir()
    path = folder / "1023.dcm"
    write_image(path, np.full((48, 40), 1000, np.uint16), PLAIN, patient=PATIENT, key="1")
    edit(path, PatientName=PATIENT)
    return path


def write(path: Path, brightness: np.ndarray, encoding: Encoding = PLAIN) -> Path:
    write_image(path, brightness, encoding, patient="7", key="1")
    return path


def edit(path: Path, *, without: tuple[str, ...] = (), **values: object) -> Path:
    """Change and delete tags of a file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some of these values are wrong on purpose
        header = pydicom.dcmread(path)
        for tag in without:
            del header[tag]
        for tag, value in values.items():
            setattr(header, tag, value)
        header.save_as(path)
    return path


def store(path: Path, stored: np.ndarray, **values: object) -> Path:
    """Put `stored` into a file as it is, whatever its header says."""
    rows, columns = stored.shape
    return edit(path, PixelData=stored.tobytes(), Rows=rows, Columns=columns, **values)


def sample(name: str) -> Path:
    path = get_testdata_file(name, download=False)
    assert isinstance(path, str)
    return Path(path)


def refusal(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_image(path)
    return str(caught.value)


# What is read


@pytest.mark.parametrize("inverted", [False, True], ids=["MONOCHROME2", "MONOCHROME1"])
@pytest.mark.parametrize("jpeg2000", [False, True], ids=["uncompressed", "jpeg2000"])
def test_an_image_reads_as_it_was_meant_to_look(tmp_path, brightness, jpeg2000, inverted):
    encoding = Encoding(jpeg2000=jpeg2000, inverted=inverted, sigmoid=False)
    image = read_image(write(tmp_path / "1.dcm", brightness, encoding))
    np.testing.assert_allclose(brightness / 4095, image, atol=1e-6)


def test_an_image_is_float32(file):
    assert read_image(file).dtype == np.float32


def test_jpeg_2000_is_what_the_compressed_file_holds(tmp_path, brightness):
    path = write(tmp_path / "1.dcm", brightness, Encoding(jpeg2000=True, inverted=False, sigmoid=False))
    assert pydicom.dcmread(path).file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.4.90"


def test_monochrome1_shows_its_zeros_white(file):
    store(file, np.zeros((4, 4), np.uint16), PhotometricInterpretation="MONOCHROME1")
    assert np.all(read_image(file) == 1)


def test_a_sigmoid_window_follows_the_standards_formula(tmp_path, brightness):
    path = write(tmp_path / "1.dcm", brightness, Encoding(jpeg2000=False, inverted=False, sigmoid=True))
    edit(path, WindowCenter=1500, WindowWidth=900)
    expected = 1 / (1 + np.exp(-4 * (brightness.astype(float) - 1500) / 900))
    np.testing.assert_allclose(expected, read_image(path), atol=1e-6)


def test_a_linear_window_follows_the_standards_formula(tmp_path, brightness):
    path = edit(write(tmp_path / "1.dcm", brightness), WindowCenter=1500, WindowWidth=900)
    expected = np.clip((brightness - (1500 - 0.5)) / (900 - 1) + 0.5, 0, 1)
    np.testing.assert_allclose(expected, read_image(path), atol=1e-6)


def test_a_linear_exact_window_follows_the_standards_formula(tmp_path, brightness):
    path = write(tmp_path / "1.dcm", brightness)
    edit(path, WindowCenter=1500, WindowWidth=900, VOILUTFunction="LINEAR_EXACT")
    np.testing.assert_allclose(np.clip((brightness - 1500.0) / 900 + 0.5, 0, 1), read_image(path), atol=1e-6)


def test_the_first_of_several_windows_is_applied(tmp_path, brightness):
    one = edit(write(tmp_path / "1.dcm", brightness), WindowCenter=1500, WindowWidth=900)
    two = edit(write(tmp_path / "2.dcm", brightness), WindowCenter=[1500, 100], WindowWidth=[900, 50])
    np.testing.assert_array_equal(read_image(one), read_image(two))


@pytest.mark.parametrize(
    "change", [{"without": ("WindowWidth",)}, {"WindowWidth": None}], ids=["no", "empty"]
)
def test_without_a_window_the_range_of_the_stored_bits_is_the_scale(tmp_path, brightness, change):
    path = edit(write(tmp_path / "1.dcm", brightness // 2), BitsStored=11, HighBit=10, **change)
    np.testing.assert_allclose((brightness // 2) / 2047, read_image(path), atol=1e-6)


@pytest.mark.parametrize("level", [0, 1000, 4095])
@pytest.mark.parametrize("without", [(), ("WindowCenter", "WindowWidth")], ids=["window", "no window"])
def test_a_blank_image_stays_blank(tmp_path, level, without):
    path = edit(write(tmp_path / "1.dcm", np.full((8, 8), level, np.uint16)), without=without)
    np.testing.assert_allclose(read_image(path), level / 4095, atol=1e-6)


def test_values_beyond_the_stored_bits_are_white(file):
    store(file, np.full((4, 4), 4096 + 3, np.uint16))
    assert np.all(read_image(file) == 1)


def test_signed_values_are_scaled_from_the_lowest(file):
    stored = np.array([[-2048, 0], [1023, 2047]], np.int16)
    # The four unused bits are left empty, as some machines leave them, rather than filled with the sign.
    store(file, stored & 0x0FFF, PixelRepresentation=1, WindowCenter=None, WindowWidth=None)
    np.testing.assert_allclose((stored + 2048) / 4095, read_image(file), atol=1e-6)


def test_a_rescaled_image_is_windowed_in_its_rescaled_units(file):
    stored = np.array([[0, 1000], [2000, 4095]], np.uint16)
    store(file, stored, RescaleSlope=2, RescaleIntercept=-100, WindowCenter=1900.5, WindowWidth=2001)
    np.testing.assert_allclose(
        np.clip((2 * stored - 1000.0) / 2000 + 0.05, 0, 1), read_image(file), atol=0.06
    )


@pytest.mark.parametrize(
    "name", ["MR_small_jp2klossless", "MR_small_RLE", "MR_small_bigendian", "MR_small_implicit"]
)
def test_the_transfer_syntax_does_not_change_the_image(name):
    np.testing.assert_array_equal(read_image(sample("MR_small.dcm")), read_image(sample(f"{name}.dcm")))


def test_a_deflated_file_is_read():
    assert read_image(sample("image_dfl.dcm")).shape == (512, 512)


def test_what_pydicom_warns_of_is_neither_warned_nor_logged(file, caplog):
    edit(file, PixelData=bytes(2 * 48 * 40 + 10))  # ten bytes too many, which pydicom warns of
    caplog.clear()
    with caplog.at_level(logging.DEBUG):
        read_image(file)
    assert caplog.text == ""


def test_the_same_call_writes_the_same_bytes(tmp_path, brightness):
    one, two = (write(tmp_path / name, brightness).read_bytes() for name in ("1.dcm", "2.dcm"))
    assert one == two


# What is refused


def test_a_file_that_is_no_dicom_is_refused(file):
    file.write_text("<html>quota exceeded</html>")
    assert refusal(file) == "1023.dcm: not a DICOM file; download it again"


def test_an_empty_file_is_refused(file):
    file.write_bytes(b"")
    assert refusal(file) == "1023.dcm: not a DICOM file; download it again"


def test_a_missing_file_is_refused(file):
    file.unlink()
    assert refusal(file) == "1023.dcm: cannot be read (FileNotFoundError); check the file"


def test_a_file_without_pixels_is_refused(file):
    edit(file, without=("PixelData",))
    assert refusal(file) == "1023.dcm: no pixel data; download it again"


def test_a_compressed_file_cut_short_is_refused(tmp_path, brightness):
    path = write(tmp_path / "1.dcm", brightness, Encoding(jpeg2000=True, inverted=False, sigmoid=False))
    path.write_bytes(path.read_bytes()[:-500])
    assert refusal(path).startswith("1.dcm: ")


def test_an_uncompressed_file_cut_short_is_refused(file):
    file.write_bytes(file.read_bytes()[:-500])
    assert refusal(file) == "1023.dcm: cannot be decoded (ValueError); download it again"


def test_a_damaged_codestream_is_refused(tmp_path, brightness):
    path = write(tmp_path / "1.dcm", brightness, Encoding(jpeg2000=True, inverted=False, sigmoid=False))
    data = bytearray(path.read_bytes())
    start = data.index(b"\xff\x4f\xff\x51")  # J2K's start of codestream and size markers
    data[start + 4 : start + 40] = bytes(36)
    path.write_bytes(data)
    assert refusal(path).startswith("1.dcm: cannot be decoded (")


def test_several_frames_are_refused(file):
    edit(file, NumberOfFrames=2, PixelData=bytes(2 * 2 * 48 * 40))
    assert refusal(file) == "1023.dcm: not a single-frame image; use one file for each view"


def test_a_colour_image_is_refused():
    expected = "SC_rgb_rle.dcm: not a grey image; only MONOCHROME1 and MONOCHROME2 are read"
    assert refusal(sample("SC_rgb_rle.dcm")) == expected


@pytest.mark.parametrize("sequence", ["ModalityLUTSequence", "VOILUTSequence"])
def test_a_lookup_table_is_refused(file, sequence):
    edit(file, without=("WindowCenter",), **{sequence: [pydicom.Dataset()]})
    assert refusal(file) == "1023.dcm: a lookup table says how to show it; only windows are read"


def test_a_window_wins_over_a_lookup_table(file):
    assert read_image(edit(file, VOILUTSequence=[pydicom.Dataset()])).shape == (48, 40)


def test_a_rescaling_to_one_value_is_refused(file):
    edit(file, RescaleSlope=0)
    assert refusal(file) == "1023.dcm: its window or rescaling gives no finite values; leave the image out"


DAMAGES = {
    "no rows": {"without": ("Rows",)},
    "rows 0": {"Rows": 0},
    "too few rows": {"Rows": 1, "NumberOfFrames": 48},
    "no bits": {"without": ("BitsStored",)},
    "no bits allocated": {"without": ("BitsAllocated",)},
    "no pixel representation": {"without": ("PixelRepresentation",)},
    "no photometric interpretation": {"without": ("PhotometricInterpretation",)},
    "empty pixels": {"PixelData": b""},
    "odd pixels": {"PixelData": bytes(101)},
    "window width 0": {"WindowWidth": 0},
    "unknown window": {"VOILUTFunction": PATIENT},
    "photometric interpretation": {"PhotometricInterpretation": PATIENT},
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_no_refusal_names_the_patient(file, damage):
    edit(file, **damage)
    with pytest.raises(DataError) as caught:
        read_image(file)
    said = traceback.format_exception_only(caught.value)
    assert [f"redl.errors.DataError: {caught.value}\n"] == said
    assert str(caught.value).startswith("1023.dcm: ")
    assert PATIENT not in "".join(traceback.format_exception(caught.value))


@pytest.fixture(scope="module", params=[False, True], ids=["uncompressed", "jpeg2000"])
def intact(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("intact") / "intact.dcm"
    brightness = np.random.default_rng(0).integers(0, 4096, (32, 32)).astype(np.uint16)
    return write(path, brightness, Encoding(jpeg2000=request.param, inverted=True, sigmoid=True))


@given(st.data())
def test_a_damaged_file_reads_as_an_image_or_is_refused(intact, data):
    content = intact.read_bytes()
    path = intact.with_name("1.dcm")
    end = data.draw(st.integers(0, len(content)), label="cut at")
    damaged = bytearray(content[:end])
    for _ in range(data.draw(st.integers(0, 3), label="flips") if end else 0):
        damaged[data.draw(st.integers(0, end - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(damaged)
    with contextlib.suppress(DataError):
        image = read_image(path)
        assert image.ndim == 2
        assert 0 <= image.min() <= image.max() <= 1
