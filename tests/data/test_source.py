"""Subsets: whole subjects, the same every time, and never more images than asked for."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from redl.data.source import Item, Source, bounded


def nothing():
    raise AssertionError("no image is made to choose subjects")


def source(rows_of_items, subjects_of_items):
    subjects = np.repeat(np.array(subjects_of_items, np.int32), rows_of_items)
    return Source(
        dataset="rsna",
        image_size=32,
        items=tuple(
            Item(name=f"item {number}", stamp=str(number), rows=rows, work=nothing)
            for number, rows in enumerate(rows_of_items)
        ),
        labels=np.arange(len(subjects), dtype=np.uint8),
        subjects=subjects,
        options={"crop": True},
        synthetic=False,
    )


SOME = source([1, 2, 3, 1, 2], [0, 1, 1, 2, 3])


def test_no_bound_takes_all():
    assert SOME is bounded(SOME, None)
    assert SOME is bounded(SOME, 9)


def test_a_bound_is_listed_among_the_options():
    assert {"crop": True, "at_most_images": 5} == bounded(SOME, 5).options


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 9)), min_size=1, max_size=30), st.integers(1, 60))
def test_subjects_are_taken_whole_and_items_fit_their_rows(drawn, images):
    drawn.sort(key=lambda one: one[1])
    every = source([rows for rows, _ in drawn], [subject for _, subject in drawn])
    some = bounded(every, images)
    assert len(some.labels) <= images
    assert sum(item.rows for item in some.items) == len(some.labels) == len(some.subjects)
    for subject in set(some.subjects.tolist()):
        assert (every.subjects == subject).sum() == (some.subjects == subject).sum()


def test_the_same_subjects_are_taken_every_time():
    first, second = bounded(SOME, 5), bounded(SOME, 5)
    assert first.items == second.items
