"""A cohort is counted from its table, beside what is known of the real one."""

import csv
from functools import partial

import numpy as np
import pytest
from msgspec.structs import asdict

from redl.data.rsna.cohort import CohortRules
from redl.data.rsna.description import (
    PUBLISHED,
    Difference,
    Group,
    Shortcut,
    describe_cohort,
    find_differences,
    majority_accuracy,
    sample_images,
)
from redl.data.source import Images, Item, Source
from redl.errors import DataError
from tests.helpers.workers import die

COLUMNS = (
    "patient_id",
    "image_id",
    "age",
    "BIRADS",
    "site_id",
    "machine_id",
    "view",
    "laterality",
    "implant",
)

ROWS = [
    (90, 501, 40, 0, 1, 49, "CC", "L", 0),
    (90, 502, 40, 0, 1, 49, "MLO", "L", 1),
    (7, 503, 54, 1, 1, 49, "CC", "R", 0),
    (33, 504, 30, 2, 1, 21, "AT", "R", 0),
    (34, 505, 31, 1, 1, 21, "CC", "R", 0),
    (35, 506, 26, 0, 2, 29, "CC", "L", 1),
    (50, 507, 55, 0, 2, 29, "CC", "L", 1),
    (51, 508, 40, "", 2, 29, "CC", "L", 1),
    (52, 509, "", 1, 2, 29, "CC", "L", 1),
]
ALL = CohortRules()


def write_table(root, rows=ROWS, columns=COLUMNS):
    kept = [COLUMNS.index(column) for column in columns]
    with (root / "train.csv").open("w", newline="") as file:
        csv.writer(file).writerows([columns, *([row[place] for place in kept] for row in rows)])
    return root


@pytest.fixture
def described(tmp_path):
    return describe_cohort(write_table(tmp_path), ALL)


def test_only_the_cohort_is_counted(described):
    assert (6, 5) == (len(described.labels), len(described.subject_labels))


def test_categories_are_counted_by_image(described):
    assert {0: 3, 1: 2, 2: 1} == described.birads


def test_a_subject_has_the_age_and_label_of_its_images(described):
    assert [54, 30, 31, 26, 40] == described.subject_ages.tolist()
    assert [0, 0, 0, 1, 1] == described.subject_labels.tolist()


def test_ages_are_summed_up_by_youngest_median_and_oldest(described):
    assert (26, 31, 54) == described.ages


def test_subjects_are_counted_by_their_number_of_images(described):
    assert {1: 4, 2: 1} == described.images_per_subject


def test_views_sides_and_implants_are_counted_by_image(described):
    assert {"CC": 4, "MLO": 1, "AT": 1, "LM": 0, "ML": 0, "LMO": 0} == described.views
    assert {"L": 3, "R": 3} == described.sides
    assert 2 == described.implants


def test_every_subject_is_in_one_part(described):
    assert {"train": 3, "valid": 1, "test": 1} == asdict(described.split_subjects)
    assert 6 == sum(asdict(described.split_images).values())


def test_a_shortcut_answers_the_majority_of_each_group(described):
    site, machine = described.shortcuts
    assert (Group(name="1", images=5, positives=2), Group(name="2", images=1, positives=1)) == site.groups
    assert pytest.approx(4 / 6) == site.accuracy
    assert ["49", "21", "29"] == [group.name for group in machine.groups]
    assert pytest.approx(5 / 6) == machine.accuracy


def test_a_group_that_is_balanced_answers_half_right():
    groups = (Group(name="1", images=4, positives=2),)
    assert 0.5 == Shortcut(column="site_id", groups=groups).accuracy


def test_the_majority_is_of_either_class():
    assert 0.75 == majority_accuracy(np.array([0, 0, 0, 1]))
    assert 0.75 == majority_accuracy(np.array([1, 1, 1, 0]))


def test_one_site_is_described_by_itself(tmp_path):
    one = describe_cohort(
        write_table(tmp_path, [*ROWS, (60, 510, 30, 1, 1, 49, "CC", "L", 0)]), CohortRules(site=1)
    )
    assert 6 == len(one.labels)


def test_a_column_that_is_missing_is_named_and_its_counts_are_missing(tmp_path):
    bare = describe_cohort(write_table(tmp_path, columns=COLUMNS[:4]), ALL)
    assert ("site_id", "machine_id", "view", "laterality", "implant") == bare.missing_columns
    assert (None, None, None, ()) == (bare.views, bare.sides, bare.implants, bare.shortcuts)


def test_what_a_slipped_column_holds_is_not_shown(tmp_path):
    rows = [(*row[:5], "DOE", "JANE", "DOE", "DOE") for row in ROWS]
    slipped = describe_cohort(write_table(tmp_path, rows), ALL)
    assert 6 == slipped.views["other"]
    assert 6 == slipped.sides["other"]
    assert 0 == slipped.implants
    assert ["other"] == [group.name for group in slipped.shortcuts[1].groups]


def test_a_description_printed_shows_no_single_subject(described):
    assert "subject_ages" not in repr(described)


