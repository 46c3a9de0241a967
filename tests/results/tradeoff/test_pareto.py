"""The Pareto set: nobody in it is beaten, and everybody outside is beaten by somebody in it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from redl.results.tradeoff.pareto import pareto_set

# Few values, so that ties and equal options are common.
COSTS = arrays(
    float,
    st.tuples(st.integers(1, 8), st.integers(1, 4)),
    elements=st.sampled_from([0.0, 1.0, 2.0, 3.0]),
)


def beats(one, other):
    return all(a <= b for a, b in zip(one, other, strict=True)) and any(
        a < b for a, b in zip(one, other, strict=True)
    )


def members(costs):
    return {place for place, kept in enumerate(pareto_set(np.array(costs, dtype=float))) if kept}


@given(COSTS)
def test_it_is_what_brute_force_finds(costs):
    expected = [not any(beats(other, one) for other in costs) for one in costs]
    assert expected == pareto_set(costs).tolist()


@given(COSTS)
def test_nobody_outside_it_is_unbeaten_by_a_member(costs):
    kept = pareto_set(costs)
    assert all(any(beats(member, one) for member in costs[kept]) for one in costs[~kept])


@given(COSTS)
def test_it_is_never_empty(costs):
    assert pareto_set(costs).any()


@given(arrays(float, (3, 5, 2), elements=st.sampled_from([0.0, 1.0, 2.0])))
def test_a_stack_is_judged_one_by_one(stack):
    assert [pareto_set(one).tolist() for one in stack] == pareto_set(stack).tolist()


def test_less_is_better():
    assert {0} == members([[1, 1], [2, 2]])


def test_who_loses_in_one_figure_and_wins_in_another_stays():
    assert {0, 1} == members([[1, 2], [2, 1]])


def test_equal_options_are_both_in_it():
    assert {0, 1} == members([[1, 1], [1, 1], [2, 1]])


def test_a_tie_in_one_figure_is_decided_by_another():
    assert {1} == members([[1, 2], [1, 1]])


def test_a_nan_is_refused():
    with pytest.raises(ValueError, match="a cost is NaN"):
        pareto_set(np.array([[np.nan, 1.0], [2.0, 2.0]]))
