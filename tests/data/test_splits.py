"""Splits keep every subject in one part, and both classes in every part."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from redl.data.splits import Split, check_classes, split_by_subject, split_images
from redl.errors import DataError

seeds = st.integers(0, 2**32)
rows_of_subjects = st.lists(st.integers(0, 40), min_size=1, max_size=200).filter(
    lambda subjects: len(set(subjects)) >= 5
)


def parts(split: Split) -> tuple[np.ndarray, ...]:
    return split.train, split.valid, split.test


def split_of(subjects, *, seed) -> Split:
    """Split images of both classes of every subject, one after the other."""
    return split_by_subject(np.repeat(subjects, 2), labels_of(subjects), seed=seed)


def labels_of(subjects):
    return np.tile(np.array([0, 1], np.uint8), len(subjects))


@given(rows_of_subjects, seeds)
def test_every_image_is_in_exactly_one_part(subjects, seed):
    assert sorted(np.concatenate(parts(split_of(subjects, seed=seed)))) == list(range(2 * len(subjects)))


@given(rows_of_subjects, seeds)
def test_no_subject_is_in_two_parts(subjects, seed):
    twice = np.repeat(subjects, 2)
    train, valid, test = (set(twice[part]) for part in parts(split_of(subjects, seed=seed)))
    assert len(train) + len(valid) + len(test) == len(train | valid | test)


@given(rows_of_subjects, seeds)
def test_no_part_is_empty(subjects, seed):
    assert all(part.size for part in parts(split_of(subjects, seed=seed)))


@given(rows_of_subjects, seeds, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(subjects, seed, random):
    first, second = (
        [set(np.repeat(rows, 2)[part]) for part in parts(split_of(rows, seed=seed))]
        for rows in (np.array(subjects), np.array(random.sample(subjects, len(subjects))))
    )
    assert first == second


def test_the_papers_cohort_splits_into_its_published_numbers_of_subjects():
    split = split_of(np.arange(3199), seed=0)
    assert [len(part) // 2 for part in parts(split)] == [1919, 640, 640]


def test_another_seed_gives_another_split():
    first, second = (split_of(np.arange(100), seed=seed) for seed in (0, 1))
    assert set(first.test) != set(second.test)


def test_images_keep_their_order_within_a_part():
    assert all(np.all(np.diff(part) > 0) for part in parts(split_of(np.arange(100), seed=3)))


def test_subjects_may_be_named_by_text():
    numbers = np.arange(10).repeat(3)
    by_number = split_of(numbers, seed=1)
    by_name = split_of(np.array([f"subject {number}" for number in numbers]), seed=1)
    assert by_number.test.tolist() == by_name.test.tolist()


@pytest.mark.parametrize("count", [0, 1, 4])
def test_too_few_subjects_are_refused(count):
    expected = (
        f"too few subjects to split ({count}): train, valid and test need at least 5 together; "
        "add subjects, or raise --redl-images"
    )
    with pytest.raises(DataError, match=f"^{re.escape(expected)}$"):
        split_by_subject(np.arange(count), np.zeros(count, np.uint8), seed=0)


# Rare classes


def rare(positives, count=40):
    return (np.arange(count) < positives).astype(np.uint8)


@given(st.integers(3, 37), seeds)
def test_every_part_has_both_classes(positives, seed):
    labels = rare(positives)
    split = split_by_subject(np.arange(40), labels, seed=seed)
    assert all({0, 1} == set(labels[part]) for part in parts(split))
    assert 40 == sum(len(part) for part in parts(split))


def test_a_class_is_stratified_only_where_it_is_rare():
    kinds = {number: split_by_subject(np.arange(40), rare(number), seed=1).kind for number in (3, 20)}
    assert {3: "by subject, stratified by class", 20: "by subject"} == kinds


def test_a_class_of_too_few_subjects_is_refused_with_the_counts():
    labels = np.repeat(rare(2), 2)
    split = split_by_subject(np.repeat(np.arange(40), 2), labels, seed=1)
    counts = re.escape("(positive images: train 4 of 48, valid 0 of 16, test 0 of 16)")
    with pytest.raises(DataError, match=f"^a part would lack one of the classes {counts}; add subjects"):
        check_classes(split, labels)


# A split of the data set's own


GIVEN = np.repeat(np.array([0, 1, 2], np.uint8), 10)


def test_a_split_of_the_data_sets_own_is_kept():
    split = split_images(np.arange(30), labels_of(range(15)), GIVEN)
    assert ([*range(10)], [*range(10, 20)], [*range(20, 30)]) == tuple(part.tolist() for part in parts(split))
    assert split.kind == "its own"


def test_a_split_of_its_own_that_lacks_a_class_is_refused_with_the_counts():
    labels = labels_of(range(15))
    labels[20:] = 0
    counts = re.escape("(positive images: train 5 of 10, valid 5 of 10, test 0 of 10)")
    with pytest.raises(DataError, match=f"lack one of the classes {counts}"):
        check_classes(split_images(np.arange(30), labels, GIVEN), labels)
