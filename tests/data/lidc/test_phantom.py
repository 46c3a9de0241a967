"""A phantom CT is the same wherever it is written, shows labels only by lesions, and knows its difficulty."""

import json
from collections import defaultdict
from itertools import accumulate
from pathlib import Path

import numpy as np
import pytest
from scipy import fft
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from redl.data import observer
from redl.data.lidc import phantom_observer
from redl.data.lidc.annotations import read_outlines
from redl.data.lidc.database import read_scans
from redl.data.lidc.files import SIDE, read_hounsfield
from redl.data.lidc.phantom import (
    BACKGROUND_HU,
    TILE,
    LidcPhantom,
    choose_scans,
    draw_slice,
    ensure_lidc,
    write_lidc,
)
from redl.data.lidc.rules import LidcRules
from redl.data.lidc.source import find_series, lidc_source
from redl.data.lidc.writing import SliceWriter
from redl.errors import DataError, RedlError
from redl.study.profile import TINY
from tests.helpers.drafts import contents, count_pools, finished, identities, kill_writing

SMALL = LidcPhantom(patients=5)
HARD = LidcPhantom(patients=30, contrast_hu=150.0, seed=1)
GOLDEN = Path(__file__).with_name("lidc_phantom.npz")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return ensure_lidc(tmp_path_factory.getbasetemp(), SMALL)


# The same everywhere


def test_equal_phantoms_give_equal_bytes(root, tmp_path):
    write_lidc(tmp_path / "again", SMALL)
    assert contents(root) == contents(tmp_path / "again")


def test_pixels_are_within_a_grey_level_of_those_written_elsewhere(root):
    """The golden images: those of the first scan's first eight patches at 32 pixels a side."""
    images = lidc_source(root, LidcRules(), image_size=32).items[0].work().images[:8]
    with np.load(GOLDEN) as golden:
        expected = golden["images"]
    assert 1 >= np.abs(expected.astype(int) - images).max()


def test_another_seed_gives_other_patients():
    one, other = (choose_scans(LidcPhantom(patients=5, seed=seed)) for seed in (1, 2))
    assert {scan.number for scan in one} != {scan.number for scan in other}


def test_what_else_is_written_does_not_change_a_scan(root, tmp_path):
    few, many = choose_scans(SMALL), choose_scans(LidcPhantom(patients=6))
    assert {scan.number for scan in few} < {scan.number for scan in many}
    write_lidc(tmp_path / "more", LidcPhantom(patients=6))
    folder = f"{few[0].patient}/"
    expected = {name: content for name, content in contents(root).items() if name.startswith(folder)}
    written = contents(tmp_path / "more")
    assert expected == {name: content for name, content in written.items() if name.startswith(folder)}


@pytest.mark.slow
def test_the_number_of_processes_changes_no_byte(tmp_path):
    for processes in (1, 2):
        write_lidc(tmp_path / str(processes), SMALL, processes=processes)
    assert contents(tmp_path / "1") == contents(tmp_path / "2")


# All or nothing


def test_a_phantom_is_written_once(tmp_path):
    first = ensure_lidc(tmp_path, SMALL)
    before = first.stat().st_mtime_ns
    assert (first, before) == (ensure_lidc(tmp_path, SMALL), first.stat().st_mtime_ns)


def test_other_parameters_go_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setattr("redl.data.lidc.phantom.write_lidc", lambda root, phantom, on_progress: root.mkdir())
    other = LidcPhantom(patients=5, noise_hu=61.0)
    assert ensure_lidc(tmp_path, SMALL) != ensure_lidc(tmp_path, other)


