"""A phantom is laid out as Kaggle's data, follows from its seed, and tells its labels by lesions alone."""

import csv
import hashlib
import json
import threading
from collections import Counter
from pathlib import Path

import numpy as np
import pydicom
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from redl.data import phantom as phantom_module
from redl.data.dicom import read_image
from redl.data.mammogram import Tissue, draw_mammogram
from redl.data.phantom import Phantom, ensure_rsna, write_rsna
from redl.data.rsna import read_cohort
from redl.errors import DataError

SMALL = Phantom(subjects=8, rows=48, columns=40)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A phantom large enough for its proportions to show."""
    root = tmp_path_factory.mktemp("phantom") / "rsna"
    write_rsna(root, Phantom(subjects=120, rows=128, columns=96))
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


def contents(root: Path) -> dict[str, str]:
    files = (path for path in root.rglob("*") if path.is_file())
    return {str(file.relative_to(root)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


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
    assert cohort.synthetic


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


def test_files_are_jpeg_2000_lossless_or_uncompressed(headers):
    syntaxes = {header.file_meta.TransferSyntaxUID for header in headers}
    assert syntaxes == {"1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.1"}


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


def test_no_file_says_when_or_where_it_was_made(headers):
    told = ("Date", "Time", "InstitutionName", "StationName", "PatientName")
    assert not [element.keyword for header in headers for element in header if element.keyword.endswith(told)]


def test_every_image_is_read_as_large_as_asked(cohort):
    assert {read_image(path).shape for path in cohort.paths} == {(128, 96)}


# The difficulty


@pytest.fixture(scope="module")
def clues(cohort, rows):
    """What can be known of an image without looking for a lesion, by name."""
    images = [read_image(path) for path in cohort.paths]
    place = {row["image_id"]: (number, row["machine_id"], row["site_id"]) for number, row in enumerate(rows)}
    number, machine, site = np.array([place[path.stem] for path in cohort.paths], dtype=float).T
    return {
        "mean": [image.mean() for image in images],
        "file size": [path.stat().st_size for path in cohort.paths],
        "row": number,
        "machine": machine,
        "site": site,
    }


def accuracy(clues, cohort) -> float:
    model = make_pipeline(StandardScaler(), LogisticRegression())
    folds = GroupKFold(5)
    return cross_val_score(model, clues, cohort.labels, groups=cohort.subjects, cv=folds).mean()


@pytest.mark.parametrize("name", ["mean", "file size", "row", "machine", "site"])
def test_one_clue_does_not_give_the_label_away(clues, cohort, name):
    majority = 1 - cohort.labels.mean()
    assert accuracy(np.array(clues[name])[:, None], cohort) == pytest.approx(majority, abs=0.05)


def test_all_clues_together_do_not_give_the_label_away(clues, cohort):
    majority = 1 - cohort.labels.mean()
    assert accuracy(np.array(list(clues.values())).T, cohort) == pytest.approx(majority, abs=0.05)


def test_positive_images_have_the_brighter_spots(cohort):
    images = [read_image(path) for path in cohort.paths]
    peaks = np.array([np.quantile(image, 0.999) - image.mean() for image in images])
    assert peaks[cohort.labels == 1].mean() > peaks[cohort.labels == 0].mean() + 0.05


def drawn(seed: int, *, noise: float = 0.0, **changes) -> np.ndarray:
    """Draw the same breast whatever the changes: all that is random comes before what they change."""
    tissue = Tissue(texture=0.08, contrast=0.4, radius=20, noise=noise)
    options = {"lesion": False, "mirrored": False} | changes
    return draw_mammogram(np.random.default_rng(seed), (256, 192), tissue, **options)


def test_a_lesion_brightens_a_small_part_of_the_breast():
    difference = drawn(3, lesion=True) - drawn(3)
    assert 0.005 < np.mean(difference > 0.02) < 0.05
    assert difference.min() == 0


def test_a_lesion_adds_much_less_to_the_mean_than_breasts_differ_by():
    healthy = [drawn(seed).mean() for seed in range(30)]
    added = [drawn(seed, lesion=True).mean() - mean for seed, mean in enumerate(healthy)]
    assert np.std(healthy) > 6 * np.mean(added)


def test_a_right_breast_is_mirrored():
    np.testing.assert_array_equal(drawn(3)[:, ::-1], drawn(3, mirrored=True))


def test_the_air_is_black():
    assert drawn(3, noise=0.01)[:, -1].max() == 0


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


def test_an_interrupted_generation_leaves_nothing(tmp_path, monkeypatch):
    written = []

    def interrupt(path, *_, **__):
        written.append(path)
        if len(written) == 5:
            raise KeyboardInterrupt
        path.touch()

    monkeypatch.setattr(phantom_module, "write_image", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_rsna(tmp_path / "rsna", SMALL)
    assert not list(tmp_path.iterdir())


def test_an_existing_folder_is_never_written_into(tmp_path):
    with pytest.raises(DataError, match=r"exists already; name a new folder$"):
        write_rsna(tmp_path, SMALL)


def test_a_phantom_is_written_once(tmp_path, monkeypatch):
    root = ensure_rsna(tmp_path, SMALL)
    monkeypatch.setattr(phantom_module, "write_rsna", lambda *_: pytest.fail("written again"))
    assert ensure_rsna(tmp_path, SMALL) == root


def test_two_that_ask_at_once_get_one_phantom(tmp_path):
    threads = [threading.Thread(target=ensure_rsna, args=(tmp_path, SMALL)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read_cohort(ensure_rsna(tmp_path, SMALL)).paths) > 16


@pytest.mark.parametrize("change", [{"seed": 1}, {"subjects": 9}, {"contrast": 0.3}])
def test_other_parameters_live_in_another_folder(tmp_path, monkeypatch, change):
    monkeypatch.setattr(phantom_module, "write_rsna", lambda root, _: root.mkdir())
    other = {"subjects": 8, "rows": 48, "columns": 40} | change
    assert ensure_rsna(tmp_path, SMALL) != ensure_rsna(tmp_path, Phantom(**other))


def test_another_format_lives_in_another_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(phantom_module, "write_rsna", lambda root, _: root.mkdir())
    first = ensure_rsna(tmp_path, SMALL)
    monkeypatch.setattr(phantom_module, "FORMAT", phantom_module.FORMAT + 1)
    assert ensure_rsna(tmp_path, SMALL) != first


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"subjects": 4}, "a phantom of 4 subjects: at least 5 are needed"),
        ({"subjects": 8, "rows": 16}, "a phantom of 16x192 pixels: at least 32x32 are needed"),
    ],
)
def test_a_phantom_too_small_is_refused(wrong, message):
    with pytest.raises(DataError, match=f"^{message}$"):
        Phantom(**wrong)
