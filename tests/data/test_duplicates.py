"""Copies under another subject are found, however they were saved; what only looks alike is not."""

import io

import numpy as np
import pytest
from PIL import Image, ImageFilter

from redl.data.cache.entry import open_prepared
from redl.data.cache.preparation import prepare
from redl.data.duplicates import Duplicate, find_duplicates
from redl.data.folder import Folder, folder_source
from redl.errors import DataError

SIDE = 64
RNG = np.random.default_rng(7)


def texture(seed, side=SIDE):
    """Draw smooth noise, as tissue is, which differs from one seed to the next."""
    noise = np.random.default_rng(seed).integers(0, 256, (side // 4, side // 4)).astype(np.uint8)
    smooth = Image.fromarray(noise).resize((side, side), Image.Resampling.BICUBIC)
    return np.asarray(smooth.filter(ImageFilter.GaussianBlur(1)))


def found(images, subjects):
    stack = np.stack(images)
    chunks = (stack[start : start + 7] for start in range(0, len(stack), 7))
    return find_duplicates(chunks, lambda row: stack[row], np.array(subjects, np.int32))


def saved_as_jpeg(image):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=90)
    return np.asarray(Image.open(file))


CHANGES = {
    "brighter": lambda image: np.clip(image.astype(float) * 0.8 + 30, 0, 255).astype(np.uint8),
    "as JPEG": saved_as_jpeg,
    "a little noise": lambda image: np.clip(image + RNG.normal(0, 0.7, image.shape), 0, 255).astype(np.uint8),
}


def test_a_copy_is_found_with_both_rows():
    images = [texture(number) for number in range(30)]
    images[23] = images[4]
    expected = (Duplicate(row=4, of=23, exact=True), Duplicate(row=23, of=4, exact=True))
    assert expected == found(images, range(30))


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_changed_copy_is_found(change):
    images = [texture(number) for number in range(30)]
    images[23] = change(images[4])
    assert {4: (23, False), 23: (4, False)} == {
        one.row: (one.of, one.exact) for one in found(images, range(30))
    }


def test_copies_of_the_same_subject_are_its_own_affair():
    images = [texture(0), texture(0), texture(1), texture(2)]
    assert () == found(images, [0, 0, 1, 2])


def test_different_images_are_no_copies():
    assert () == found([texture(number) for number in range(60)], range(60))


def test_images_that_only_look_alike_from_afar_are_no_copies():
    # Their thumbnails are equal; what is finer than those is not.
    fine = np.indices((SIDE, SIDE)).sum(axis=0) % 2 * 2 - 1
    plain = texture(0).astype(int) // 2 + 64
    assert () == found([plain.astype(np.uint8), (plain + 30 * fine).astype(np.uint8), texture(1)], range(3))


def test_images_of_one_grey_are_like_nothing():
    assert () == found([np.full((SIDE, SIDE), grey, np.uint8) for grey in (0, 0, 9, 9, 255)], range(5))


@pytest.mark.parametrize("side", [8, 15, 28, 50])
def test_any_size_of_image_is_compared(side):
    images = [texture(number, 4 * side)[:side, :side] for number in range(10)]
    images[7] = images[2]
    assert [2, 7] == [one.row for one in found(images, range(10))]


# In a data set


@pytest.fixture
def clinic(tmp_path):
    """Twenty images of as many subjects, of which two pairs are copies, one saved as JPEG."""
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(20):
        Image.fromarray(texture(number)).save(folder / f"{number}.png")
    Image.fromarray(texture(3)).save(folder / "15.png")
    Image.fromarray(saved_as_jpeg(texture(4))).save(folder / "16.png")
    rows = [f"{number}.png,{number},{number % 2}" for number in range(20)]
    (tmp_path / "table.csv").write_text("\n".join(["image,subject,label", *rows]))
    return folder_source(Folder(name="clinic", images=folder, table=tmp_path / "table.csv"), image_size=SIDE)


def test_more_than_the_tolerated_share_is_refused_with_rows(clinic, tmp_path):
    expected = (
        r"^4 of 20 images occur under another subject too, more than 1.0%; the first is row 4, which is like "
        r"row 16: .*--redl-max-duplicates$"
    )
    with pytest.raises(DataError, match=expected):
        prepare(clinic, cache=tmp_path / "cache")


def test_what_is_tolerated_is_counted_and_listed(clinic, tmp_path):
    prepared = open_prepared(prepare(clinic, cache=tmp_path / "cache", max_duplicates=0.5))
    duplicates = prepared.summary().duplicates
    assert (4, 2) == (duplicates.images, duplicates.exact)
    assert (("row 4", "row 16"), ("row 5", "row 17")) == duplicates.rows[:2]


def test_what_one_run_tolerated_the_next_does_not_have_to(clinic, tmp_path):
    prepare(clinic, cache=tmp_path / "cache", max_duplicates=0.5)
    with pytest.raises(DataError, match=r"^4 of 20 images"):
        prepare(clinic, cache=tmp_path / "cache")
