"""A MedMNIST file is read with its own split; what is not of two grey classes is refused."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from redl.data import medmnist
from redl.data.cache.entry import open_prepared
from redl.data.cache.preparation import prepare
from redl.data.medmnist import MedMnist, check_medmnist, medmnist_source
from redl.errors import DataError, OptionError

COUNTS = {"train": 30, "val": 8, "test": 12}


def write_npz(path: Path, *, shape=(28, 28), labels=None, **changes) -> Path:
    """Write a file as the project's script does: compressed, labels in a column."""
    rng = np.random.default_rng(3)
    arrays = {}
    for part, count in COUNTS.items():
        arrays[f"{part}_images"] = rng.integers(0, 256, (count, *shape)).astype(np.uint8)
        column = np.arange(count) % 2 if labels is None else labels(count)
        arrays[f"{part}_labels"] = np.asarray(column, np.uint8).reshape(count, -1)
    np.savez_compressed(
        path, **{name: array for name, array in (arrays | changes).items() if array is not None}
    )
    return path


def source(path, size=28):
    return medmnist_source(MedMnist(name="pneumonia", npz=path), image_size=size)


@pytest.fixture
def npz(tmp_path):
    return write_npz(tmp_path / "pneumoniamnist.npz")


def test_its_own_split_is_kept(npz, tmp_path):
    prepared = open_prepared(prepare(source(npz), cache=tmp_path / "cache"))
    split = prepared.split
    assert (30, 8, 12, "its own") == (len(split.train), len(split.valid), len(split.test), split.kind)


def test_the_images_are_those_of_the_file(npz, tmp_path):
    prepared = open_prepared(prepare(source(npz), cache=tmp_path / "cache"))
    with np.load(npz) as arrays:
        np.testing.assert_array_equal(arrays["test_images"], prepared.images[prepared.split.test])
        np.testing.assert_array_equal(arrays["test_labels"][:, 0], prepared.labels[prepared.split.test])


def test_images_are_brought_to_the_size_asked_for(npz):
    with np.load(npz) as arrays:
        first = Image.fromarray(arrays["train_images"][0].astype(np.float32) / 255)
    expected = np.asarray(first.resize((56, 56), Image.Resampling.BILINEAR)) * 255
    np.testing.assert_allclose(expected, source(npz, 56).items[0].work().images[0], atol=1)


def test_of_a_volume_the_middle_slice_is_taken_and_said(tmp_path):
    path = write_npz(tmp_path / "nodulemnist3d.npz", shape=(28, 28, 28))
    read = source(path)
    with np.load(path) as arrays:
        np.testing.assert_array_equal(arrays["train_images"][4][14], read.items[4].work().images[0])
    assert read.options == {"slice": "middle"}


def test_every_image_is_a_subject_of_its_own(npz):
    assert list(range(50)) == source(npz).subjects.tolist()


def test_a_split_that_lost_its_last_positive_is_refused(tmp_path):
    labels = np.zeros((8, 1), np.uint8)
    path = write_npz(tmp_path / "1.npz", val_labels=labels)
    with pytest.raises(DataError, match="a part would lack one of the classes"):
        prepare(source(path), cache=tmp_path / "cache")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"shape": (28, 28, 3)}, "1.npz: its images are in colour; only grey sets are read"),
        (
            {"labels": lambda count: np.arange(count) % 4},
            "1.npz: has labels other than 0 and 1; only sets of two classes are read",
        ),
        (
            {"labels": lambda count: np.zeros((count, 14))},
            "1.npz: an image has several labels; only sets of two classes are read",
        ),
        ({"val_images": None}, "1.npz: holds no val_images; only files of MedMNIST are read"),
        ({"test_labels": None}, "1.npz: holds no test_labels; only files of MedMNIST are read"),
        (
            {"val_labels": np.ones((3, 1), np.uint8)},
            "1.npz: val has not as many images as labels; download it again",
        ),
    ],
)
def test_another_file_is_refused(tmp_path, options, expected):
    with pytest.raises(DataError, match=f"^{re.escape(expected)}$"):
        source(write_npz(tmp_path / "1.npz", **options))


@pytest.mark.parametrize("content", [b"", b"<html>", None])
def test_a_damaged_file_is_refused(npz, content):
    npz.write_bytes(npz.read_bytes()[:4000] if content is None else content)
    expected = "pneumoniamnist.npz: not a whole .npz file; download it again"
    with pytest.raises(DataError, match=f"^{re.escape(expected)}$"):
        check_medmnist(MedMnist(name="pneumonia", npz=npz))


def test_a_file_that_would_run_code_is_refused(tmp_path):
    path = write_npz(tmp_path / "1.npz", train_labels=np.array([print] * 30, object))
    with pytest.raises(DataError, match=r"not a whole \.npz file"):
        check_medmnist(MedMnist(name="pneumonia", npz=path))


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"no such file; correct `npz` of data set pneumonia$"):
        check_medmnist(MedMnist(name="pneumonia", npz=tmp_path / "no.npz"))


def test_a_name_that_no_case_could_bear_is_refused(npz):
    with pytest.raises(OptionError):
        MedMnist(name="rsna", npz=npz)


def test_looking_at_a_file_reads_none_of_its_images(npz, monkeypatch):
    opened = []
    monkeypatch.setattr(medmnist, "_open", lambda path, stamp, name: opened.append(name) or read(path, name))
    source(npz)
    assert opened
    assert [] == [name for name in opened if name.endswith("images")]


def read(path, name):
    with np.load(path) as arrays:
        return arrays[name]
