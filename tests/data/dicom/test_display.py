"""What is shown is what the header says of its pixels: tables, padding, overlays, ranges."""

import numpy as np
import pydicom
import pytest
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless

from redl.data.dicom import read_image, read_with_remarks
from tests.data.dicom.test_encodings import jp2
from tests.helpers.otherencoders import write_dicom

WINDOW = {"WindowCenter": 2048, "WindowWidth": 4096}
RAMP = np.linspace(0, 4095, 64 * 48).astype(np.uint16).reshape(64, 48)


def native(path, stored, **tags):
    return write_dicom(path, stored, None, ExplicitVRLittleEndian, **tags)


# Lookup tables


def table(entries, *, first=0, bits=16):
    item = pydicom.Dataset()
    item.add_new("LUTDescriptor", "US", [len(entries) % 65536, first, bits])
    item.add_new("LUTData", "OW", np.asarray(entries, "<u2").tobytes())
    return [item]


CURVE = np.round(65535 * np.linspace(0, 1, 4096) ** 2).astype(np.uint16)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_a_voi_table_is_applied_as_pydicom_applies_it(tmp_path, photometric):
    path = native(
        tmp_path / "1",
        RAMP,
        BitsStored=12,
        VOILUTSequence=table(CURVE),
        PhotometricInterpretation=photometric,
    )
    header = pydicom.dcmread(path)
    expected = apply_voi_lut(header.pixel_array, header) / 65535
    expected = 1 - expected if photometric == "MONOCHROME1" else expected
    np.testing.assert_allclose(expected, read_image(path), atol=1e-6)


def test_a_modality_table_comes_before_the_window(tmp_path):
    tags = {"ModalityLUTSequence": table(CURVE), "WindowCenter": 32768, "WindowWidth": 65536}
    path = native(tmp_path / "1", RAMP, BitsStored=12, **tags)
    header = pydicom.dcmread(path)
    values = apply_modality_lut(header.pixel_array, header)
    np.testing.assert_allclose(values / 65535, read_image(path), atol=1e-5)


def test_a_modality_table_alone_is_shown_by_the_bits_of_its_entries(tmp_path):
    path = native(tmp_path / "1", RAMP, BitsStored=12, ModalityLUTSequence=table(CURVE))
    np.testing.assert_allclose(CURVE[RAMP] / 65535, read_image(path), atol=1e-6)