def test_a_cohort_of_unknown_age_has_no_ages(tmp_path):
    rows = [(row[0], row[1], "", *row[3:]) for row in ROWS]
    assert describe_cohort(write_table(tmp_path, rows), CohortRules(max_age=None)).ages is None


# Beside the published counts


def table_as_published():
    """Return a table with the published counts; who has which image is made up."""
    published = PUBLISHED[ALL]
    views = ["CC"] * 5869 + ["MLO"] * 5982 + ["AT"] * 3 + ["LMO", "ML"]
    for number in range(published["images"]):
        birads = 0 if number < 3953 else 1 if number < 3953 + 7082 else 2
        site = 2 if number < 1342 else 1
        machine = 29 if site == 2 else number % 9
        age = 26 + number % 3199 % 29
        yield number % 3199, number, age, birads, site, machine, views[number], "L", int(number < 704)


@pytest.fixture(scope="module")
def published_root(tmp_path_factory):
    return write_table(tmp_path_factory.mktemp("published"), list(table_as_published()))


@pytest.mark.parametrize("rules", [ALL, CohortRules(site=1)])
def test_the_real_table_does_not_differ_from_what_is_published(published_root, rules):
    assert () == find_differences(describe_cohort(published_root, rules), rules)


def test_only_the_site_predicts_78_percent_of_the_real_table(published_root):
    site = describe_cohort(published_root, ALL).shortcuts[0]
    assert pytest.approx((1342 + 7082 + 821) / 11856) == site.accuracy


def test_every_published_count_is_compared(described):
    assert set(PUBLISHED[ALL]) <= set(described.counts)
    differing = {one.what for one in find_differences(described, ALL)}
    assert set(PUBLISHED[ALL]) - {"youngest", "oldest"} == differing


def test_a_difference_holds_both_counts(described):
    assert Difference(what="images", found=6, published=11856) in find_differences(described, ALL)


def test_counts_of_a_missing_column_are_not_compared(tmp_path):
    bare = describe_cohort(write_table(tmp_path, columns=COLUMNS[:4]), ALL)
    assert not any("site" in one.what or "view" in one.what for one in find_differences(bare, ALL))


def test_for_another_cohort_nothing_is_published(tmp_path):
    rules = CohortRules(max_age=50)
    root = write_table(tmp_path, [*ROWS, (60, 510, 30, 1, 1, 49, "CC", "L", 0)])
    assert find_differences(describe_cohort(root, rules), rules) is None


def test_for_a_phantom_nothing_is_published(tmp_path):
    (tmp_path / "manifest.json").write_text('{"redl_phantom": {}}')
    assert find_differences(describe_cohort(write_table(tmp_path), ALL), ALL) is None


# Samples


def image(value, *, rows=1):
    return Images(np.full((rows, 4, 4), value, np.uint8) + np.arange(rows, dtype=np.uint8)[:, None, None])


def broken():
    raise DataError("1.dcm: is broken")


def source(works, labels, subjects, rows=None):
    rows = rows or [1] * len(works)
    return Source(
        dataset="rsna",
        image_size=4,
        items=tuple(
            Item(name=f"{number}.dcm", stamp="", rows=count, work=work)
            for number, (work, count) in enumerate(zip(works, rows, strict=True))
        ),
        labels=np.array(labels, np.uint8),
        subjects=np.array(subjects, np.int32),
        options={},
        synthetic=True,
    )


def numbered(count):
    return [partial(image, number) for number in range(count)]


def test_samples_are_of_either_class_positives_first():
    images, labels = sample_images(source(numbered(8), [0, 1] * 4, range(8)), of_each=2)
    assert [1, 1, 0, 0] == labels.tolist() == (images[:, 0, 0] % 2).tolist()


def test_samples_are_of_different_subjects():
    images, _ = sample_images(source(numbered(8), [1] * 8, [0, 0, 0, 0, 1, 1, 1, 1]), of_each=8)
    assert [0, 1] == sorted((images[:, 0, 0] // 4).tolist())


def test_samples_follow_from_the_seed():
    many = source(numbered(40), [1] * 40, range(40))
    first, again, other = (sample_images(many, of_each=8, seed=seed)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_a_sample_is_its_row_within_an_item():
    works = [partial(image, 10, rows=3), partial(image, 20, rows=2)]
    images, _ = sample_images(source(works, [1, 1, 1, 0, 0], [0, 1, 2, 3, 4], [3, 2]), of_each=3)
    assert [10, 11, 12, 20, 21] == sorted(images[:, 0, 0].tolist())


def test_what_cannot_be_read_is_passed_over():
    images, _ = sample_images(source([broken, partial(image, 5), broken], [1, 1, 1], range(3)), of_each=3)
    assert [5] == images[:, 0, 0].tolist()


def test_where_nothing_can_be_read_it_is_refused():
    with pytest.raises(DataError) as caught:
        sample_images(source([broken], [1], [0]), of_each=3)
    assert "rsna: no image can be read; `redl data check` lists them with the reasons" == str(caught.value)


def test_an_image_that_kills_its_decoder_is_left_out():
    images, _ = sample_images(source([die, partial(image, 5)], [1, 1], range(2)), of_each=3)
    assert [[5]] == images[:, 0, :1].tolist()
