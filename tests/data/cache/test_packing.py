"""A prepared data set travels in one file and is used as it was, or refused where it changed."""

import json
import os
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from redl.data.cache.entry import open_prepared
from redl.data.cache.packing import find_packed, pack, unpack
from redl.data.cache.preparation import prepare
from redl.data.datasets import DataOptions, prepare_dataset
from redl.data.source import Images, Item
from redl.errors import DataError, OptionError
from redl.study.profile import TINY
from tests.helpers.workers import item, source


@pytest.fixture(scope="module")
def entry(tmp_path_factory):
    return prepare(source(*[item(number) for number in range(12)]), cache=tmp_path_factory.mktemp("cache"))


@pytest.fixture
def file(entry, tmp_path):
    pack(entry, tmp_path / "packed.zip")
    return tmp_path / "packed.zip"


def test_what_is_unpacked_is_what_was_packed(entry, file, tmp_path):
    found = unpack(find_packed(file)["rsna"], tmp_path / "elsewhere")
    before, after = open_prepared(entry), open_prepared(found)
    np.testing.assert_array_equal(before.images, after.images)
    assert (before.fingerprint, before.origin) == (after.fingerprint, after.origin)


def test_it_is_unpacked_once(file, tmp_path):
    packed = find_packed(file)["rsna"]
    first, second = (unpack(packed, tmp_path).stat() for _ in range(2))
    assert (first.st_ino, first.st_mtime_ns) == (second.st_ino, second.st_mtime_ns)


def test_an_entrys_folder_is_used_where_it_is(entry):
    assert entry == unpack(find_packed(entry)["rsna"], entry.parent / "unused")


def test_a_folder_may_hold_several(entry, file, tmp_path):
    other = prepare(
        source(*[item(number) for number in range(12)], dataset="clinic"), cache=tmp_path / "cache"
    )
    pack(other, tmp_path / "clinic.zip")
    assert ["clinic", "rsna"] == sorted(find_packed(tmp_path))


def test_two_of_one_data_set_are_refused(entry, file, tmp_path):
    other = prepare(source(*[item(number) for number in range(13)]), cache=tmp_path / "cache")
    pack(other, tmp_path / "other.zip")
    with pytest.raises(OptionError, match=r"are both of rsna; leave one there$"):
        find_packed(tmp_path)


def test_an_existing_file_is_not_written_over(entry, file):
    with pytest.raises(OptionError, match=r"^packed\.zip: exists already; name a new file$"):
        pack(entry, file)


@pytest.mark.slow
def test_a_thousand_images_of_256_pixels_fit_in_64_mib(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (1, 256, 256)).astype(np.uint8)
    items = [
        Item(name=f"{number}", stamp=f"{number}", rows=1, work=Noise(noise, number)) for number in range(1000)
    ]
    large = replace(source(*items), image_size=256)
    pack(prepare(large, cache=tmp_path / "cache"), tmp_path / "large.zip")
    assert (tmp_path / "large.zip").stat().st_size <= 64 * 2**20


class Noise:
    """Images that cannot be compressed, each of its own."""

    def __init__(self, noise, number):
        self.noise, self.number = noise, number

    def __call__(self):
        return Images(np.roll(self.noise, 257 * self.number) ^ np.uint8(self.number % 256))


# What is refused


def rewritten(file, change):
    """Write the archive anew, its members changed by a function of their dict."""
    with zipfile.ZipFile(file) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    change(members)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file


def name_of(members, end):
    return next(name for name in members if name.endswith(end))


@pytest.mark.parametrize("array", ["images", "labels", "subjects", "raters"])
def test_changed_content_is_refused(file, tmp_path, array):
    def change(members):
        name = name_of(members, f"{array}.npy")
        members[name] = members[name][:-1] + bytes([members[name][-1] ^ 1])

    packed = find_packed(rewritten(file, change))["rsna"]
    with pytest.raises(DataError, match=r"^packed\.zip: rsna is not as it was packed; bring it again$"):
        unpack(packed, tmp_path / "elsewhere")


