"""A phantom has the layout of Kaggle's data, follows from its seed, and shows its labels only by lesions."""

import csv
import json
import math
import threading
from collections import Counter
from itertools import accumulate
from pathlib import Path

import numpy as np
import pydicom
import pytest
from filelock import FileLock
from scipy.stats import binomtest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from redl.data.dicom import read_image, write_image
from redl.data.rsna import phantom as phantom_module
from redl.data.rsna import phantom_examinations
from redl.data.rsna.cohort import read_cohort
from redl.data.rsna.phantom import Phantom, ensure_rsna, write_rsna
from redl.data.rsna.phantom_subjects import Subject, draw_subjects
from redl.errors import DataError, RedlError
from tests.helpers.drafts import contents, count_pools, finished, identities, kill_writing

SMALL = Phantom(subjects=8, rows=48, columns=40)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A phantom large enough for its proportions to show."""
    root = tmp_path_factory.mktemp("phantom") / "rsna"
    write_rsna(root, Phantom(subjects=120, rows=48, columns=36))
    return root


@pytest.fixture(scope="module")
def cohort(root):
    return read_cohort(root)


@pytest.fixture(scope="module")
def rows(root):
    with (root / "train.csv").open(newline="") as table:
        return list(csv.DictReader(table))


@pytest.fixture(scope="module")
def headers(root):
    return [pydicom.dcmread(path) for path in sorted(root.glob("train_images/*/*.dcm"))]


@pytest.fixture(scope="module")
def images(cohort):
    return [read_image(path) for path in cohort.paths]


def share(values, wanted) -> float:
    values = list(values)
    return values.count(wanted) / len(values)


# The layout


def test_the_table_has_the_columns_of_the_real_one(rows):
    expected = (
        "site_id patient_id image_id laterality view age cancer biopsy invasive BIRADS implant density "
        "machine_id difficult_negative_case"
    )
    assert " ".join(rows[0]) == expected


def test_every_row_has_its_image_and_every_image_its_row(root, rows):
    listed = {f"{row['patient_id']}/{row['image_id']}.dcm" for row in rows}
    found = {path.relative_to(root / "train_images").as_posix() for path in root.glob("train_images/*/*.dcm")}
    assert listed == found


def test_the_cohort_counts_the_subjects_that_were_asked_for(cohort):
    assert len(np.unique(cohort.subjects)) == 120


def test_some_subjects_are_outside_the_cohort_by_age_and_some_by_birads(rows):
    assert any(row["age"] and int(row["age"]) >= 55 for row in rows)
    assert any(not row["BIRADS"] for row in rows)
    assert any(not row["age"] for row in rows)


def test_a_phantom_is_known_as_synthetic(cohort):
    assert "redl_phantom" in cohort.manifest


def test_the_manifest_holds_the_parameters(root):
    manifest = json.loads((root / "manifest.json").read_text())["redl_phantom"]
    assert (manifest["subjects"], manifest["seed"], manifest["format"]) == (120, 2023, phantom_module.FORMAT)


# The proportions of the paper's cohort


def test_labels_are_constant_within_a_subject(cohort):
    assert len(set(zip(cohort.subjects, cohort.labels, strict=True))) == 120


def test_half_of_the_subjects_are_positive(cohort):
    positive = np.unique(cohort.subjects[cohort.labels == 1])
    assert len(positive) == round(0.494 * 120)


def test_a_third_of_the_images_are_positive(cohort):
    assert cohort.labels.mean() == pytest.approx(1 / 3, abs=0.04)


def test_subjects_have_2_to_14_images(cohort):
    counts = np.bincount(cohort.subjects)
    assert 2 <= counts.min() <= counts.max() <= 14


def test_birads_2_is_rarer_than_1(rows):
    counts = Counter(row["BIRADS"] for row in rows)
    assert 0 < counts["2"] < counts["1"] / 3


def test_density_is_missing_in_part(rows):
    assert share((row["density"] for row in rows), "") == pytest.approx(0.46, abs=0.15)


def test_a_machine_stands_at_one_site(rows):
    assert len({row["machine_id"] for row in rows}) == len(
        {(row["machine_id"], row["site_id"]) for row in rows}
    )


@pytest.mark.parametrize(("column", "values"), [("laterality", {"L", "R"}), ("view", {"CC", "MLO"})])
def test_both_sides_and_both_views_are_there(rows, column, values):
    assert {row[column] for row in rows} == values


# The files


def test_files_are_of_every_transfer_syntax_that_is_read(headers):
    syntaxes = {header.file_meta.TransferSyntaxUID.name for header in headers}
    assert syntaxes == {
        "JPEG 2000 Image Compression (Lossless Only)",
        "JPEG Lossless, Non-Hierarchical, First-Order Prediction (Process 14 [Selection Value 1])",
        "Explicit VR Little Endian",
        "Deflated Explicit VR Little Endian",
        "RLE Lossless",
    }


def test_a_machine_writes_one_transfer_syntax(headers, rows):
    machine = {row["patient_id"]: row["machine_id"] for row in rows}
    pairs = {(machine[header.PatientID], header.file_meta.TransferSyntaxUID) for header in headers}
    assert len(pairs) == len({number for number, _ in pairs})


def test_both_photometric_interpretations_are_there(headers):
    assert {header.PhotometricInterpretation for header in headers} == {"MONOCHROME1", "MONOCHROME2"}


def test_about_a_fifth_of_the_windows_are_sigmoid(headers):
    assert share((header.VOILUTFunction for header in headers), "SIGMOID") == pytest.approx(0.22, abs=0.1)


def test_files_hold_12_of_16_bits(headers):
    assert {(header.BitsStored, header.BitsAllocated) for header in headers} == {(12, 16)}


def test_unique_identifiers_are_unique(headers):
    assert len({header.SOPInstanceUID for header in headers}) == len(headers)


def test_no_file_shows_when_or_where_it_was_made(headers):
    revealing = ("Date", "Time", "InstitutionName", "StationName", "PatientName")
    assert not [
        element.keyword for header in headers for element in header if element.keyword.endswith(revealing)
    ]


def test_every_image_is_read_as_large_as_asked(images):
    assert {image.shape for image in images} == {(48, 36)}


# Only the lesions show the label


def test_positive_images_have_the_brighter_spots(cohort, images):
    peaks = np.array([np.quantile(image, 0.999) - image.mean() for image in images])
    assert peaks[cohort.labels == 1].mean() > peaks[cohort.labels == 0].mean() + 0.05


def table_clues(root: Path) -> dict[str, np.ndarray]:
    """Return what the table says about each image, one or more columns by name."""
    cohort = read_cohort(root)
    with (root / "train.csv").open(newline="") as table:
        rows = {row["image_id"]: (number, row) for number, row in enumerate(csv.DictReader(table))}
    order, table = zip(*(rows[path.stem] for path in cohort.paths), strict=True)
    clues = {
        "order": [[number, number % 2] for number in order],
        "file name": [[int(path.stem), int(path.stem) % 2, *map(int, path.stem)] for path in cohort.paths],
        "folder": [[int(path.parent.name), *map(int, path.parent.name)] for path in cohort.paths],
        "machine": [[row["machine_id"] == machine for machine in MACHINES] for row in table],
        "site": [[int(row["site_id"])] for row in table],
        "view": [[row["view"] == "CC", row["laterality"] == "L"] for row in table],
        "number of images": np.bincount(cohort.subjects)[cohort.subjects][:, None],
    }
    return {name: np.asarray(columns, dtype=float) for name, columns in clues.items()}


def file_clues(root: Path) -> dict[str, np.ndarray]:
    """Return what the files show of each image without looking for a lesion."""
    paths = read_cohort(root).paths
    headers = [pydicom.dcmread(path, stop_before_pixels=True) for path in paths]
    tags = sorted({element.keyword for header in headers for element in (*header.file_meta, *header)})
    return {
        "mean": np.array([[read_image(path).mean()] for path in paths]),
        "file size": np.array([[path.stat().st_size] for path in paths], dtype=float),
        "tags": np.stack([ordinal([value_of(header, tag) for header in headers]) for tag in tags], axis=1),
    }


MACHINES = ("49", "48", "21", "93", "216", "29")


def value_of(header, tag):
    value = header.get(tag, header.file_meta.get(tag, 0))
    return float(value) if isinstance(value, int | float) else str(value)


def ordinal(values) -> np.ndarray:
    """Return numbers as they are and words by their alphabetical order."""
    return np.array(values) if isinstance(values[0], float) else np.unique(values, return_inverse=True)[1]


LEARNERS = {
    "linear": make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)),
    "trees": HistGradientBoostingClassifier(max_iter=20, max_leaf_nodes=8, random_state=0),
}


def accuracy(clues, cohort, learner) -> float:
    folds = GroupKFold(5)
    return cross_val_score(LEARNERS[learner], clues, cohort.labels, groups=cohort.subjects, cv=folds).mean()


EVEN = Phantom(subjects=200, rows=32, columns=32, even_counts=True)


@pytest.fixture(scope="module")
def even_root(tmp_path_factory):
    root = tmp_path_factory.mktemp("even") / "rsna"
    write_rsna(root, EVEN)
    return root


@pytest.fixture(scope="module")
def even_cohort(even_root):
    return read_cohort(even_root)


@pytest.fixture(scope="module")
def clues(even_root):
    return table_clues(even_root) | file_clues(even_root)


def chance(cohort) -> float:
    """Return the highest accuracy to expect of guessing: three standard errors over the majority class.

    A subject's images share their label, so that subjects are what is counted.
    """
    subjects = len(np.unique(cohort.subjects))
    share = cohort.labels.mean()
    return max(share, 1 - share) + 3 * math.sqrt(share * (1 - share) / subjects)


CLUES = (
    *("mean", "file size", "order", "file name", "folder", "tags"),
    *("machine", "site", "view", "number of images"),
)


@pytest.mark.slow
@pytest.mark.parametrize("learner", LEARNERS)
@pytest.mark.parametrize("name", CLUES)
def test_one_clue_does_not_give_the_label_away(clues, even_cohort, name, learner):
    assert accuracy(clues[name], even_cohort, learner) < chance(even_cohort)


@pytest.mark.slow
@pytest.mark.parametrize("learner", LEARNERS)
def test_all_clues_together_do_not_give_the_label_away(clues, even_cohort, learner):
    assert accuracy(np.hstack(list(clues.values())), even_cohort, learner) < chance(even_cohort)


def test_no_clue_is_forgotten(clues):
    assert set(CLUES) == set(clues)


@pytest.fixture(scope="module")
def leaking_root(tmp_path_factory):
    """Write a phantom whose files are empty, because only the table matters."""
    root = tmp_path_factory.mktemp("leaking") / "rsna"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(phantom_examinations, "write_image", lambda path, *_, **__: path.touch())
        write_rsna(root, Phantom(subjects=400, rows=32, columns=32, site_leak=True, even_counts=True))
    return root


@pytest.mark.slow
@pytest.mark.parametrize("learner", LEARNERS)
@pytest.mark.parametrize("name", ["site", "machine"])
def test_a_site_leak_gives_the_label_away(leaking_root, name, learner):
    cohort = read_cohort(leaking_root)
    assert accuracy(table_clues(leaking_root)[name], cohort, learner) > chance(cohort)


def test_the_number_of_images_gives_the_label_away_as_in_the_real_data(cohort):
    counts = np.bincount(cohort.subjects)[cohort.subjects][:, None]
    assert accuracy(counts, cohort, "trees") > chance(cohort)


# Who is in it


def roster(subjects: int = 2000, **changes) -> list[Subject]:
    options = {"prevalence": 0.494, "label_noise": 0.0, "site_leak": False, "even_counts": False}
    drawn = draw_subjects(np.random.default_rng(5), subjects, **options | changes)
    return [subject for subject in drawn if subject.in_cohort]


@pytest.mark.parametrize("prevalence", [0.1, 0.494, 0.8])
def test_the_prevalence_is_as_asked(prevalence):
    assert share((subject.birads == 0 for subject in roster(prevalence=prevalence)), True) == prevalence


def test_without_label_noise_what_is_recorded_is_so():
    assert all((subject.birads == 0) == subject.lesions for subject in roster())


@pytest.mark.parametrize("lesions", [False, True])
def test_labels_are_wrong_at_the_rate_asked_for_on_either_side(lesions):
    subjects = [subject for subject in roster(label_noise=0.2) if subject.lesions == lesions]
    wrong = sum((subject.birads == 0) != subject.lesions for subject in subjects)
    interval = binomtest(wrong, len(subjects)).proportion_ci(0.999)
    assert interval.low < 0.2 < interval.high


def test_the_number_of_images_follows_the_recorded_label():
    counts = {(s.lesions, s.birads == 0): [] for s in roster(label_noise=0.2)}
    for subject in roster(label_noise=0.2):
        counts[subject.lesions, subject.birads == 0].append(subject.images)
    means = {
        recorded: (np.mean(counts[False, recorded]), np.mean(counts[True, recorded])) for recorded in (0, 1)
    }
    assert means[1] == pytest.approx((2.5, 2.5), abs=0.2)
    assert means[0] == pytest.approx((4.9, 4.9), abs=0.3)


def test_even_counts_are_the_same_for_both_labels():
    counts = {label: [s.images for s in roster(even_counts=True) if s.lesions == label] for label in (0, 1)}
    assert np.mean(counts[0]) == pytest.approx(np.mean(counts[1]), abs=0.3)


def test_a_site_leak_is_that_of_the_real_data():
    subjects = roster(site_leak=True)
    images = Counter()
    for subject in subjects:
        images[subject.machine.site, subject.birads == 0] += subject.images
    assert images[2, False] == 0
    assert images[2, True] / images.total() == pytest.approx(1342 / 11856, abs=0.02)
    assert images[1, True] / (images[1, True] + images[1, False]) == pytest.approx(0.248, abs=0.02)


def test_without_a_leak_every_site_has_the_prevalence_of_all():
    site_2 = [subject for subject in roster() if subject.machine.site == 2]
    assert share((subject.lesions for subject in site_2), True) == pytest.approx(0.494, abs=0.09)


# The best that can be done


def ideal(**changes) -> dict:
    """Return what the manifest says of a phantom whose lesions are at the verge of detection."""
    options = {"subjects": 400, "rows": 32, "columns": 32, "contrast": 0.12, "even_counts": True}
    return phantom_module._manifest(Phantom(**options | changes))["ideal_accuracy"]


def test_the_manifest_says_how_well_the_best_observer_does(root):
    found = json.loads((root / "manifest.json").read_text())["ideal_accuracy"]
    assert set(found) == {"accuracy", "standard_error", "samples", "observer"}
    assert found["accuracy"] == pytest.approx(1, abs=1e-3)


def test_the_manifest_names_the_data_set(root):
    assert json.loads((root / "manifest.json").read_text())["dataset"] == "rsna"


def test_the_higher_the_contrast_the_better_the_best_observer():
    accuracies = [ideal(contrast=contrast)["accuracy"] for contrast in (0.0, 0.12, 0.16)]
    assert accuracies == sorted(set(accuracies))


def test_a_middling_contrast_has_a_middling_accuracy_and_an_error():
    found = ideal()
    assert 0.75 < found["accuracy"] < 0.97
    assert 0 < found["standard_error"] < 0.02


def test_without_contrast_the_majority_is_the_best(tmp_path):
    phantom = Phantom(subjects=20, rows=32, columns=32, contrast=0.0)
    write_rsna(tmp_path / "rsna", phantom)
    labels = read_cohort(tmp_path / "rsna").labels
    expected = max(labels.mean(), 1 - labels.mean())
    assert phantom_module._manifest(phantom)["ideal_accuracy"]["accuracy"] == pytest.approx(
        expected, abs=1e-6
    )


def test_label_noise_caps_the_ideal_accuracy_at_the_share_of_right_labels():
    noise = {"label_noise": 0.2, "even_counts": True, "subjects": 400}
    subjects = [s for s in phantom_module._subjects_and_seeds(Phantom(**noise))[0] if s.in_cohort]
    right = sum(s.images for s in subjects if s.lesions == (s.birads == 0))
    expected = right / sum(s.images for s in subjects)
    assert ideal(contrast=0.6, **noise)["accuracy"] == pytest.approx(expected, abs=1e-3)
    assert expected == pytest.approx(0.8, abs=0.06)


def test_a_site_leak_raises_the_ideal_accuracy():
    leaking = ideal(contrast=0.0, site_leak=True)
    assert leaking["accuracy"] == pytest.approx(0.506 + 0.494 * 1342 / 3953, abs=0.06)
    assert "knows the site" in leaking["observer"]


# Repeatable, and whole or absent


def test_equal_phantoms_are_equal_to_the_last_byte(tmp_path):
    for name in ("one", "two"):
        write_rsna(tmp_path / name, SMALL)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_another_seed_gives_another_phantom(tmp_path):
    write_rsna(tmp_path / "one", SMALL)
    write_rsna(tmp_path / "two", Phantom(subjects=8, rows=48, columns=40, seed=1))
    one, two = ({*contents(tmp_path / name).values()} for name in ("one", "two"))
    assert not one & two


def interrupt(root, phantom, *, after):
    """Begin to write a phantom, and stop as if by Ctrl-C at its image number `after`."""
    written = []

    def write(path, *arguments, **options):
        written.append(path)
        if len(written) == after:
            raise KeyboardInterrupt
        write_image(path, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(phantom_examinations, "write_image", write)
        with pytest.raises(KeyboardInterrupt):
            write_rsna(root, phantom)


def test_an_interrupted_write_leaves_a_draft_and_no_phantom(tmp_path):
    interrupt(tmp_path / "rsna", SMALL, after=9)
    (draft,) = tmp_path.iterdir()
    assert draft.name.startswith("rsna-")
    assert draft.suffix == ".draft"


def test_an_interrupted_write_resumes_to_the_same_bytes(tmp_path):
    write_rsna(tmp_path / "undisturbed", SMALL)
    interrupt(tmp_path / "rsna", SMALL, after=9)
    write_rsna(tmp_path / "rsna", SMALL)
    assert contents(tmp_path / "undisturbed") == contents(tmp_path / "rsna")
    assert {path.name for path in tmp_path.iterdir()} == {"undisturbed", "rsna"}


def test_a_resumed_write_counts_from_what_is_done(tmp_path):
    interrupt(tmp_path / "rsna", SMALL, after=9)
    done = len(finished(tmp_path))
    heard = []
    write_rsna(tmp_path / "rsna", SMALL, on_progress=lambda *counts: heard.append(counts))
    total = len(list(tmp_path.rglob("*.dcm")))
    assert 0 < done < 9
    assert (heard[0], heard[-1]) == ((done, total), (total, total))


def test_another_phantom_does_not_resume_from_the_draft(tmp_path):
    other = Phantom(subjects=8, rows=48, columns=40, seed=1)
    interrupt(tmp_path / "rsna", SMALL, after=9)
    for name in ("rsna", "undisturbed"):
        write_rsna(tmp_path / name, other)
    assert contents(tmp_path / "undisturbed") == contents(tmp_path / "rsna")


def test_a_phantom_in_the_cache_resumes_too(tmp_path, monkeypatch):
    monkeypatch.setattr(phantom_module, "_write_table", lambda *_: pytest.fail("interrupted"))
    with pytest.raises(pytest.fail.Exception):
        ensure_rsna(tmp_path, SMALL)
    monkeypatch.undo()
    before = finished(tmp_path)
    root = ensure_rsna(tmp_path, SMALL)
    assert before == identities(root)


@pytest.mark.slow
def test_a_killed_write_resumes_without_drawing_a_finished_subject_again(tmp_path):
    phantom = Phantom(subjects=30, rows=256, columns=192)
    before = kill_writing(
        tmp_path,
        "from pathlib import Path\nfrom redl.data.rsna.phantom import Phantom, write_rsna",
        f"write_rsna(Path({str(tmp_path / 'rsna')!r}), {phantom!r}, processes=2)",
        after=10,
    )
    assert not (tmp_path / "rsna").exists()
    write_rsna(tmp_path / "rsna", phantom, processes=1)
    write_rsna(tmp_path / "undisturbed", phantom, processes=1)
    after = identities(tmp_path / "rsna")
    assert 10 <= len(before) < len(after)
    assert before.items() <= after.items()
    assert contents(tmp_path / "undisturbed") == contents(tmp_path / "rsna")


def test_two_do_not_write_into_one_draft(tmp_path):
    interrupt(tmp_path / "rsna", SMALL, after=9)
    (draft,) = tmp_path.iterdir()
    with (
        FileLock(draft / "lock"),
        pytest.raises(DataError, match=r"rsna: another process is writing it; wait until it ends$"),
    ):
        write_rsna(tmp_path / "rsna", SMALL)


# On all cores


def test_the_number_of_processes_changes_no_byte(tmp_path):
    for processes in (1, 2):
        write_rsna(tmp_path / str(processes), SMALL, processes=processes)
    assert contents(tmp_path / "1") == contents(tmp_path / "2")


@pytest.fixture
def started(monkeypatch):
    """Return the sizes of the pools that are started on a machine of 6 processors."""
    return count_pools(monkeypatch)


def test_the_smallest_profile_is_written_without_starting_a_process(tmp_path, started):
    write_rsna(tmp_path / "rsna", Phantom(subjects=24, rows=128, columns=96))
    assert [] == started


def test_a_large_phantom_is_written_on_all_cores(tmp_path, started):
    with pytest.raises(
        RedlError, match=r"^subject 10000 of the phantom: a process dies of it; free some memory$"
    ):
        write_rsna(tmp_path / "rsna", Phantom(subjects=60, rows=512, columns=384))
    assert [6] == started


def test_an_existing_folder_is_never_written_into(tmp_path):
    with pytest.raises(DataError, match=r"exists already; name a new folder$"):
        write_rsna(tmp_path, SMALL)


def test_a_phantom_is_written_once(tmp_path, monkeypatch):
    root = ensure_rsna(tmp_path, SMALL)
    monkeypatch.setattr(phantom_module, "write_rsna", lambda *_, **__: pytest.fail("written again"))
    assert ensure_rsna(tmp_path, SMALL) == root


def test_two_that_ask_at_once_get_one_phantom(tmp_path):
    threads = [threading.Thread(target=ensure_rsna, args=(tmp_path, SMALL)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read_cohort(ensure_rsna(tmp_path, SMALL)).paths) > 16


def test_progress_is_reported_in_images_subject_by_subject(tmp_path):
    heard = []
    root = ensure_rsna(tmp_path, SMALL, on_progress=lambda *done: heard.append(done))
    counts = [len(list(folder.iterdir())) for folder in sorted((root / "train_images").iterdir())]
    assert heard == [(done, sum(counts)) for done in accumulate(counts, initial=0)]


@pytest.mark.parametrize("change", [{"seed": 1}, {"subjects": 9}, {"contrast": 0.3}, {"site_leak": True}])
def test_other_parameters_live_in_another_folder(tmp_path, monkeypatch, change):
    monkeypatch.setattr(phantom_module, "write_rsna", lambda root, _, **__: root.mkdir())
    other = {"subjects": 8, "rows": 48, "columns": 40} | change
    assert ensure_rsna(tmp_path, SMALL) != ensure_rsna(tmp_path, Phantom(**other))


def test_another_format_lives_in_another_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(phantom_module, "write_rsna", lambda root, _, **__: root.mkdir())
    first = ensure_rsna(tmp_path, SMALL)
    monkeypatch.setattr(phantom_module, "FORMAT", phantom_module.FORMAT + 1)
    assert ensure_rsna(tmp_path, SMALL) != first


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"subjects": 4}, "a phantom of 4 subjects: at least 5 are needed"),
        ({"rows": 16}, "a phantom of 16x192 pixels: at least 32x32 are needed"),
        ({"seed": -1}, "a phantom of seed -1: choose 0 or more"),
        ({"prevalence": 1.5}, "a phantom of prevalence 1.5: choose one from 0 to 1"),
        (
            {"prevalence": 0.01},
            "a phantom of prevalence 0.01: it leaves a class without subjects; add subjects",
        ),
        ({"contrast": -0.1}, "a phantom of contrast -0.1: choose one from 0 to 1"),
        ({"texture": math.nan}, "a phantom of texture nan: choose one from 0 to 1"),
        ({"noise": 0.0}, "a phantom of noise 0.0: choose one from 0.0001 to 1"),
        ({"label_noise": 0.5}, "a phantom of label_noise 0.5: choose one from 0 to 0.49"),
        (
            {"radius_fraction": 0.3},
            "a phantom of radius_fraction 0.3: lesions of 76.8 pixels in radius; choose 1 to 48",
        ),
        (
            {"radius_fraction": 0.001},
            "a phantom of radius_fraction 0.001: lesions of 0.3 pixels in radius; choose 1 to 48",
        ),
    ],
)
def test_a_phantom_that_cannot_be_is_refused(wrong, message):
    with pytest.raises(DataError) as refusal:
        Phantom(**{"subjects": 8} | wrong)
    assert message == str(refusal.value)
