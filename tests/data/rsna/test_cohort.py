"""The cohort is the paper's, and a folder that is not Kaggle's is refused in one line."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from redl.data.rsna.cohort import NEEDED_COLUMNS, CohortRules, check_root, read_cohort, rsna_source
from redl.data.rsna.phantom import Phantom, write_rsna
from redl.data.source import MISSING
from redl.errors import DataError, OptionError

# patient, image, age, BIRADS
ROWS = [
    (90, 501, 40, 0),
    (90, 502, 40, 0),
    (7, 503, 54, 1),
    (7, 504, 54, 1),
    (33, 505, 30, 2),
    (50, 506, 55, 0),
    (51, 507, 40, ""),
    (52, 508, "", 1),
]
IN_COHORT = [row for row in ROWS if row[1] <= 505]


def write_table(root: Path, rows, columns=NEEDED_COLUMNS) -> None:
    with (root / "train.csv").open("w", newline="") as file:
        csv.writer(file).writerows([columns, *rows])


@pytest.fixture
def root(tmp_path):
    """Kaggle's layout with empty image files: no test opens them."""
    write_table(tmp_path, ROWS)
    for patient, image, _, _ in IN_COHORT:
        file = tmp_path / "train_images" / str(patient) / f"{image}.dcm"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return tmp_path


def refusal(call, root: Path) -> str:
    with pytest.raises(DataError) as caught:
        call(root)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# What is read


def test_the_cohort_is_younger_than_55_with_a_known_birads(root):
    names = [path.name for path in read_cohort(root).paths]
    assert names == [f"{image}.dcm" for _, image, _, _ in IN_COHORT]


def test_follow_up_is_birads_0(root):
    assert read_cohort(root).labels.tolist() == [1, 1, 0, 0, 0]


def test_subjects_are_counted_from_0_by_patient(root):
    assert read_cohort(root).subjects.tolist() == [2, 2, 0, 0, 1]


def test_labels_are_uint8_and_subjects_int32(root):
    cohort = read_cohort(root)
    assert (cohort.labels.dtype, cohort.subjects.dtype) == (np.uint8, np.int32)


def test_images_outside_the_cohort_need_no_file(root):
    assert not (root / "train_images" / "50").exists()
    assert {"missing"}.isdisjoint(item.stamp for item in described(root).items)


@pytest.mark.parametrize(
    ("rules", "images"),
    [
        (CohortRules(max_age=56), [501, 502, 503, 504, 505, 506]),
        (CohortRules(max_age=None), [501, 502, 503, 504, 505, 506, 508]),
        (CohortRules(max_age=40), [505]),
        (CohortRules(site=2), [503, 504]),
        (CohortRules(site=2, max_age=None), [503, 504, 508]),
    ],
)
def test_other_rules_choose_another_cohort(root, rules, images):
    write_table(root, [(*row, 2 if row[0] in {7, 52} else 1) for row in ROWS], (*NEEDED_COLUMNS, "site_id"))
    assert [f"{image}.dcm" for image in images] == [path.name for path in read_cohort(root, rules).paths]


def test_a_site_needs_its_column(root):
    message = refusal(lambda folder: check_root(folder, CohortRules(site=1)), root)
    assert "train.csv: has no column site_id; download it again" == message


def test_no_one_is_younger_than_nothing():
    with pytest.raises(OptionError, match=r"^a cohort younger than 0: give an age above 0$"):
        CohortRules(max_age=0)


# The source


def described(root, *, crop=True, **rules):
    return rsna_source(root, rules=CohortRules(**rules), image_size=16, crop=crop)


def test_each_image_is_an_item_called_by_its_file(root):
    assert [f"{row[1]}.dcm" for row in IN_COHORT] == [item.name for item in described(root).items]


def test_a_touched_file_has_another_stamp_and_the_others_do_not(root):
    before = [item.stamp for item in described(root).items]
    (root / "train_images" / "33" / "505.dcm").write_bytes(b"1")
    after = [item.stamp for item in described(root).items]
    assert [True, True, True, True, False] == [one == two for one, two in zip(before, after, strict=True)]


