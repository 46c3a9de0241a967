"""Splits keep every subject in one part."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from redl.data.splits import Split, split_by_subject
from redl.errors import DataError

seeds = st.integers(0, 2**32)
rows_of_subjects = st.lists(st.integers(0, 40), min_size=1, max_size=200).filter(
    lambda subjects: len(set(subjects)) >= 5
)


def parts(split: Split) -> tuple[np.ndarray, ...]:
    return split.train, split.valid, split.test


@given(rows_of_subjects, seeds)
def test_every_image_is_in_exactly_one_part(subjects, seed):
    split = split_by_subject(np.array(subjects), seed=seed)
    assert sorted(np.concatenate(parts(split))) == list(range(len(subjects)))


@given(rows_of_subjects, seeds)
def test_no_subject_is_in_two_parts(subjects, seed):
    subjects = np.array(subjects)
    train, valid, test = (set(subjects[part]) for part in parts(split_by_subject(subjects, seed=seed)))
    assert len(train) + len(valid) + len(test) == len(train | valid | test)


@given(rows_of_subjects, seeds)
def test_no_part_is_empty(subjects, seed):
    assert all(part.size for part in parts(split_by_subject(np.array(subjects), seed=seed)))


@given(rows_of_subjects, seeds, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(subjects, seed, random):
    shuffled = random.sample(subjects, len(subjects))
    first, second = (
        [set(rows[part]) for part in parts(split_by_subject(rows, seed=seed))]
        for rows in (np.array(subjects), np.array(shuffled))
    )
    assert first == second


def test_the_papers_cohort_splits_into_its_published_numbers_of_subjects():
    split = split_by_subject(np.arange(3199), seed=0)
    assert [len(part) for part in parts(split)] == [1919, 640, 640]


def test_another_seed_gives_another_split():
    first, second = (split_by_subject(np.arange(100), seed=seed) for seed in (0, 1))
    assert set(first.test) != set(second.test)


def test_images_keep_their_order_within_a_part():
    split = split_by_subject(np.arange(100), seed=3)
    assert all(np.all(np.diff(part) > 0) for part in parts(split))


def test_subjects_may_be_named_by_text():
    numbers = np.arange(10).repeat(3)
    by_number = split_by_subject(numbers, seed=1)
    by_name = split_by_subject(np.array([f"subject {number}" for number in numbers]), seed=1)
    assert by_number.test.tolist() == by_name.test.tolist()


@pytest.mark.parametrize("count", [0, 1, 4])
def test_too_few_subjects_are_refused(count):
    expected = (
        f"too few subjects to split ({count}): train, valid and test need at least 5 together; "
        "add subjects, or raise --redl-images"
    )
    with pytest.raises(DataError, match=f"^{re.escape(expected)}$"):
        split_by_subject(np.arange(count), seed=0)
