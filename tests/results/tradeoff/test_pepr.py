"""PePR: the published scores, the traps of the score, and its place in a trade-off."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from redl.results.metric import Metric
from redl.results.tradeoff.costs import Resource
from redl.results.tradeoff.pepr import pepr, pepr_scores
from redl.results.tradeoff.plan import Plan
from redl.results.tradeoff.tradeoff import tradeoffs
from tests.helpers.savings import arms

# Three of the 131 networks on derma_pt, in kWh, and the least and the most of all; from the table that the
# authors publish beside arXiv 2403.09441 (full_data_pepr_dataset_level.csv).
ENERGY = {"hardcorenas_a": 0.018172236396, "fbnetv3_b": 0.023994312866}
ACCURACY = {"hardcorenas_a": 0.600398936170213, "fbnetv3_b": 0.60383064516129}
NORMALISED = {"hardcorenas_a": 0.03051272564743258, "fbnetv3_b": 0.05443283379300555}
PUBLISHED = {"hardcorenas_a": 0.5826215642247453, "fbnetv3_b": 0.5726591830313085}


def test_published_scores_are_reproduced():
    # The two ends of the set follow from two published pairs.
    step = (ENERGY["fbnetv3_b"] - ENERGY["hardcorenas_a"]) / (
        NORMALISED["fbnetv3_b"] - NORMALISED["hardcorenas_a"]
    )
    least = ENERGY["hardcorenas_a"] - NORMALISED["hardcorenas_a"] * step
    spent = np.array([*ENERGY.values(), least, least + step])
    scores = pepr(np.array([*ACCURACY.values(), 0.5, 0.5]), spent)
    assert scores[:2] == pytest.approx(list(PUBLISHED.values()), abs=1e-9)


@given(arrays(float, 5, elements=st.floats(0, 1)), arrays(float, 5, elements=st.floats(0.1, 10), unique=True))
def test_a_score_lies_between_half_the_performance_and_all_of_it(performance, spent):
    scores = pepr(performance, spent)
    assert np.all(performance / 2 - 1e-12 <= scores)
    assert np.all(scores <= performance)
    assert scores[spent.argmin()] == performance[spent.argmin()]


def test_another_setting_moves_all_scores():
    two = pepr(np.array([0.8, 0.8]), np.array([1.0, 2.0]))
    three = pepr(np.array([0.8, 0.8, 0.8]), np.array([1.0, 2.0, 9.0]))
    assert two[1] != three[1]


@pytest.mark.parametrize("spent", [[2.0], [2.0, 2.0]])
def test_one_setting_or_equal_costs_have_no_score(spent):
    draws = np.tile(np.array(spent), (3, 1))
    (first, *_) = pepr_scores(np.full_like(draws, 0.8), {Resource.TIME: draws}, [Resource.TIME])
    assert first[0].score is None


def scores_of(metric=Metric.ACCURACY, **settings):
    (found,) = tradeoffs(arms(baseline={}, **settings), metric=metric, plan=Plan(), draws=100)
    return {summary.setting: {one.resource: one for one in summary.pepr} for summary in found.summaries}


def test_each_setting_of_a_trade_off_is_scored_within_it():
    found = scores_of(amp={"wh": 2.0, "memory": 300_000_000})
    assert found["amp"][Resource.ENERGY].score == pytest.approx(0.9)
    assert found["baseline"][Resource.ENERGY].score == pytest.approx(0.45)
    assert found["amp"][Resource.TIME].score is None  # equal
    low, high = found["amp"][Resource.ENERGY].low, found["amp"][Resource.ENERGY].high
    assert low < 0.9 < high


def test_a_score_that_is_no_share_has_none():
    assert {} == scores_of(metric=Metric.BRIER, amp={"wh": 2.0})["amp"]