def test_a_missing_file_is_an_item_that_says_so(root):
    (root / "train_images" / "33" / "505.dcm").unlink()
    *_, last = described(root).items
    assert MISSING == last.stamp
    with pytest.raises(DataError, match=r"^505.dcm: its file is not there"):
        last.work()


def test_the_rules_are_listed_among_the_options(root):
    assert {"max_age": 41, "site": None, "crop": False} == described(root, crop=False, max_age=41).options


def test_an_item_shows_no_patient(root):
    assert "train_images" not in repr(described(root).items)


def test_the_ideal_accuracy_is_the_manifests(root):
    (root / "manifest.json").write_text('{"redl_phantom": {}, "ideal_accuracy": {"accuracy": 0.91}}')
    assert (True, 0.91) == (described(root).synthetic, described(root).ideal_accuracy)


def test_the_ideal_accuracy_is_not_that_of_another_cohort(root):
    (root / "manifest.json").write_text('{"redl_phantom": {}, "ideal_accuracy": {"accuracy": 0.91}}')
    assert described(root, max_age=50).ideal_accuracy is None


def test_a_phantom_without_its_ideal_accuracy_is_refused(root):
    (root / "manifest.json").write_text('{"redl_phantom": {}}')
    assert refusal(described, root) == "manifest.json: holds no ideal accuracy; generate the phantom again"


def test_patients_have_no_ideal_accuracy(root):
    assert (False, None) == (described(root).synthetic, described(root).ideal_accuracy)


def test_an_item_makes_its_image(tmp_path):
    write_rsna(tmp_path / "rsna", Phantom(subjects=8, rows=48, columns=40))
    images = [item.work().images for item in described(tmp_path / "rsna").items]
    assert {((1, 16, 16), "uint8")} == {(image.shape, image.dtype.name) for image in images}


def test_only_the_needed_columns_are_needed_in_any_order(root):
    write_table(root, [(row[3], "x", *row[:3]) for row in ROWS], ("BIRADS", "site_id", *NEEDED_COLUMNS[:3]))
    assert read_cohort(root).labels.tolist() == [1, 1, 0, 0, 0]


def test_a_byte_order_mark_is_not_part_of_the_first_column(root):
    table = root / "train.csv"
    table.write_bytes(b"\xef\xbb\xbf" + table.read_bytes())
    assert len(read_cohort(root).paths) == 5


def test_data_without_a_manifest_are_not_synthetic(root):
    assert not read_cohort(root).manifest


def test_a_phantoms_manifest_makes_data_synthetic(root):
    (root / "manifest.json").write_text('{"redl_phantom": {}}')
    assert read_cohort(root).manifest


def test_anothers_manifest_does_not_make_data_synthetic(root):
    (root / "manifest.json").write_text('{"files": 3}')
    assert not read_cohort(root).manifest


def test_a_cohort_printed_shows_no_patient(root):
    assert "train_images" not in repr(read_cohort(root))


def test_a_good_folder_passes_the_check(root):
    check_root(root)


def test_the_check_imports_neither_pandas_nor_pydicom_nor_torch():
    heavy = {"pandas", "pydicom", "torch", "scipy"}
    code = f"import sys, redl.data.rsna.cohort; print(*{heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


# What is refused, by the check at start-up and by the reader alike

both = pytest.mark.parametrize("call", [check_root, read_cohort])


@both
def test_a_missing_folder_is_refused_with_where_to_get_the_data(tmp_path, call):
    message = refusal(call, tmp_path / "nowhere")
    assert message.startswith(f"{tmp_path / 'nowhere'}: no such folder; download 'RSNA Screening Mammography")
    assert message.endswith("or leave the folder out to use the phantom")


@both
def test_a_file_is_no_folder(tmp_path, call):
    (tmp_path / "archive.zip").touch()
    assert "no such folder" in refusal(call, tmp_path / "archive.zip")


@both
def test_a_folder_without_the_table_is_refused(root, call):
    (root / "train.csv").unlink()
    assert refusal(call, root).startswith(f"{root}: holds no train.csv; download 'RSNA")


