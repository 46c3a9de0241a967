"""Prepared data are what the files hold, and a cache entry is complete or made anew."""

import json
import math
import shutil

import numpy as np
import pytest

from redl.data import prepared as prepared_module
from redl.data.dicom import Encoding, read_image, write_image
from redl.data.phantom import Phantom, write_rsna
from redl.data.prepared import open_prepared, prepare_rsna
from redl.data.rsna import read_cohort
from redl.errors import DataError

SIZE = 24


@pytest.fixture(scope="module")
def phantom(tmp_path_factory):
    root = tmp_path_factory.mktemp("phantom") / "rsna"
    write_rsna(root, Phantom(subjects=24, rows=48, columns=40))
    return root


@pytest.fixture(scope="module")
def entry(phantom, tmp_path_factory):
    return prepare_rsna(phantom, image_size=SIZE, cache=tmp_path_factory.mktemp("cache"))


@pytest.fixture
def cache(entry, tmp_path):
    """A cache of the test's own, to damage."""
    return shutil.copytree(entry.parent, tmp_path / "cache")


@pytest.fixture
def reads(monkeypatch):
    """The files that are decoded from here on."""
    read = []
    monkeypatch.setattr(prepared_module, "read_image", lambda path: read.append(path) or read_image(path))
    return read


def one_image_root(tmp_path, brightness):
    """Five subjects with one and the same image each."""
    root = tmp_path / "root"
    rows = ["patient_id,image_id,age,BIRADS"]
    for number in range(5):
        file = root / "train_images" / str(number) / f"{number}.dcm"
        file.parent.mkdir(parents=True)
        encoding = Encoding(jpeg2000=False, inverted=False, sigmoid=False)
        write_image(file, brightness, encoding, patient=str(number), key=str(number))
        rows.append(f"{number},{number},40,{number % 2}")
    (root / "train.csv").write_text("\n".join(rows))
    return root


# What is prepared


def test_images_are_bytes_of_the_size_asked_for(entry, phantom):
    images = open_prepared(entry).images
    assert (images.dtype, images.shape) == (np.uint8, (len(read_cohort(phantom).paths), SIZE, SIZE))


def test_images_are_mapped_from_disk(entry):
    assert isinstance(open_prepared(entry).images, np.memmap)


def test_labels_and_subjects_are_the_cohorts(entry, phantom):
    prepared, cohort = open_prepared(entry), read_cohort(phantom)
    np.testing.assert_array_equal(cohort.labels, prepared.labels)
    np.testing.assert_array_equal(cohort.subjects, prepared.subjects)


def test_an_image_is_squashed_with_anti_aliasing(tmp_path):
    """Stripes finer than a pixel become their mean; taking every third would leave them black or white."""
    stripes = np.zeros((60, 90), np.uint16)
    stripes[::2] = 4095
    root = one_image_root(tmp_path, stripes)
    images = open_prepared(prepare_rsna(root, image_size=10, cache=tmp_path / "cache")).images
    np.testing.assert_allclose(images, 127.5, atol=12)


def test_an_image_keeps_its_place_and_scale(tmp_path):
    halves = np.zeros((60, 90), np.uint16)
    halves[:, 45:] = 2048
    root = one_image_root(tmp_path, halves)
    image = open_prepared(prepare_rsna(root, image_size=10, cache=tmp_path / "cache")).images[0]
    assert (image[:, :4].max(), image[:, 6:].min(), image[:, 6:].max()) == (0, 128, 128)


def test_a_phantom_stays_synthetic(entry):
    assert open_prepared(entry).synthetic


def test_progress_is_told_image_by_image(phantom, tmp_path):
    told = []
    prepare_rsna(phantom, image_size=8, cache=tmp_path, on_progress=lambda *done: told.append(done))
    total = len(read_cohort(phantom).paths)
    assert told == [(number, total) for number in range(1, total + 1)]


# The summary


def test_every_part_of_the_smallest_profile_has_both_classes(entry):
    prepared = open_prepared(entry)
    parts = (prepared.split.train, prepared.split.valid, prepared.split.test)
    assert all(set(prepared.labels[part]) == {0, 1} for part in parts)


def test_the_summary_counts_every_image_and_subject_once(entry):
    prepared = open_prepared(entry)
    images, subjects = prepared.summary().images, prepared.summary().subjects
    assert images.train + images.valid + images.test == len(prepared.images)
    assert (subjects.train, subjects.valid, subjects.test) == (14, 5, 5)


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