@pytest.mark.parametrize(
    "name",
    ["../evil.npy", "/etc/evil.npy", "rsna-4px-0123456789abcdef/evil.sh", "a/b/c", "images.npy", "x" * 300],
)
def test_a_member_that_no_entry_has_is_refused(file, tmp_path, name):
    with pytest.raises(OptionError, match="not an archive that `redl data pack` wrote"):
        find_packed(rewritten(file, lambda members: members.update({name: b"x"})))


def test_another_file_within_an_entry_is_refused(file):
    def change(members):
        members[f"{name_of(members, 'meta.json').partition('/')[0]}/evil.sh"] = b"x"

    with pytest.raises(OptionError, match="not an archive that `redl data pack` wrote"):
        find_packed(rewritten(file, change))


def test_an_archive_that_unpacks_to_far_more_than_itself_is_refused(file):
    def change(members):
        members[name_of(members, "images.npy")] = bytes(2**28)

    with pytest.raises(OptionError, match="not an archive that `redl data pack` wrote"):
        find_packed(rewritten(file, change))


@pytest.mark.parametrize("meta", [b"", b"[]", b"{}", json.dumps({"dataset": "other"}).encode()])
def test_an_archive_without_a_description_is_refused(file, meta):
    def change(members):
        members[name_of(members, "meta.json")] = meta

    with pytest.raises(OptionError, match="not an archive that `redl data pack` wrote"):
        find_packed(rewritten(file, change))


@pytest.mark.parametrize("content", [b"", b"PK", b"<html>"])
def test_what_is_no_archive_is_refused(file, content):
    file.write_bytes(content)
    with pytest.raises(OptionError, match="not an archive that `redl data pack` wrote"):
        find_packed(file)


def test_an_archive_cut_short_is_refused(file):
    file.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(OptionError, match="not an archive"):
        find_packed(file)


def test_a_folder_without_any_is_refused(tmp_path):
    (tmp_path / "x.txt").touch()
    with pytest.raises(OptionError, match="holds no prepared data set"):
        find_packed(tmp_path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(OptionError, match="no such file or folder"):
        find_packed(tmp_path / "no.zip")


@pytest.mark.parametrize("place", ["packed.zip", "."])
def test_a_pipe_is_no_archive_and_not_waited_for(tmp_path, place):
    os.mkfifo(tmp_path / "packed.zip")
    with pytest.raises(OptionError, match=r"neither a file nor a folder|no prepared data set"):
        find_packed(tmp_path / place)


def test_a_cache_whose_description_is_a_pipe_is_unpacked_anew(file, tmp_path):
    packed = find_packed(file)["rsna"]
    meta = unpack(packed, tmp_path) / "meta.json"
    whole = meta.read_bytes()
    meta.unlink()
    os.mkfifo(meta)
    assert whole == (unpack(packed, tmp_path) / "meta.json").read_bytes()


# In the suite


def test_the_suite_takes_it_in_place_of_raw_files(file, entry, tmp_path):
    options = DataOptions(cache=tmp_path / "cache", prepared=file)
    taken = prepare_dataset("rsna", replace(TINY, image_size=4), options)
    assert open_prepared(entry).fingerprint == open_prepared(taken).fingerprint


def test_a_data_set_that_was_brought_has_cases(tmp_path):
    made = prepare(source(*[item(n) for n in range(12)], dataset="clinic"), cache=tmp_path / "cache")
    assert DataOptions(cache=tmp_path, prepared=made).datasets == ("rsna", "lidc", "clinic")


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        (
            {"image_size": 32},
            "rsna has images of 4 pixels and the profile wants 32; pack it with --image-size=32",
        ),
        (
            {"image_size": 4, "images": 5},
            "rsna has 12 images and --redl-images asks for at most 5; pack it with --images=5",
        ),
    ],
)
def test_another_size_than_asked_for_is_refused(file, tmp_path, sizes, expected):
    options = DataOptions(cache=tmp_path / "cache", prepared=file)
    with pytest.raises(DataError, match=expected):
        prepare_dataset("rsna", replace(TINY, **sizes), options)


def test_a_root_beside_it_is_refused(file, tmp_path):
    (tmp_path / "train.csv").write_text("patient_id,image_id,age,BIRADS\n")
    with pytest.raises(OptionError, match="--redl-prepared brings rsna; leave its root out"):
        DataOptions(cache=tmp_path, prepared=file, rsna_root=tmp_path)