def test_a_failed_write_leaves_only_whole_scans_and_resumes_to_the_same_bytes(root, tmp_path, monkeypatch):
    write, written = SliceWriter.write, []

    def fail(*arguments):
        written.append(arguments)
        if len(written) == 300:
            raise OSError("no space left on device")
        write(*arguments)

    monkeypatch.setattr(SliceWriter, "write", fail)
    with pytest.raises(OSError, match="no space"):
        write_lidc(tmp_path / "phantom", SMALL)
    monkeypatch.undo()
    before, heard = finished(tmp_path), []
    slices = [len(scan.heights) for scan in choose_scans(SMALL)]
    assert (".draft", 1) == (next(tmp_path.iterdir()).suffix, len(list(tmp_path.iterdir())))
    assert len(before) in accumulate(slices)
    assert 0 < len(before) < 300
    write_lidc(tmp_path / "phantom", SMALL, on_progress=lambda *counts: heard.append(counts))
    assert (list(accumulate(slices)).index(len(before)) + 1, 5) == heard[0]
    assert before.items() <= identities(tmp_path / "phantom").items()
    assert contents(root) == contents(tmp_path / "phantom")
    assert ["phantom"] == [path.name for path in tmp_path.iterdir()]


def test_another_phantom_does_not_resume_from_the_draft(tmp_path):
    heard = []

    def stop(*counts):
        heard.append(counts)
        if len(heard) != 1:
            raise KeyboardInterrupt

    for phantom in (SMALL, LidcPhantom(patients=5, noise_hu=61.0), SMALL):
        with pytest.raises(KeyboardInterrupt):
            write_lidc(tmp_path / "phantom", phantom, on_progress=stop)
    assert [(0, 5), (1, 5), (0, 5), (1, 5)] == heard


@pytest.mark.slow
def test_a_killed_write_resumes_without_drawing_a_finished_scan_again(tmp_path):
    phantom = LidcPhantom(patients=12)
    before = kill_writing(
        tmp_path,
        "from pathlib import Path\nfrom redl.data.lidc.phantom import LidcPhantom, write_lidc",
        f"write_lidc(Path({str(tmp_path / 'lidc')!r}), {phantom!r}, processes=2)",
        after=200,
    )
    assert not (tmp_path / "lidc").exists()
    write_lidc(tmp_path / "lidc", phantom, processes=1)
    write_lidc(tmp_path / "undisturbed", phantom, processes=1)
    after = identities(tmp_path / "lidc")
    assert 200 <= len(before) < len(after)
    assert before.items() <= after.items()
    assert contents(tmp_path / "undisturbed") == contents(tmp_path / "lidc")


def test_the_smallest_profile_is_written_without_starting_a_process(tmp_path, monkeypatch):
    started = count_pools(monkeypatch)
    write_lidc(tmp_path / "phantom", LidcPhantom(patients=TINY.phantom_patients))
    assert [] == started


def test_a_large_phantom_is_written_on_all_cores(tmp_path, monkeypatch):
    started = count_pools(monkeypatch)
    with pytest.raises(RedlError, match=r"^scan \d+ of the phantom: a process dies of it; free some memory$"):
        write_lidc(tmp_path / "phantom", HARD)
    assert [6] == started


def test_a_phantom_that_cannot_be_chosen_leaves_nothing(tmp_path):
    with pytest.raises(DataError, match="only 875 are annotated"):
        write_lidc(tmp_path / "phantom", LidcPhantom(patients=876))
    assert [] == list(tmp_path.iterdir())


def test_an_existing_folder_is_left_alone(tmp_path):
    with pytest.raises(DataError, match="exists already; name a new folder"):
        write_lidc(tmp_path, SMALL)


def test_progress_counts_the_scans(tmp_path):
    shown = []
    write_lidc(tmp_path / "phantom", SMALL, on_progress=lambda done, total: shown.append((done, total)))
    count = len(choose_scans(SMALL))
    assert [(done, count) for done in range(count + 1)] == shown


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"patients": 4}, "4 patients"),
        ({"patients": 5, "label_noise": 0.6}, "label noise of 0.6"),
        ({"patients": 5, "contrast_hu": -1.0}, "contrast"),
        ({"patients": 5, "texture_hu": -1.0}, "texture"),
        ({"patients": 5, "noise_hu": 0.0}, "noise"),
        ({"patients": 5, "contrast_hu": float("nan")}, "contrast"),
    ],
)
def test_a_phantom_that_cannot_be_drawn_is_refused(parameters, named):
    with pytest.raises(DataError, match=named):
        LidcPhantom(**parameters)


