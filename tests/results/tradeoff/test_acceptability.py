"""Acceptability: shares of draws that sum to 1 over all options, the baseline among them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from redl.results.metric import Metric
from redl.results.tradeoff.acceptability import acceptability
from redl.results.tradeoff.plan import LAMBDAS_WH, Plan
from redl.results.tradeoff.tradeoff import tradeoffs
from tests.helpers.savings import arms

# Few values, so that ties are common.
DRAWS = arrays(float, (2, 3, 8), elements=st.sampled_from([-1.0, 0.0, 1.0, 2.0]))


@given(DRAWS, st.sampled_from(LAMBDAS_WH))
def test_it_is_what_counting_gives(drawn, wh):
    names = ("baseline", "amp", "half")
    (found,) = acceptability(dict(zip(names, zip(*drawn, strict=True), strict=True)), (wh,))
    expected = dict.fromkeys(names, 0.0)
    for place in range(8):
        worth = {name: drawn[0][each][place] - drawn[1][each][place] / wh for each, name in enumerate(names)}
        best = [name for name in names if worth[name] == max(worth.values())]
        for name in best:
            expected[name] += 1 / len(best) / 8
    assert expected == pytest.approx(found.shares)
    assert 1 == pytest.approx(sum(found.shares.values()))
    assert wh == found.lambda_wh


def curve(**settings):
    (found,) = tradeoffs(
        arms(**({"baseline": {}} | settings)), metric=Metric.ACCURACY, plan=Plan(), draws=200
    )
    return found.acceptability


def test_equal_options_share_evenly():
    for one in curve(amp={}, half={}):
        assert {"baseline": 1 / 3, "amp": 1 / 3, "half": 1 / 3} == pytest.approx(one.shares)


def test_the_cheapest_of_equals_is_worth_most_at_any_lambda():
    assert [1.0] * len(LAMBDAS_WH) == [one.shares["half"] for one in curve(amp={"wh": 3.0}, half={"wh": 2.0})]


def test_a_worse_one_is_worth_most_only_while_energy_counts_for_more():
    shares = [one.shares["amp"] for one in curve(amp={"wh": 2.0, "lost": 12})]
    assert (1.0, 0.0) == (shares[0], shares[-1])


def test_what_seeds_and_patients_turn_is_shared():
    assert 0.05 < curve(amp={"apart": True})[-1].shares["amp"] < 0.95


def test_a_setting_whose_energy_is_not_known_or_of_another_kind_is_left_out():
    for other in ({"wh": None}, {"kind": "estimated"}):
        assert {"baseline", "half"} == set(curve(amp=other, half={})[0].shares)


def test_without_the_baselines_energy_there_is_none():
    assert () == curve(baseline={"wh": None}, amp={})
