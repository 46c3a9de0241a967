"""Costs of errors: the cut they imply, and that they order settings as net benefit does."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from redl.errors import OptionError
from redl.results.metric import Metric
from redl.results.tradeoff.benefit import net_benefit, units_of
from redl.results.tradeoff.error_costs import ErrorCosts, losses
from redl.results.tradeoff.plan import Plan
from redl.results.tradeoff.tradeoff import tradeoffs
from tests.helpers.savings import arm, arms

# One each of TP, FN, FP and TN at a cut of 0.1.
LABELS, ANSWERS = (1, 1, 0, 0), (0.2, 0.05, 0.3, 0.0)
COSTS = ErrorCosts(fn=9, fp=1)


def units(answers=ANSWERS, labels=LABELS):
    return units_of(arm([answers], labels, range(len(labels))))


def test_the_cut_is_where_both_errors_cost_the_same():
    assert 0.1 == pytest.approx(COSTS.threshold)
    risk = COSTS.threshold
    assert risk * COSTS.fn == pytest.approx((1 - risk) * COSTS.fp)


def test_each_error_costs_what_was_given():
    assert [[0.0, 9.0, 1.0, 0.0]] == losses(units(), COSTS).tolist()


def test_an_answer_that_is_not_finite_treats_nobody():
    assert [[9.0, 0.0]] == losses(units((math.nan, math.nan), (1, 0)), COSTS).tolist()


@given(
    st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1, max_size=20),
    st.floats(0.1, 50),
    st.floats(0.1, 50),
)
def test_expected_cost_is_net_benefit_turned_round(cases, fn, fp):
    labels, answers = ([int(label) for label, _ in cases], [answer for _, answer in cases])
    costs, of = ErrorCosts(fn=fn, fp=fp), units(answers, labels)
    expected = fn * (np.mean(labels) - net_benefit(of, costs.threshold)[0])
    assert expected == pytest.approx(losses(of, costs).mean())


def test_calibrated_answers_cost_least_at_this_cut():
    rng = np.random.default_rng(1)
    risk = rng.random(20_000)
    labels = (rng.random(20_000) < risk).astype(int)
    grid = np.arange(0.02, 0.6, 0.02)
    spent = [
        np.mean(np.where(labels == 1, (risk <= cut) * COSTS.fn, (risk > cut) * COSTS.fp)) for cut in grid
    ]
    assert COSTS.threshold == pytest.approx(grid[np.argmin(spent)], abs=0.03)


@pytest.mark.parametrize("cost", [0.0, -1.0, math.nan, math.inf])
@pytest.mark.parametrize("which", ["fn", "fp"])
def test_a_cost_that_is_none_is_refused(cost, which):
    with pytest.raises(OptionError, match=f"cost of a {which.upper()} .*: give a cost above 0"):
        ErrorCosts(**({"fn": 1.0, "fp": 1.0} | {which: cost}))


def test_a_trade_off_has_expected_costs_per_thousand_and_beyond_the_baseline():
    costs = ErrorCosts(fn=3, fp=1)
    plan = Plan(error_costs=costs, threshold=costs.threshold)
    (found,) = tradeoffs(arms(baseline={}, amp={"lost": 12}), metric=Metric.ACCURACY, plan=plan, draws=10)
    baseline, amp = found.summaries
    # Of 240 patients 24 are wrong, 8 of them missed; 80 of all are positive.
    assert (8 * 3 + 16) / 240 * 1000 == pytest.approx(baseline.expected_cost.value, rel=0.05)
    assert amp.expected_cost.value - baseline.expected_cost.value == pytest.approx(amp.more_cost.value)
    assert -3 * amp.more_benefit.value == pytest.approx(amp.more_cost.value)
    assert (-3 * amp.more_benefit.high, -3 * amp.more_benefit.low) == pytest.approx(
        (amp.more_cost.low, amp.more_cost.high)
    )
    assert (160 / 240 * 1000, 80 / 240 * 3000) == pytest.approx((found.cost_of_all, found.cost_of_none))
    assert None is baseline.more_cost


def test_without_costs_there_is_no_expected_cost():
    (found,) = tradeoffs(arms(baseline={}, amp={}), metric=Metric.ACCURACY, plan=Plan(), draws=10)
    assert {(None, None)} == {(one.expected_cost, one.more_cost) for one in found.summaries}
    assert (None, None) == (found.cost_of_all, found.cost_of_none)