def test_more_patients_than_are_annotated_are_refused():
    with pytest.raises(DataError, match="only 875 are annotated"):
        choose_scans(LidcPhantom(patients=876))


# Real geometry


def test_a_phantom_has_all_slices_of_its_scans_at_their_heights(root):
    scan = choose_scans(SMALL)[0]
    assert len(scan.heights) == len(list(find_series(root, scan).glob("*.dcm")))


def test_pixels_far_from_a_nodule_are_even(root):
    scan = choose_scans(SMALL)[0]
    outlines = list(read_outlines([scan]))
    with_nodule = {outline.patch.slice for outline in outlines}
    empty = next(place for place in range(len(scan.heights)) if place not in with_nodule)
    folder = find_series(root, scan)
    assert {BACKGROUND_HU} == set(np.unique(read_hounsfield(folder / f"{empty + 1:03d}.dcm")).tolist())
    patch = outlines[0].patch
    drawn = read_hounsfield(folder / f"{patch.slice + 1:03d}.dcm")
    rows, columns = np.nonzero(drawn != BACKGROUND_HU)
    centres = [(o.patch.row, o.patch.column) for o in outlines if o.patch.slice == patch.slice]
    gaps = np.min([np.hypot(rows - row, columns - column) for row, column in centres], axis=0)
    assert 36 >= gaps.max() * scan.pixel_spacing > 35


def test_patients_of_short_scans_come_first_and_have_all_counts_of_raters():
    scans = choose_scans(LidcPhantom(patients=20))
    assert 160 >= max(len(scan.heights) for scan in scans)
    assert {1, 2, 3, 4} <= {outline.patch.raters for outline in read_outlines(scans)}


def test_slices_hold_what_12_bits_hold(tmp_path):
    writer = SliceWriter(tmp_path, next(scan for scan in read_scans()))
    with pytest.raises(ValueError, match="do not fit in 12 bits"):
        writer.write(0, np.full((SIDE, SIDE), 3072, np.int16))


# What shows the label


@pytest.mark.slow
def test_mean_and_file_size_do_not_tell_the_label(tmp_path):
    """Nor does the order: a classifier of all three stays at the majority class."""
    phantom = LidcPhantom(patients=12)
    write_lidc(tmp_path / "phantom", phantom)
    source = lidc_source(tmp_path / "phantom", LidcRules(), image_size=32)
    sizes, outlines = [], list(read_outlines(choose_scans(phantom)))
    folders = {scan.number: find_series(tmp_path / "phantom", scan) for scan in choose_scans(phantom)}
    for outline in outlines:
        patch = outline.patch
        sizes.append((folders[patch.scan] / f"{patch.slice + 1:03d}.dcm").stat().st_size)
    means = np.concatenate([item.work().images.mean(axis=(1, 2)) for item in source.items])
    features = np.column_stack([means, sizes, np.arange(len(means))])
    classifier = make_pipeline(StandardScaler(), LogisticRegression())
    chosen = cross_val_predict(classifier, features, source.labels, groups=source.subjects, cv=GroupKFold(6))
    majority = max(source.labels.mean(), 1 - source.labels.mean())
    margin = 2 * np.sqrt(majority * (1 - majority) / len(means))
    assert majority + margin >= (chosen == source.labels).mean()


# The ideal observer


@pytest.fixture(scope="module")
def cases():
    """Outlines with the spacing of their scans."""
    scans = choose_scans(HARD)
    spacings = {scan.number: scan.pixel_spacing for scan in scans}
    return [(outline, spacings[outline.patch.scan]) for outline in read_outlines(scans)]


