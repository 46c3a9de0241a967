"""A mammogram is cut to its breast in its own proportions, or squashed whole as was published."""

import pickle
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from redl.data.dicom import Syntax
from redl.data.rsna.cropping import find_breast, frame, load_mammogram
from redl.errors import DataError
from tests.helpers.dicomfiles import draw, edit, write


def breast(rows=120, columns=100):
    return (draw(rows, columns) / 4095).astype(np.float32)


def bounds(image):
    box = find_breast(image)
    return box.top, box.bottom, box.left, box.right


def bright(image):
    """Return the bounds of what is bright, the slow way."""
    rows, columns = np.nonzero(image > image.min() + 0.05 * np.ptp(image))
    return rows.min(), rows.max() + 1, columns.min(), columns.max() + 1


def test_the_box_is_that_of_all_bright_pixels_where_only_the_breast_is_bright():
    assert bright(breast()) == bounds(breast())


@pytest.mark.parametrize("place", [np.s_[2:8, -20:-4], np.s_[-9:-3, -20:-4]], ids=["above", "below"])
def test_a_label_in_a_corner_is_cut_away(place):
    labelled = breast()
    labelled[place] = 1.0
    assert bounds(breast()) == bounds(labelled)
    assert bounds(breast()) != bright(labelled)


def test_of_two_regions_the_one_of_more_pixels_is_the_breast():
    image = np.zeros((64, 64), np.float32)
    image[4:10, 4:60] = 1.0  # longer
    image[24:54, 30:50] = 0.5
    assert bounds(image) == (24, 54, 30, 50)


@given(*[st.integers(0, 37)] * 4)
def test_black_margins_do_not_change_a_cropped_image(top, bottom, left, right):
    wider = np.pad(breast(), ((top, bottom), (left, right)))
    before, after = (frame(image, 48, crop=True).astype(int) for image in (breast(), wider))
    assert np.abs(before - after).max() <= 1


def test_grey_air_is_cut_away_as_black_air_is():
    # Under a sigmoid window the air is not black.
    assert bounds(breast()) == bounds(0.12 + 0.8 * breast())


def test_what_is_filled_up_is_as_grey_as_the_air():
    grey = np.maximum(breast(), np.float32(0.2))
    assert 51 == frame(grey, 48, crop=True).min()


def test_a_dark_breast_is_found_as_a_bright_one():
    assert bounds(breast()) == bounds(0.06 * breast())  # 8 bits under a window for 12


@pytest.mark.parametrize("mirrored", [False, True], ids=["left", "right"])
def test_the_breast_stays_at_its_chest_wall(mirrored):
    image = breast()[:, ::-1] if mirrored else breast()
    framed = frame(np.ascontiguousarray(image), 60, crop=True)
    wall, away = (framed[:, -1], framed[:, 0]) if mirrored else (framed[:, 0], framed[:, -1])
    assert np.count_nonzero(wall) > 50
    assert not away.any()


def test_mirroring_before_and_after_framing_is_the_same():
    before = frame(np.ascontiguousarray(breast()[:, ::-1]), 60, crop=True)
    assert np.abs(frame(breast(), 60, crop=True)[:, ::-1].astype(int) - before).max() <= 1


@pytest.mark.parametrize("shape", [(80, 40), (40, 80), (60, 60)])
def test_a_cropped_image_keeps_its_proportions(shape):
    image = np.zeros((100, 100), np.float32)
    image[: shape[0], : shape[1]] = 1.0
    framed = frame(image, 50, crop=True)
    rows, columns = (np.count_nonzero(framed.any(axis=axis)) for axis in (1, 0))
    assert shape[0] / shape[1] == pytest.approx(rows / columns)
    assert max(rows, columns) == 50


def test_the_longest_breast_leaves_a_pixel_of_its_short_side():
    image = np.zeros((400, 20), np.float32)
    image[:, :1] = 1.0
    assert frame(image, 8, crop=True).any()


def test_a_framed_image_is_square_and_has_8_bits():
    framed = frame(breast(), 48, crop=True)
    assert (framed.shape, framed.dtype) == ((48, 48), np.uint8)


@pytest.mark.parametrize("level", [0.0, 0.003, 0.5, 1.0])
def test_a_blank_image_stays_blank(level):
    image = np.full((60, 40), level, np.float32)
    framed = frame(image, 30, crop=True)[:, :20]  # filled up to a square beside it
    assert np.all(framed == round(255 * level))


def test_an_image_that_is_nearly_constant_is_framed_whole():
    image = np.full((60, 40), 0.5, np.float32)
    image[7, 9] += 1 / 255
    assert bounds(image) == (0, 60, 0, 40)


@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(1, 40))
def test_any_image_can_be_framed(seed, rows, columns):
    image = np.random.default_rng(seed).random((rows, columns), np.float32)
    assert frame(image, 16, crop=True).any()


def test_uncropped_the_whole_image_is_squashed():
    squashed = Image.fromarray(breast()).resize((48, 48), Image.Resampling.BILINEAR)
    expected = np.round(np.clip(np.asarray(squashed), 0, 1) * 255).astype(np.uint8)
    np.testing.assert_array_equal(expected, frame(breast(), 48, crop=False))


@pytest.mark.parametrize("crop", [False, True], ids=["squashed", "cropped"])
@pytest.mark.parametrize("syntax", Syntax)
def test_a_file_loads_within_a_grey_level_of_its_whole_image_on_average(tmp_path, syntax, crop):
    path = write(tmp_path / "1.dcm", draw(694, 521), syntax)
    whole = frame((draw(694, 521) / 4095).astype(np.float32), 64, crop=crop)
    loaded = load_mammogram(path, size=64, crop=crop).images
    assert (1, 64, 64) == loaded.shape
    assert np.abs(whole.astype(int) - loaded[0]).mean() < 1


def test_a_breast_that_fills_little_of_its_image_is_read_whole(tmp_path):
    small = np.pad(draw(90, 70), ((0, 500), (0, 500)))
    loaded = load_mammogram(write(tmp_path / "1.dcm", small), size=64, crop=True).images
    np.testing.assert_array_equal(frame((small / 4095).astype(np.float32), 64, crop=True), loaded[0])


def test_what_cannot_be_read_cannot_be_loaded(tmp_path):
    path = edit(write(tmp_path / "1.dcm", draw(40, 32)), without=("Rows",))
    with pytest.raises(DataError, match=r"1\.dcm: "):
        load_mammogram(path, size=16, crop=True)


def test_loading_can_be_sent_to_another_process(tmp_path):
    work = partial(load_mammogram, write(tmp_path / "1.dcm", draw(40, 32)), size=16, crop=True)
    np.testing.assert_array_equal(work().images, pickle.loads(pickle.dumps(work))().images)  # noqa: S301 - our own
