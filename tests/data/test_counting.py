"""Counting: what a run will find, told before anything is written."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from redl.data.cache.entry import open_prepared
from redl.data.cache.packing import pack
from redl.data.counting import count_images
from redl.data.datasets import DataOptions, prepare_dataset
from redl.data.folder import Folder
from redl.data.lidc.rules import LidcRules
from redl.data.rsna.cohort import CohortRules
from redl.errors import DataError
from redl.record import Counts
from redl.study.case import Dataset
from redl.study.profile import TINY

RULES = LidcRules(spacing_mm=TINY.patch_spacing_mm)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def prepared(dataset, profile, options):
    return open_prepared(prepare_dataset(dataset, profile, options)).summary().images


@pytest.mark.parametrize("images", [None, 60])
@pytest.mark.parametrize("dataset", Dataset)
def test_a_phantom_is_counted_as_it_will_be_prepared(cache, tmp_path, dataset, images):
    profile = replace(TINY, images=images)
    counted = count_images(dataset, profile, DataOptions(cache=tmp_path / "none", lidc=RULES))
    assert prepared(dataset, profile, DataOptions(cache=cache, lidc=RULES)) == counted


@pytest.mark.parametrize(
    ("dataset", "rules"),
    [("rsna", {"cohort": CohortRules(max_age=None)}), ("lidc", {"lidc": replace(RULES, max_cluster=3)})],
)
def test_rules_of_the_cohort_change_the_count_of_a_phantom_too(cache, dataset, rules):
    options = DataOptions(cache=cache, **({"lidc": RULES} | rules))
    assert prepared(dataset, TINY, options) == count_images(dataset, TINY, options)


def test_counting_writes_nothing(tmp_path):
    count_images("rsna", TINY, DataOptions(cache=tmp_path / "cache"))
    assert not (tmp_path / "cache").exists()


@pytest.fixture
def own(tmp_path):
    """Your own data of ten subjects with one image each, the first of which cannot be read."""
    rng = np.random.default_rng(1)
    images = tmp_path / "images"
    images.mkdir()
    for number in range(10):
        pixels = rng.integers(0, 256, (40, 40), dtype=np.uint8)
        Image.fromarray(pixels).save(images / f"{number}.png")
    (images / "0.png").write_bytes(b"damaged")
    rows = [f"{number}.png,{number},{number % 2}" for number in range(10)]
    (tmp_path / "table.csv").write_text("\n".join(["image,subject,label", *rows]), encoding="utf-8")
    folder = Folder(name="own", images=images, table=tmp_path / "table.csv")
    return DataOptions(cache=tmp_path / "cache", folders=(folder,), max_unreadable=0.5)


def test_files_that_are_not_prepared_are_counted_as_if_all_can_be_read(own):
    assert Counts(train=6, valid=2, test=2) == count_images("own", TINY, own)


def test_what_is_prepared_tells_without_what_could_not_be_read(own):
    found = prepared("own", TINY, own)
    assert 9 == found.train + found.valid + found.test
    assert found == count_images("own", TINY, own)


def test_a_packed_folder_is_counted(own, tmp_path):
    entry = prepare_dataset("own", TINY, own)
    brought = DataOptions(cache=tmp_path / "other", prepared=entry)
    assert open_prepared(entry).summary().images == count_images("own", TINY, brought)


def test_an_archive_has_to_be_unpacked_first(own, tmp_path):
    pack(prepare_dataset("own", TINY, own), tmp_path / "own.zip")
    with pytest.raises(DataError, match=r"own\.zip has to be unpacked first"):
        count_images("own", TINY, DataOptions(cache=tmp_path / "other", prepared=tmp_path / "own.zip"))


def test_a_folder_without_images_is_refused(own):
    for path in own.folders[0].images.iterdir():
        path.unlink()
    with pytest.raises(DataError, match="holds none of the 10 images"):
        count_images("own", TINY, own)