def test_detectability_is_that_of_the_whole_grid(cases):
    inverse = phantom_observer.correlation(SMALL.noise_power)
    for outline, _ in cases[:3]:
        template = phantom_observer.soften(outline.mask)
        whole = np.zeros((TILE, TILE))
        whole[: template.shape[0], : template.shape[1]] = template
        expected = observer.detectability(whole, SMALL.noise_power)
        assert expected == pytest.approx(phantom_observer.detectability(template, inverse))


def test_noise_has_the_power_that_the_observer_is_shown():
    rng, sum_of_power, count = np.random.default_rng(0), 0.0, 12
    ((outline, _),) = [(o, s) for s in read_scans()[:1] for o in list(read_outlines([s]))[:1]]
    bare = LidcPhantom(patients=5, contrast_hu=0.0)
    for _ in range(count):
        drawn = draw_slice(rng, bare, 0.05, [outline])[:TILE, :TILE]  # 0.05 mm: the noise reaches everywhere
        sum_of_power = sum_of_power + np.abs(fft.fft2(drawn)) ** 2 / TILE**2
    ratio = (sum_of_power / count / bare.noise_power)[bare.noise_power < np.inf]
    assert 1 == pytest.approx(ratio.mean(), abs=5 / np.sqrt(count * TILE**2 / 2))
    low = (sum_of_power / count / bare.noise_power).ravel()[np.argsort(-bare.noise_power, axis=None)[1:61]]
    assert 1 == pytest.approx(low.mean(), abs=5 / np.sqrt(count * 30))


def statistics_of(cases, phantom):
    """Return the matched filter's answers to drawn slices, in standard deviations, and d' of full lesions."""
    rng, inverse = np.random.default_rng(7), phantom_observer.correlation(phantom.noise_power)
    answers = []
    for outline, spacing in cases:
        template = phantom_observer.soften(outline.mask) * phantom.contrast_hu
        plane = np.zeros((TILE, TILE))
        plane[: template.shape[0], : template.shape[1]] = template
        filtered = fft.ifft2(fft.fft2(plane) / phantom.noise_power).real
        detectable = phantom_observer.detectability(template, inverse)
        drawn = np.round(draw_slice(rng, phantom, spacing, [outline])) - BACKGROUND_HU
        top, left = outline.top - 4, outline.left - 4
        around = np.roll(drawn, (-top, -left), axis=(0, 1))
        # What of the filter lies around the lesion: a window of half a tile on all sides of its first pixel.
        half = TILE // 2
        window = np.roll(around, (half, half), axis=(0, 1))[:TILE, :TILE]
        response = (np.roll(filtered, (half, half), axis=(0, 1)) * window).sum()
        answers.append((response / detectable, detectable))
    return np.array(answers).T


@pytest.mark.slow
def test_an_observer_of_drawn_slices_reaches_the_predicted_accuracy(cases):
    statistics, detectable = statistics_of(cases, HARD)
    raters = np.minimum([outline.patch.raters for outline, _ in cases], 4)
    surprise = statistics - raters / 4 * detectable
    assert 0 == pytest.approx(surprise.mean(), abs=4 / np.sqrt(len(cases)))
    assert 1 == pytest.approx(surprise.std(), abs=4 / np.sqrt(2 * len(cases)))
    predicted, reached = [], []
    for (outline, spacing), statistic, d, count in zip(cases, statistics, detectable, raters, strict=True):
        chances = phantom_observer.prior(outline.mask.sum() * spacing**2)
        weights = chances * np.exp(-((statistic - np.arange(1, 5) / 4 * d) ** 2) / 2)
        reached.append((weights[1:].sum() > weights[0]) == (count >= 2))
        predicted.append(phantom_observer.accuracies(d, chances, count, 0.0)[1])
    error = np.sqrt((np.array(predicted) * (1 - np.array(predicted))).sum()) / len(cases)
    assert np.mean(predicted) == pytest.approx(np.mean(reached), abs=3 * error)


