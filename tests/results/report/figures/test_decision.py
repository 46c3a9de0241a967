"""Decision curves show net benefit, and what treating all and none are worth."""

import pytest

from redl.results.report.figures.decision import THRESHOLDS, decision
from redl.results.report.figures.drawing import LeftOut
from redl.results.report.figures.matrix import matrices
from redl.results.tradeoff.benefit import net_benefit, units_of
from tests.helpers.saved import finished, run_of
from tests.results.report.figures.made import made


@pytest.fixture(scope="module")
def matrix():
    return made(baseline={}, amp={"apart": True})


@pytest.fixture(scope="module")
def panel(matrix):
    return decision(matrix).figure.axes[0]


def test_a_curve_is_the_mean_net_benefit_over_seeds(matrix, panel):
    units = units_of(matrix.models["densenet"][1].arm)
    expected = [pytest.approx(net_benefit(units, threshold).mean()) for threshold in THRESHOLDS]
    assert expected == panel.lines[3].get_ydata().tolist()


def test_treating_all_at_the_prevalence_is_worth_nothing(panel):
    below, above = panel.lines[1].get_ydata()[[15, 16]]  # thresholds of 0.32 and 0.34 around a third
    assert below > 0 > above


def test_treating_none_is_a_line_at_0(panel):
    assert [0, 0] == list(panel.lines[0].get_ydata())


def test_the_fall_of_treating_all_does_not_press_the_rest_together(panel):
    assert panel.get_ylim()[0] > -0.5


def test_what_is_treated_is_named(matrix, panel):
    assert "net benefit per patient" == panel.get_ylabel()
    assert "What is treated are patients." in decision(matrix).caption


def test_no_answers_are_no_curves():
    [matrix], _ = matrices([run_of(finished())])
    assert isinstance(decision(matrix), LeftOut)
