"""The schedule: bounds that hold for any list of cases, and the least makespan by brute force."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redl.results.schedule import longest_first, makespan

# Whole seconds, so that sums are exact.
SECONDS = st.integers(0, 1000)
LISTS = st.lists(SECONDS, min_size=1, max_size=40)


def least(durations, workers):
    """Return the least makespan of all ways to give each case to a worker."""
    return min(
        max(sum(d for d, place in zip(durations, places, strict=True) if place == w) for w in range(workers))
        for places in product(range(workers), repeat=len(durations))
    )


@given(LISTS, st.integers(1, 9))
def test_no_makespan_is_below_the_longest_case(durations, workers):
    assert max(durations) <= makespan(durations, workers)


@given(LISTS, st.integers(1, 9))
def test_no_makespan_is_below_an_equal_share(durations, workers):
    assert sum(durations) <= makespan(durations, workers) * workers


@given(LISTS)
def test_one_worker_takes_the_sum(durations):
    assert sum(durations) == makespan(durations, 1)


@given(st.lists(SECONDS, min_size=1, max_size=7), st.integers(2, 3))
def test_the_longest_first_takes_at_most_four_thirds_of_the_least(durations, workers):
    assert 3 * makespan(longest_first(durations), workers) <= 4 * least(durations, workers)


def test_the_next_case_goes_to_the_worker_that_is_free_first():
    assert 5 == makespan([3, 1, 4], 2)


def test_no_case_takes_no_time():
    assert 0 == makespan([], 4)


def test_the_order_is_that_of_the_prediction():
    assert [1, 3, 2] == longest_first([3, 2, 1], [20, 10, 30])


def test_without_a_prediction_the_order_is_that_of_the_durations():
    assert [3, 2, 1] == longest_first([2, 3, 1])


def test_a_schedule_without_a_worker_is_refused():
    with pytest.raises(ValueError, match="0 workers"):
        makespan([1], 0)