# The cache


def test_a_second_call_decodes_nothing(phantom, cache, reads):
    prepare_rsna(phantom, image_size=SIZE, cache=cache)
    assert not reads


def test_another_size_is_another_entry(phantom, cache, entry):
    assert prepare_rsna(phantom, image_size=8, cache=cache).name != entry.name


def test_changed_source_files_are_another_entry(phantom, cache, entry, tmp_path):
    changed = shutil.copytree(phantom, tmp_path / "changed")
    read_cohort(changed).paths[0].touch()
    assert prepare_rsna(changed, image_size=SIZE, cache=cache).name != entry.name


def test_a_changed_label_is_another_entry(tmp_path):
    root = one_image_root(tmp_path, np.zeros((32, 32), np.uint16))
    first = prepare_rsna(root, image_size=SIZE, cache=tmp_path / "cache")
    table = root / "train.csv"
    table.write_text(table.read_text().replace("0,0,40,0", "0,0,40,1"))
    assert prepare_rsna(root, image_size=SIZE, cache=tmp_path / "cache") != first


def test_the_fingerprint_does_not_depend_on_where_and_when(phantom, entry, tmp_path):
    moved = shutil.copytree(phantom, tmp_path / "moved", copy_function=shutil.copyfile)
    again = prepare_rsna(moved, image_size=SIZE, cache=tmp_path)
    assert again.name != entry.name
    assert open_prepared(again).fingerprint == open_prepared(entry).fingerprint


@pytest.mark.parametrize("name", ["images.npy", "labels.npy", "subjects.npy", "meta.json"])
def test_a_truncated_entry_is_made_anew(phantom, cache, entry, reads, name):
    file = cache / entry.name / name
    file.write_bytes(file.read_bytes()[:-10])
    again = prepare_rsna(phantom, image_size=SIZE, cache=cache)
    assert reads
    np.testing.assert_array_equal(open_prepared(entry).images, open_prepared(again).images)


def test_one_changed_pixel_is_noticed_and_made_anew(phantom, cache, entry, reads):
    file = cache / entry.name / "images.npy"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    prepare_rsna(phantom, image_size=SIZE, cache=cache)
    assert reads


def test_an_interrupted_preparation_leaves_no_entry(phantom, tmp_path):
    def interrupt(done, _):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare_rsna(phantom, image_size=SIZE, cache=tmp_path, on_progress=interrupt)
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


def test_an_interrupted_writing_leaves_no_entry(phantom, tmp_path, monkeypatch):
    save = np.save

    def interrupt(file, array, **options):
        if file.name == "subjects.npy":
            raise KeyboardInterrupt
        save(file, array, **options)

    monkeypatch.setattr(np, "save", interrupt)
    with pytest.raises(KeyboardInterrupt):
        prepare_rsna(phantom, image_size=SIZE, cache=tmp_path)
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


# What is refused


@pytest.mark.parametrize("name", ["images.npy", "labels.npy", "subjects.npy", "meta.json"])
@pytest.mark.parametrize("kept", [0, 20])
def test_a_damaged_entry_does_not_open(cache, entry, name, kept):
    file = cache / entry.name / name
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(
        DataError, match=f"^{entry.name}: damaged cache entry .*; delete it to prepare it again$"
    ):
        open_prepared(cache / entry.name)


def test_an_entry_with_another_meta_file_does_not_open(cache, entry):
    (cache / entry.name / "meta.json").write_text(json.dumps([1]))
    with pytest.raises(DataError, match="damaged cache entry"):
        open_prepared(cache / entry.name)


def test_an_image_that_cannot_be_read_is_named(phantom, tmp_path):
    broken = shutil.copytree(phantom, tmp_path / "broken")
    victim = read_cohort(broken).paths[7]
    victim.write_text("<html>quota exceeded</html>")
    with pytest.raises(DataError, match=f"^{victim.name}: not a DICOM file; download it again$"):
        prepare_rsna(broken, image_size=SIZE, cache=tmp_path)


def test_too_few_subjects_are_refused_before_an_image_is_decoded(phantom, tmp_path, reads):
    few = shutil.copytree(phantom, tmp_path / "few")
    table = few / "train.csv"
    table.write_text("\n".join(table.read_text().splitlines()[:10]))
    with pytest.raises(DataError, match="subjects cannot be split in three"):
        prepare_rsna(few, image_size=SIZE, cache=tmp_path)
    assert not reads
