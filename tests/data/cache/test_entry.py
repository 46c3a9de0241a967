"""An entry is what was put into it, complete or made anew, and its summary counts it."""

import json
import math
import os
import shutil

import numpy as np
import pytest

from redl.data.cache.entry import open_prepared
from redl.data.cache.preparation import prepare
from redl.errors import DataError
from tests.helpers.workers import SIZE, item, source

FILES = ["images.npy", "labels.npy", "subjects.npy", "raters.npy", "meta.json"]
RATERS = np.arange(40, dtype=np.uint8) % 5
SOURCE = source(
    *[item(number, rows=2) for number in range(20)],
    raters=RATERS,
    options={"crop": True, "max_age": 55.0, "site": None},
    ideal_accuracy=0.93,
    skipped=("scan 17",),
)


@pytest.fixture(scope="module")
def entry(tmp_path_factory):
    return prepare(SOURCE, cache=tmp_path_factory.mktemp("cache"))


@pytest.fixture
def cache(entry, tmp_path):
    """A cache that the test may damage."""
    return shutil.copytree(entry.parent, tmp_path / "cache")


# What is prepared


def test_images_are_bytes_of_the_size_asked_for(entry):
    images = open_prepared(entry).images
    assert (np.uint8, (40, SIZE, SIZE)) == (images.dtype, images.shape)


def test_images_are_mapped_from_disk(entry):
    assert isinstance(open_prepared(entry).images, np.memmap)


def test_raters_are_kept(entry):
    np.testing.assert_array_equal(RATERS, open_prepared(entry).raters)


def test_without_raters_there_are_zeros(tmp_path):
    entry = prepare(source(*[item(number) for number in range(8)]), cache=tmp_path)
    assert [0] * 8 == open_prepared(entry).raters.tolist()


def test_where_it_comes_from_is_kept(entry):
    origin = open_prepared(entry).origin
    assert (SOURCE.options, True, 0.93) == (origin.options, origin.synthetic, origin.ideal_accuracy)
    assert (("scan 17",), ()) == (origin.skipped, origin.findings.unreadable)


# The summary


def test_the_summary_counts_every_image_and_subject_once(entry):
    prepared = open_prepared(entry)
    images, subjects = prepared.summary().images, prepared.summary().subjects
    assert len(prepared.images) == images.train + images.valid + images.test
    assert (12, 4, 4) == (subjects.train, subjects.valid, subjects.test)


def test_the_majority_accuracy_is_that_of_a_constant_answer(entry):
    prepared = open_prepared(entry)
    truth = prepared.labels[prepared.split.test]
    constant = max(np.mean(truth == 0), np.mean(truth == 1))
    assert math.isclose(prepared.summary().majority_accuracy, constant)


def test_the_summary_gives_the_share_of_positives(entry):
    prepared = open_prepared(entry)
    assert math.isclose(
        prepared.summary().positive_fraction.train, np.mean(prepared.labels[prepared.split.train] == 1)
    )


def test_the_summary_gives_the_options_the_bound_and_what_was_skipped(entry):
    summary = open_prepared(entry).summary()
    assert (SOURCE.options, 0.93, 1, 0) == (
        summary.options,
        summary.ideal_accuracy,
        summary.skipped,
        summary.unreadable,
    )


# Damage


@pytest.mark.parametrize("name", FILES)
def test_a_truncated_entry_is_made_anew(cache, entry, name):
    file = cache / entry.name / name
    file.write_bytes(file.read_bytes()[:-10])
    made = []
    again = prepare(SOURCE, cache=cache, on_progress=lambda *done: made.append(done))
    assert made
    assert open_prepared(entry).fingerprint == open_prepared(again).fingerprint


def test_one_changed_pixel_is_noticed_and_made_anew(cache, entry):
    file = cache / entry.name / "images.npy"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    made = []
    prepare(SOURCE, cache=cache, on_progress=lambda *done: made.append(done))
    assert made


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kept", [0, 20])
def test_a_damaged_entry_does_not_open(cache, entry, name, kept):
    file = cache / entry.name / name
    file.write_bytes(file.read_bytes()[:kept])
    message = f"^{entry.name}: damaged cache entry .*; delete it to prepare it again$"
    with pytest.raises(DataError, match=message):
        open_prepared(cache / entry.name)