def test_a_table_is_applied_to_every_pixel_before_any_are_averaged(tmp_path):
    path = native(tmp_path / "1", RAMP, BitsStored=12, VOILUTSequence=table(CURVE))
    expected = (CURVE[RAMP] / 65535).reshape(32, 2, 24, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(expected, read_image(path, min_side=20), atol=1e-6)


# Padding


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("limit", [{}, {"PixelPaddingRangeLimit": 4090}], ids=["one value", "a range"])
def test_declared_padding_is_black(tmp_path, photometric, limit):
    stored = RAMP // 2
    stored[:20] = 4095
    stored[20:22] = 4092 if limit else 4095
    path = native(
        tmp_path / "1",
        stored,
        BitsStored=12,
        PixelPaddingValue=4095,
        PhotometricInterpretation=photometric,
        **limit,
        **WINDOW,
    )
    image = read_image(path)
    assert np.all(image[:22] < 1 / 255)
    expected = stored[22:] / 4095
    np.testing.assert_allclose(
        1 - expected if photometric == "MONOCHROME1" else expected, image[22:], atol=1e-6
    )


def test_padding_is_black_in_a_reduced_image_too(tmp_path):
    stored = RAMP // 2
    stored[:20] = 4095
    for name, stream, syntax in (
        ("1", None, ExplicitVRLittleEndian),
        ("2", jp2(stored, 12), JPEG2000Lossless),
    ):
        path = write_dicom(
            tmp_path / name, stored, stream, syntax, BitsStored=12, PixelPaddingValue=4095, **WINDOW
        )
        assert np.all(read_image(path, min_side=20)[:10] == 0)


def test_negative_padding_written_as_unsigned_is_known(tmp_path):
    stored = RAMP.astype(np.int16) - 1000
    stored[:20] = 3000
    path = native(
        tmp_path / "1",
        stored,
        PixelPaddingValue=3000,
        PixelPaddingRangeLimit=3001,
        WindowCenter=500,
        WindowWidth=3000,
    )
    assert np.all(read_image(path)[:20] == 0)


def test_padding_does_not_widen_the_images_own_range(tmp_path):
    stored = RAMP.copy()
    stored[:20] = 65535
    reading = read_with_remarks(native(tmp_path / "1", stored, PixelPaddingValue=65535))
    assert reading.remarks == ("no window: shown by the range of its own 12 bits",)
    np.testing.assert_allclose(RAMP[20:] / 4095, reading.images[20:], atol=1e-6)
    assert np.all(reading.images[:20] == 0)


def test_an_image_of_nothing_but_padding_is_black_and_said_to_be(tmp_path):
    reading = read_with_remarks(native(tmp_path / "1", np.full((8, 8), 7, np.uint16), PixelPaddingValue=7))
    assert np.all(reading.images == 0)
    assert reading.remarks == ("nothing but padding",)


# Bits that are no pixels


def with_overlay(path, stored, place, **tags):
    header = pydicom.dcmread(native(path, stored, **tags))
    for element, value in ((0x0010, stored.shape[0]), (0x0011, stored.shape[1]), (0x0102, place)):
        header.add_new((0x6000, element), "US", value)
    header.save_as(path)
    return path


@pytest.mark.parametrize("place", [12, 15])
def test_an_overlay_in_the_unused_bits_is_not_shown(tmp_path, place):
    drawn = RAMP.copy()
    drawn[5:9, 5:30] |= 1 << place
    path = with_overlay(tmp_path / "1", drawn, place, BitsStored=12, **WINDOW)
    np.testing.assert_allclose(RAMP / 4095, read_image(path), atol=1e-6)
    reduced = RAMP.reshape(32, 2, 24, 2).mean(axis=(1, 3)) / 4095
    np.testing.assert_allclose(reduced, read_image(path, min_side=20), atol=1e-6)


def test_a_bit_that_the_pixels_have_is_no_overlay(tmp_path):
    path = with_overlay(tmp_path / "1", RAMP, 3, BitsStored=12, **WINDOW)
    np.testing.assert_allclose(RAMP / 4095, read_image(path), atol=1e-6)


def test_pixels_in_the_upper_bits_are_moved_down(tmp_path):
    drawn = RAMP << 4
    drawn[5:9, 5:30] |= 1
    path = with_overlay(tmp_path / "1", drawn, 0, BitsStored=12, HighBit=15, **WINDOW)
    np.testing.assert_allclose(RAMP / 4095, read_image(path), atol=1e-6)


def test_a_high_bit_that_no_pixel_reaches_is_wrong(tmp_path):
    path = native(tmp_path / "1", RAMP, BitsStored=12, HighBit=15, **WINDOW)
    np.testing.assert_allclose(RAMP / 4095, read_image(path), atol=1e-6)


# Ranges


@pytest.mark.parametrize(("top", "bits"), [(100, 8), (255, 8), (256, 9), (1023, 10), (4095, 12), (65535, 16)])
def test_sixteen_bits_without_a_window_are_shown_by_those_they_use(tmp_path, top, bits):
    stored = np.round(RAMP * (top / 4095)).astype(np.uint16)
    reading = read_with_remarks(native(tmp_path / "1", stored))
    np.testing.assert_allclose(stored / (2**bits - 1), reading.images, atol=1e-6)
    assert reading.remarks == (f"no window: shown by the range of its own {bits} bits",)


def test_signed_values_without_a_window_are_shown_about_zero(tmp_path):
    stored = RAMP.astype(np.int16) - 1000
    reading = read_with_remarks(native(tmp_path / "1", stored))
    np.testing.assert_allclose((stored + 4096.0) / 8191, reading.images, atol=1e-6)
    assert reading.remarks == ("no window: shown by the range of its own 13 bits",)


def test_thirty_two_bits_under_a_narrow_window_lose_nothing(tmp_path):
    stored = RAMP.astype(np.uint32) + 10**9
    path = native(tmp_path / "1", stored, WindowCenter=10**9 + 2048, WindowWidth=4096)
    np.testing.assert_allclose(RAMP / 4095, read_image(path), atol=1e-6)
