"""A mammogram reads as a screen shows it, whole or reduced, whatever its transfer syntax."""

import logging

import numpy as np
import pydicom
import pytest
from PIL import Image

from redl.data.dicom import Syntax, read_image, write_image
from tests.helpers.dicomfiles import draw, edit, encoding, sample, store, write


@pytest.fixture
def brightness():
    return np.random.default_rng(0).integers(0, 4096, (48, 40)).astype(np.uint16)


@pytest.fixture
def file(tmp_path):
    return write(tmp_path / "1023.dcm", np.full((48, 40), 1000, np.uint16))


# What is read


@pytest.mark.parametrize("inverted", [False, True], ids=["MONOCHROME2", "MONOCHROME1"])
@pytest.mark.parametrize("syntax", Syntax)
def test_an_image_reads_as_it_was_meant_to_look(tmp_path, brightness, syntax, inverted):
    path = tmp_path / "1.dcm"
    write_image(path, brightness, encoding(syntax, inverted=inverted), patient="7", key="1")
    np.testing.assert_allclose(brightness / 4095, read_image(path), atol=1e-6)


def test_an_image_is_float32(file):
    assert read_image(file).dtype == np.float32


UIDS = {
    Syntax.UNCOMPRESSED: "1.2.840.10008.1.2.1",
    Syntax.DEFLATED: "1.2.840.10008.1.2.1.99",
    Syntax.RLE: "1.2.840.10008.1.2.5",
    Syntax.JPEG_LOSSLESS: "1.2.840.10008.1.2.4.70",
    Syntax.JPEG2000: "1.2.840.10008.1.2.4.90",
}


@pytest.mark.parametrize("syntax", Syntax)
def test_a_file_says_its_transfer_syntax(tmp_path, brightness, syntax):
    header = pydicom.dcmread(write(tmp_path / "1.dcm", brightness, syntax))
    assert UIDS[syntax] == header.file_meta.TransferSyntaxUID


@pytest.mark.parametrize("syntax", [Syntax.UNCOMPRESSED, Syntax.DEFLATED, Syntax.RLE, Syntax.JPEG2000])
def test_pydicom_finds_the_same_values_in_a_file(tmp_path, brightness, syntax):
    header = pydicom.dcmread(write(tmp_path / "1.dcm", brightness, syntax))
    np.testing.assert_array_equal(brightness, header.pixel_array)


def test_monochrome1_shows_its_zeros_white(file):
    store(file, np.zeros((4, 4), np.uint16), PhotometricInterpretation="MONOCHROME1")
    assert np.all(read_image(file) == 1)


def test_a_sigmoid_window_follows_the_standards_formula(tmp_path, brightness):
    path = tmp_path / "1.dcm"
    write_image(path, brightness, encoding(sigmoid=True), patient="7", key="1")
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


@pytest.mark.parametrize("syntax", Syntax)
def test_the_same_call_writes_the_same_bytes(tmp_path, brightness, syntax):
    one, two = (write(tmp_path / name, brightness, syntax).read_bytes() for name in ("1.dcm", "2.dcm"))
    assert one == two


@pytest.mark.parametrize("without", [(), ("WindowCenter", "WindowWidth")], ids=["window", "no window"])
def test_a_negative_rescaling_turns_the_image_around(tmp_path, brightness, without):
    path = write(tmp_path / "1.dcm", brightness)
    edit(path, RescaleSlope=-1, RescaleIntercept=4095, without=without)
    np.testing.assert_allclose(1 - brightness / 4095, read_image(path), atol=1e-6)


def test_a_linear_window_of_width_one_is_a_step(tmp_path, brightness):
    path = edit(write(tmp_path / "1.dcm", brightness), WindowCenter=1500, WindowWidth=1)
    np.testing.assert_array_equal(brightness > 1499, read_image(path) == 1)


