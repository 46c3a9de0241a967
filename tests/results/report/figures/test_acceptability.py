"""Acceptability curves are those of the trade-off."""

import pytest

from redl.results.report.figures.acceptability import PLAN, acceptability
from redl.results.report.figures.drawing import LeftOut
from tests.results.report.figures.made import made


@pytest.fixture(scope="module")
def drawn():
    return acceptability(made(baseline={}, amp={"wh": 1.0}))


def test_shares_of_all_settings_sum_to_1(drawn):
    baseline, amp = (line.get_ydata() for line in drawn.figure.axes[0].lines)
    assert [pytest.approx(1)] * len(PLAN.lambdas_wh) == (baseline + amp).tolist()


def test_a_setting_that_takes_less_for_the_same_answers_is_worth_most(drawn):
    assert {1.0} == set(drawn.figure.axes[0].lines[1].get_ydata())


def test_the_caption_says_how_many_draws_and_patients(drawn):
    assert "2000 draws" in drawn.caption
    assert "5 seeds, 20 test patients" in drawn.caption


def test_unknown_energy_is_the_reason():
    found = acceptability(made(baseline={}, amp={"wh": None}))
    assert "amp, energy: seed 1 has no figure" in found.reason


def test_a_baseline_by_itself_is_compared_with_nothing():
    assert isinstance(acceptability(made(baseline={})), LeftOut)