@pytest.mark.parametrize("meta", [[1], {"fingerprint": "", "unreadable": [{"name": "1.dcm"}]}, {}])
def test_an_entry_with_another_meta_file_does_not_open(cache, entry, meta):
    (cache / entry.name / "meta.json").write_text(json.dumps(meta))
    with pytest.raises(DataError, match="damaged cache entry"):
        open_prepared(cache / entry.name)


def test_the_fingerprint_depends_on_each_array(tmp_path):
    items = [item(number) for number in range(8)]
    raters = np.ones(8, np.uint8)
    changes = [
        {},
        {"raters": raters},
        {"labels": 1 - np.arange(8, dtype=np.uint8) % 2},
        {"subjects": np.arange(8, dtype=np.int32)[::-1]},
    ]
    entries = [prepare(source(*items, **change), cache=tmp_path) for change in changes]
    assert 4 == len({open_prepared(entry).fingerprint for entry in entries})


# What is said of the images


def meta_of(cache, change):
    """Change what an entry says of itself, as text, and return the entry."""
    (path,) = cache.glob("*/meta.json")
    text = path.read_text()
    changed = change(text)
    assert text != changed
    path.write_text(changed)
    return path.parent


HOSTILE_META = {
    "a phantom passes for patients": lambda text: text.replace('"synthetic": true', '"synthetic": false'),
    "no bound on what leaks": lambda text: text.replace('"ideal_accuracy": 0.93', '"ideal_accuracy": null'),
    "a word for a figure": lambda text: text.replace('"ideal_accuracy": 0.93', '"ideal_accuracy": "x"'),
    "a share above 1": lambda text: text.replace('"ideal_accuracy": 0.93', '"ideal_accuracy": 9.3'),
    "endless depth": lambda text: text.replace('"scan 17"', "[" * 100_000),
    "another data set": lambda text: text.replace('"dataset": "', '"dataset": "x'),
    "another option": lambda text: text.replace('"crop": true', '"crop": false'),
    "a key twice": lambda text: text.replace('"synthetic": true', '"synthetic": false, "synthetic": true'),
    "no checksum": lambda text: '{"finger' + text.partition('"finger')[2],
}


@pytest.mark.parametrize("fault", HOSTILE_META)
def test_a_changed_description_is_refused_in_one_line_and_made_anew(cache, fault):
    entry = meta_of(cache, HOSTILE_META[fault])
    with pytest.raises(
        DataError, match=r"damaged cache entry \(RecordError\); delete it to prepare it again"
    ):
        open_prepared(entry)
    assert entry == prepare(SOURCE, cache=cache)
    origin = open_prepared(entry).origin
    assert (True, 0.93) == (origin.synthetic, origin.ideal_accuracy)


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("labels", np.full(40, 2, np.uint8)),
        ("labels", np.zeros(40, np.float64)),
        ("subjects", np.zeros((40, 2), np.int32)),
        ("raters", np.zeros(39, np.uint8)),
    ],
)
def test_arrays_of_another_kind_are_refused(cache, name, array):
    (entry,) = (path.parent for path in cache.glob("*/meta.json"))
    np.save(entry / f"{name}.npy", array)
    with pytest.raises(DataError, match=r"damaged cache entry \(ValueError\)"):
        open_prepared(entry)


@pytest.mark.parametrize("name", ["meta.json", "images.npy"])
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_a_pipe_or_a_folder_in_an_entry_is_refused_and_not_waited_for(cache, name, make):
    (entry,) = (path.parent for path in cache.glob("*/meta.json"))
    (entry / name).unlink()
    make(entry / name)
    with pytest.raises(DataError, match=r"damaged cache entry \(ValueError\)"):
        open_prepared(entry)


@pytest.mark.parametrize("name", ["meta.json", "images.npy"])
def test_a_link_in_an_entry_is_refused(cache, tmp_path, name):
    (entry,) = (path.parent for path in cache.glob("*/meta.json"))
    (entry / name).rename(tmp_path / name)
    (entry / name).symlink_to(tmp_path / name)
    with pytest.raises(DataError, match=r"damaged cache entry \(ValueError\)"):
        open_prepared(entry)
