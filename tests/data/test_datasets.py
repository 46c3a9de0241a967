"""Every data set is prepared by its name, wherever it is."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from redl.data.cache.entry import open_prepared
from redl.data.datasets import DataOptions, find_source, prepare_dataset
from redl.data.folder import Folder
from redl.data.lidc.annotations import read_outlines
from redl.data.lidc.phantom import choose_scans
from redl.data.lidc.rules import LidcRules
from redl.data.rsna.phantom import Phantom
from redl.data.rsna.phantom_subjects import draw_subjects
from redl.data.splits import MIN_SUBJECTS
from redl.errors import DataError, OptionError
from redl.study.case import Dataset
from redl.study.profile import PAPER, TINY


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


def asked_for(monkeypatch, tmp_path, dataset, profile):
    """Return the phantom that a profile asks for, without writing it."""
    asked = []

    def ensure(_, phantom, **__):
        asked.append(phantom)
        raise InterruptedError

    monkeypatch.setattr(f"redl.data.{dataset}.phantom.ensure_{dataset}", ensure)
    with pytest.raises(InterruptedError):
        find_source(dataset, profile, DataOptions(cache=tmp_path))
    return asked[0]


def counts_of(phantom):
    """Return how many images or patches each subject of a phantom has that the suite would use."""
    if isinstance(phantom, Phantom):
        drawn = draw_subjects(
            np.random.default_rng(7),
            phantom.subjects,
            prevalence=phantom.prevalence,
            label_noise=0.0,
            site_leak=False,
            even_counts=False,
        )
        return [subject.images for subject in drawn if subject.in_cohort]
    scans = choose_scans(phantom)
    subject_of = {scan.number: scan.subject for scan in scans}
    return list(Counter(subject_of[outline.patch.scan] for outline in read_outlines(scans)).values())


@pytest.mark.slow
@pytest.mark.parametrize("images", [1, 10, 40, 100, 300, 1000, 3000])
@pytest.mark.parametrize("dataset", Dataset)
def test_a_phantom_for_some_images_has_them_and_few_more(monkeypatch, tmp_path, dataset, images):
    phantom = asked_for(monkeypatch, tmp_path, dataset, replace(PAPER, images=images))
    counts = counts_of(phantom)
    assert len(counts) >= MIN_SUBJECTS
    assert images <= sum(counts) <= 1.35 * images + 10 * max(counts)


@pytest.mark.parametrize("images", [None, 10**6])
@pytest.mark.parametrize("dataset", Dataset)
def test_a_phantom_is_never_larger_than_the_profiles(monkeypatch, tmp_path, dataset, images):
    phantom = asked_for(monkeypatch, tmp_path, dataset, replace(TINY, images=images))
    assert (24 if dataset == Dataset.RSNA else 10) == len(counts_of(phantom))


@pytest.mark.slow
def test_a_phantom_for_some_images_is_prepared_with_about_as_many(tmp_path):
    profile = replace(TINY, phantom_subjects=200, phantom_rows=48, images=60)
    data = open_prepared(prepare_dataset(Dataset.RSNA, profile, DataOptions(cache=tmp_path)))
    (table,) = tmp_path.glob("rsna-phantom-*/train.csv")
    assert 46 <= len(data.labels) <= 60
    assert len(table.read_text().splitlines()) < 140


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