@pytest.mark.parametrize("label_noise", [0.0, 0.2])
@pytest.mark.parametrize("raters", [1, 2, 4, 6])
def test_the_predicted_accuracy_is_that_of_simulated_answers(raters, label_noise):
    rng, detectable, chances = np.random.default_rng(5), 7.0, np.array([0.2, 0.2, 0.25, 0.35])
    recorded, count = min(raters, 4), 100_000
    other = rng.random(count) < label_noise
    levels = np.where(other, 1 if recorded > 1 else rng.integers(2, 5, count), recorded)
    answers = rng.normal(levels / 4 * detectable)
    density = np.exp(-((answers[:, None] - np.arange(1, 5) / 4 * detectable) ** 2) / 2)
    of_one = (1 - label_noise) * density[:, 0] + label_noise * density[:, 1:].mean(axis=1)
    of_many = (1 - label_noise) * density[:, 1:] + label_noise * density[:, :1]
    weights = chances * np.column_stack([of_one, of_many])
    expected = []
    for min_raters in range(1, 5):
        positive = weights[:, min_raters - 1 :].sum(axis=1) > weights[:, : min_raters - 1].sum(axis=1)
        expected.append((positive == (recorded >= min_raters)).mean())
    np.testing.assert_allclose(
        expected, phantom_observer.accuracies(detectable, chances, raters, label_noise), atol=0.008
    )


def test_a_lesion_beyond_doubt_is_always_shown():
    assert [1, 1, 1, 1] == pytest.approx(
        phantom_observer.accuracies(100.0, np.full(4, 0.25), 2, 0.0).tolist()
    )


def test_no_lesion_leaves_the_prior():
    of_two = phantom_observer.accuracies(0.0, np.array([0.7, 0.1, 0.1, 0.1]), 2, 0.0)
    assert [1, 0, 1, 1] == pytest.approx(of_two.tolist(), abs=1e-6)


def test_wrong_amplitudes_make_a_phantom_harder_in_proportion():
    clear = phantom_observer.accuracies(100.0, np.full(4, 0.25), 3, 0.1)
    assert 0.9 == pytest.approx(clear[1])


def test_amplitudes_are_wrong_at_the_rate_asked_for():
    ((outline, spacing),) = [
        (o, s.pixel_spacing) for s in read_scans()[:1] for o in read_outlines([s]) if o.patch.raters == 4
    ][:1]
    phantom = LidcPhantom(patients=5, contrast_hu=1000.0, texture_hu=0.0, noise_hu=1.0, label_noise=0.3)
    rng, levels = np.random.default_rng(2), defaultdict(int)
    rows, columns = outline.patch.row, outline.patch.column
    for _ in range(60):
        drawn = draw_slice(rng, phantom, spacing, [outline])
        levels[round((drawn[rows, columns] - np.median(drawn[drawn != BACKGROUND_HU])) / 250)] += 1
    assert {1, 4} == set(levels)
    assert 0.3 == pytest.approx(levels[1] / 60, abs=3 * np.sqrt(0.21 / 60))


def test_the_manifest_says_what_was_written(root):
    manifest = json.loads((root / "manifest.json").read_text())
    patches = len(list(read_outlines(choose_scans(SMALL))))
    assert (5, patches) == (manifest["redl_phantom"]["patients"], manifest["patches"])
    assert 1 == manifest["ideal_accuracy"]["1"]
    assert all(0.5 < manifest["ideal_accuracy"][str(raters)] < 1 for raters in (2, 3, 4))


def test_the_default_phantom_can_be_learned_but_not_perfectly():
    phantom = LidcPhantom(patients=60)
    scans = choose_scans(phantom)
    spacings = {scan.number: scan.pixel_spacing for scan in scans}
    inverse, bounds = phantom_observer.correlation(phantom.noise_power), []
    for outline in list(read_outlines(scans))[::4]:
        detectable = phantom.contrast_hu * phantom_observer.detectability(
            phantom_observer.soften(outline.mask), inverse
        )
        chances = phantom_observer.prior(outline.mask.sum() * spacings[outline.patch.scan] ** 2)
        bounds.append(phantom_observer.accuracies(detectable, chances, outline.patch.raters, 0.0)[1])
    assert 0.94 < np.mean(bounds) < 0.98
