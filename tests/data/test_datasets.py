"""Every data set is prepared by its name, wherever it is."""

from pathlib import Path

import pytest

from redl.data.cache.entry import open_prepared
from redl.data.datasets import DataOptions, find_source, prepare_dataset
from redl.data.folder import Folder
from redl.data.lidc.rules import LidcRules
from redl.errors import DataError, OptionError
from redl.study.case import Dataset
from redl.study.profile import TINY


@pytest.fixture(scope="module")
def options(tmp_path_factory):
    rules = LidcRules(spacing_mm=TINY.patch_spacing_mm)
    return DataOptions(cache=tmp_path_factory.mktemp("cache"), lidc=rules)


@pytest.mark.parametrize("dataset", Dataset)
def test_every_part_of_the_smallest_profile_has_both_classes(options, dataset):
    data = open_prepared(prepare_dataset(dataset, TINY, options))
    parts = (data.split.train, data.split.valid, data.split.test)
    assert [{0, 1}] * 3 == [set(data.labels[part].tolist()) for part in parts]


@pytest.mark.parametrize("dataset", Dataset)
def test_a_phantom_is_synthetic_and_has_a_bound(options, dataset):
    source = find_source(dataset, TINY, options)
    assert source.synthetic
    assert 0.9 < source.ideal_accuracy <= 1


def test_progress_is_reported_of_the_phantom_and_of_its_images(tmp_path):
    shown = []
    prepare_dataset(
        Dataset.RSNA,
        TINY,
        DataOptions(cache=tmp_path),
        on_progress=lambda what: lambda done, total: shown.append((what, done, total)),
    )
    steps = {what: (done, total) for what, done, total in shown}
    assert ["rsna: writing the phantom", "rsna: preparing images"] == list(steps)
    assert all(done == total > 0 for done, total in steps.values())


def test_all_data_sets_are_named_your_own_last(tmp_path):
    (tmp_path / "table.csv").write_text("image,subject,label\na.png,1,0\n")
    clinic = Folder(name="clinic", images=tmp_path, table=tmp_path / "table.csv")
    assert ("rsna", "lidc", "clinic") == DataOptions(cache=tmp_path, folders=(clinic,)).datasets


@pytest.mark.parametrize("root", ["rsna_root", "lidc_root"])
def test_a_root_that_is_not_there_is_refused_at_once(tmp_path, root):
    with pytest.raises(DataError, match="no such folder; download"):
        DataOptions(cache=tmp_path, **{root: Path("nowhere")})


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_outside_0_to_1_is_refused(tmp_path, share):
    with pytest.raises(OptionError, match="unreadable files: give one from 0 to 1"):
        DataOptions(cache=tmp_path, max_unreadable=share)
