"""From answers to the recommendation: equal settings are rarely recommended, worse ones hardly ever."""

import pytest

from benchmarks.tradeoff_simulation import SCENARIOS, shares
from redl.study.case import Setting

EQUAL, CHEAPER, WORSE = SCENARIOS


def test_equal_settings_pass_but_their_costs_are_no_savings():
    found = shares(EQUAL, seeds=5, variation=0.10, replicates=20)
    assert found.non_inferior > 0.9
    assert found.recommended <= found.saves <= 0.05


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [3, 5, 10])
@pytest.mark.parametrize("variation", [0.02, 0.10])
def test_equal_settings_are_rarely_recommended(seeds, variation):
    assert shares(EQUAL, seeds=seeds, variation=variation, replicates=200).recommended <= 0.05


@pytest.mark.slow
def test_the_setting_that_saves_most_is_recommended():
    found = shares(CHEAPER, seeds=5, variation=0.02, replicates=100)
    assert Setting.AMP == CHEAPER.right
    assert found.right > 0.95


@pytest.mark.slow
def test_a_setting_that_loses_the_margin_is_hardly_ever_recommended():
    found = shares(WORSE, seeds=5, variation=0.02, replicates=200)
    assert found.saves > 0.95
    assert found.recommended <= 0.035