@both
def test_a_missing_column_is_refused_by_its_name(root, call):
    write_table(root, [row[:2] for row in ROWS], NEEDED_COLUMNS[:2])
    assert refusal(call, root) == "train.csv: has no column age, BIRADS; download it again"


@both
def test_an_empty_table_is_refused(root, call):
    (root / "train.csv").write_bytes(b"")
    assert "has no column patient_id, image_id, age, BIRADS" in refusal(call, root)


@both
def test_a_table_that_is_not_text_is_refused(root, call):
    (root / "train.csv").write_bytes(b"\xff\xfe\x00\x81PK")
    assert refusal(call, root) == "train.csv: cannot be read (UnicodeDecodeError); download it again"


# What is refused by the reader


@pytest.mark.parametrize(
    "row", [("DOE", 1, 40, 0), (1, "x", 40, 0), (1, 1, "forty", 0), (1, 1, 40, "B"), ("", 1, 40, 0)]
)
def test_a_value_that_is_no_number_is_refused_without_quoting_it(root, row):
    write_table(root, [*ROWS, row])
    expected = (
        "train.csv: patient_id, image_id and site_id must be whole numbers, age and BIRADS numbers or empty "
        "(ValueError); download it again"
    )
    assert refusal(read_cohort, root) == expected


def test_a_table_cut_within_a_quote_is_refused(root):
    with (root / "train.csv").open("a") as table:
        table.write('1,"2')
    assert "(ParserError)" in refusal(read_cohort, root)


def test_a_repeated_image_is_refused(root):
    write_table(root, [*ROWS, ROWS[2]])
    expected = "train.csv: 1 rows repeat an image, 503.dcm first; keep one row of each"
    assert refusal(read_cohort, root) == expected


def test_an_unknown_birads_is_refused(root):
    write_table(root, [*ROWS, (1, 1, 40, 4)])
    expected = "train.csv: BIRADS holds values other than 0, 1 and 2; download it again"
    assert refusal(read_cohort, root) == expected


def test_an_empty_cohort_is_refused(root):
    write_table(root, [row for row in ROWS if row not in IN_COHORT])
    expected = "train.csv: no row is younger than 55, with a BIRADS; use the whole table or other rules"
    assert refusal(read_cohort, root) == expected


def test_a_damaged_manifest_does_not_pass_for_real_data(root):
    (root / "manifest.json").write_text('{"redl_ph')
    expected = "manifest.json: cannot be read (no JSON); generate the phantom again"
    assert refusal(read_cohort, root) == expected


def test_a_patient_of_40_digits_is_refused_without_a_value(root):
    write_table(root, [("9" * 40, *ROWS[0][1:]), *ROWS[1:]])
    with pytest.raises(
        DataError, match=r"^train\.csv: patient_id, image_id and site_id must be whole"
    ) as caught:
        described(root)
    assert "99" not in str(caught.value)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to(os.devnull)])
def test_a_table_that_is_no_file_is_refused_and_not_waited_for(root, make):
    (path := root / "train.csv").unlink()
    make(path)
    expected = "train.csv: not a file but a folder, a pipe or a device; download it again"
    assert expected == refusal(check_root, root)
    assert expected == refusal(described, root)


def test_an_image_that_is_a_link_out_of_the_folder_is_refused(root, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "1.dcm"
    elsewhere.write_bytes(b"1")
    (path := root / "train_images" / "33" / "505.dcm").unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(elsewhere)
    with pytest.raises(DataError, match=r"^505\.dcm: a link leads out of .*; copy its file there$"):
        described(root)


def test_a_manifest_of_endless_depth_is_refused(root):
    (root / "manifest.json").write_text("[" * 100_000)
    with pytest.raises(DataError, match=r"^manifest\.json: cannot be read .no JSON.; generate the phantom"):
        described(root)


def test_a_phantom_better_than_perfect_is_refused(root):
    (root / "manifest.json").write_text('{"redl_phantom": {}, "ideal_accuracy": {"accuracy": 9.1}}')
    assert refusal(described, root) == "manifest.json: holds no ideal accuracy; generate the phantom again"
