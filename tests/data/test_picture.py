"""Images as people have them: any usual format, grey in any mode; what is no grey image is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from redl.data.greyscale import count_levels
from redl.data.picture import is_picture, read_picture
from redl.errors import DataError

GREY = np.linspace(0, 255, 40 * 30).astype(np.uint8).reshape(40, 30)


def saved(path, image, **options):
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(path, **options)
    return path


def refusal(path):
    with pytest.raises(DataError) as caught:
        read_picture(path)
    return str(caught.value)


@pytest.mark.parametrize(
    ("form", "options", "loss"),
    [
        ("PNG", {}, 0),
        ("TIFF", {}, 0),
        ("TIFF", {"compression": "tiff_lzw"}, 0),
        ("TIFF", {"compression": "tiff_deflate"}, 0),
        ("JPEG", {"quality": 95}, 0.02),
        ("JPEG", {"quality": 95, "progressive": True}, 0.02),
        ("WEBP", {"lossless": True}, 0),
        ("WEBP", {"quality": 95}, 0.03),
    ],
)
def test_every_usual_format_is_read_whatever_its_file_is_called(tmp_path, form, options, loss):
    path = saved(tmp_path / "1.2.840.113619", Image.fromarray(GREY), format=form, **options)
    assert is_picture(path.read_bytes()[:12])
    assert np.abs(GREY / 255 - read_picture(path).images).max() <= loss + 1e-6


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P", "1", "CMYK"])
def test_grey_is_read_in_every_mode(tmp_path, mode):
    image = Image.fromarray(GREY if mode != "1" else np.where(GREY > 127, 255, 0).astype(np.uint8))
    if mode == "P":
        image.putpalette([level for level in range(256) for _ in range(3)])
    form = "TIFF" if mode == "CMYK" else "PNG"
    converted = image if mode == "P" else image.convert("RGB" if mode == "CMYK" else mode).convert(mode)
    path = saved(tmp_path / "1", converted, format=form)
    np.testing.assert_allclose(np.asarray(image.convert("L")) / 255, read_picture(path).images, atol=1e-6)


def test_grey_that_was_saved_as_a_jpeg_of_colours_is_read(tmp_path):
    path = saved(tmp_path / "1", Image.fromarray(GREY).convert("RGB"), format="JPEG", quality=90)
    assert np.abs(GREY / 255 - read_picture(path).images).max() < 0.03


@pytest.mark.parametrize("part", [slice(None), slice(3, 6)], ids=["all", "a mark"])
def test_colours_are_refused_with_the_remedy(tmp_path, part):
    pixels = np.stack([GREY] * 3, axis=2)
    pixels[part, part, 0] = 255
    pixels[part, part, 2] = 0
    expected = "it is a colour image; convert it to grey, e.g. with Pillow's convert('L')"
    assert expected == refusal(saved(tmp_path / "1", pixels, format="PNG"))


def test_what_is_transparent_is_black_and_said(tmp_path):
    alpha = np.full_like(GREY, 255)
    alpha[:10] = 0
    pixels = np.dstack([GREY, GREY, GREY, alpha])
    reading = read_picture(saved(tmp_path / "1", pixels, format="PNG"))
    assert np.all(reading.images[:10] == 0)
    np.testing.assert_allclose(GREY[10:] / 255, reading.images[10:], atol=1e-6)
    assert reading.remarks == ("transparent pixels are shown black",)


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
@pytest.mark.parametrize(("top", "bits"), [(4095, 12), (1023, 10), (65535, 16), (200, 8)])
def test_sixteen_bits_are_shown_by_those_that_are_used(tmp_path, form, top, bits):
    stored = np.round(np.linspace(0, top, 1200)).astype(np.uint16).reshape(40, 30)
    reading = read_picture(saved(tmp_path / "1", stored, format=form))
    np.testing.assert_allclose(stored / (2**bits - 1), reading.images, atol=1e-6)
    assert reading.remarks == (f"shown by the range of its own {bits} bits",)
    assert count_levels(np.round(255 * reading.images).astype(np.uint8)) > 150


def test_a_tiff_whose_zero_is_white_is_turned_around(tmp_path):
    # Pillow does so up to 8 bits; its writer takes the tag as it is given.
    stored = np.linspace(0, 65535, 1200).astype(np.uint16).reshape(40, 30)
    path = saved(tmp_path / "1", stored, format="TIFF", tiffinfo={262: 0})
    np.testing.assert_allclose(1 - stored / 65535, read_picture(path).images, atol=1e-6)


def test_a_photograph_is_turned_as_it_was_taken(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    path = saved(tmp_path / "1", Image.fromarray(GREY), format="PNG", exif=exif)
    np.testing.assert_allclose(np.rot90(GREY, -1) / 255, read_picture(path).images, atol=1e-6)


@pytest.mark.parametrize("form", ["TIFF", "WEBP", "PNG"])
def test_several_frames_are_refused_with_their_number(tmp_path, form):
    frames = [Image.fromarray(GREY // divisor) for divisor in (1, 2, 3)]
    path = saved(tmp_path / "1", frames[0], format=form, save_all=True, append_images=frames[1:])
    assert refusal(path) == "it has 3 frames; use one file for each image"


def test_floating_point_pixels_are_refused_with_the_remedy(tmp_path):
    path = saved(tmp_path / "1", GREY.astype(np.float32), format="TIFF")
    expected = "its pixels are floating-point numbers; export them as integers of 8 or 16 bits"
    assert expected == refusal(path)


FORMATS = ["PNG", "JPEG", "WEBP", "TIFF"]


@given(st.data(), st.sampled_from(FORMATS))
def test_a_damaged_file_is_read_or_refused(tmp_path_factory, data, form):
    path = saved(tmp_path_factory.mktemp("damaged") / "1", Image.fromarray(GREY), format=form)
    content = bytearray(path.read_bytes())
    del content[data.draw(st.integers(12, len(content))) :]
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=3)):
        content[place] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    try:
        image = read_picture(path).images
    except DataError:
        return
    assert 0 <= image.min() <= image.max() <= 1


@pytest.mark.parametrize(
    "head", [b"", b"<html>", b"GIF89a" + bytes(20), b"RIFF\0\0\0\0WAVE", b"BM" + bytes(30)]
)
def test_what_is_no_picture_is_told_from_its_beginning(head):
    assert not is_picture(head[:12])


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG"])
def test_more_pixels_than_a_mammogram_ever_has_are_refused_undecoded(tmp_path, kind):
    side = 13_000 if kind == "PNG" else 8193
    path = tmp_path / "1"
    Image.new("L", (side, side)).save(path, format=kind)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])  # none is there to be decoded
    assert f"it has more than {2**26} pixels; make it smaller" == refusal(path)