def test_eight_bits_under_a_wider_window_stay_dark(file):
    stored = np.arange(256, dtype=np.uint8).reshape(16, 16)
    store(file, stored, BitsAllocated=8, BitsStored=8, HighBit=7)
    np.testing.assert_allclose(stored / 4095, read_image(file), atol=1e-6)


def test_a_stream_without_the_headers_sign_has_it_restored():
    # Its header says signed and its JPEG 2000 stream unsigned, both of 13 bits.
    path = sample("J2K_pixelrep_mismatch.dcm")
    header = pydicom.dcmread(path)
    center, width = header.WindowCenter[0], header.WindowWidth[0]
    shown = header.pixel_array * header.RescaleSlope + header.RescaleIntercept
    expected = np.clip((shown - (center - 0.5)) / (width - 1) + 0.5, 0, 1)
    np.testing.assert_allclose(expected, read_image(path), atol=1e-5)


def test_fourteen_bits_of_jpeg_2000_are_read():
    assert read_image(sample("693_J2KI.dcm")).shape == (512, 512)


def test_lossy_jpeg_2000_is_read():
    assert read_image(sample("JPEG2000.dcm")).shape == (1024, 256)


# Reduced


MAMMOGRAM = draw(694, 521)


@pytest.fixture(scope="module", params=[False, True], ids=["MONOCHROME2", "MONOCHROME1"])
def inverted(request):
    return request.param


@pytest.fixture(scope="module", params=Syntax)
def mammogram(request, inverted, tmp_path_factory):
    """A file of MAMMOGRAM in some syntax, light or dark."""
    path = tmp_path_factory.mktemp("mammogram") / f"{request.param}.dcm"
    write_image(path, MAMMOGRAM, encoding(request.param, inverted=inverted), patient="7", key="1")
    return path


@pytest.mark.parametrize(("min_side", "factor"), [(64, 8), (66, 4), (131, 2), (260, 2), (261, 1), (600, 1)])
def test_a_reduced_image_is_no_shorter_than_asked(mammogram, min_side, factor):
    rounded_up = mammogram.stem == Syntax.JPEG2000
    expected = tuple((side + rounded_up * (factor - 1)) // factor for side in MAMMOGRAM.shape)
    assert expected == read_image(mammogram, min_side=min_side).shape


def test_a_reduced_image_shrinks_to_within_a_grey_level_of_the_whole(mammogram):
    whole, reduced = (squash(read_image(mammogram, min_side=side)) for side in (None, 128))
    assert np.abs(whole - reduced).mean() < 0.5


def squash(image: np.ndarray) -> np.ndarray:
    return 255 * np.asarray(Image.fromarray(image).resize((64, 64), Image.Resampling.BILINEAR))


@pytest.mark.parametrize("syntax", sorted(set(Syntax) - {Syntax.JPEG2000}))
def test_a_reduced_pixel_is_the_mean_of_those_it_stands_for(tmp_path, brightness, syntax):
    image = read_image(write(tmp_path / "1.dcm", brightness, syntax), min_side=10)
    expected = brightness.reshape(12, 4, 10, 4).mean(axis=(1, 3)) / 4095
    np.testing.assert_allclose(expected, image, atol=1e-6)


@pytest.mark.parametrize("top", [4095, 65535], ids=["12 bits", "16 bits"])
def test_adding_up_pixels_does_not_overflow(file, top):
    window = {"WindowCenter": 32768, "WindowWidth": 65536}
    store(file, np.full((48, 40), top, np.uint16), BitsStored=16, HighBit=15, **window)
    np.testing.assert_allclose(read_image(file, min_side=1), top / 65535, atol=1e-6)


def test_signed_pixels_are_averaged_with_their_sign(file):
    stored = np.tile(np.array([-2048, 2047, 2047, 2047], np.int16), (48, 10))
    store(file, stored, PixelRepresentation=1, WindowCenter=None, WindowWidth=None)
    np.testing.assert_allclose(read_image(file, min_side=10), 0.75, atol=1e-6)
