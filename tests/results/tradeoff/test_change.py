"""Changes of cost: exact over few seeds, corrected for all that is looked at, none where none is known."""

import numpy as np
import pytest
from scipy.stats import ttest_rel

from redl.results.tradeoff.change import changes
from redl.results.tradeoff.costs import Resource

ENERGY, MEMORY = Resource.ENERGY, Resource.MEMORY


def one(new, old, resource=ENERGY):
    found = changes({"amp": {resource: np.array(new)}}, {resource: np.array(old)}, [resource])
    ((change,),) = found.values()
    return change


def test_it_is_a_paired_t_test_of_logarithms():
    new, old = np.array([2.9, 3.1, 3.0, 3.3]), np.array([4.0, 4.4, 3.9, 4.1])
    found = one(new, old)
    expected = ttest_rel(np.log(new), np.log(old) + np.log(0.99), alternative="less")
    assert found.p == pytest.approx(expected.pvalue)
    interval = ttest_rel(np.log(new), np.log(old)).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((np.expm1(interval.low), np.expm1(interval.high)))
    assert found.is_saving


@pytest.mark.parametrize("seeds", [1, 2])
def test_fewer_than_three_seeds_show_nothing(seeds):
    found = one([1.0] * seeds, [4.0] * seeds)
    assert (None, None, None, False) == (found.low, found.high, found.p, found.is_saving)
    assert found.change == pytest.approx(-0.75)


def test_costs_that_never_vary_are_compared_as_they_are():
    assert one([3.0] * 3, [4.0] * 3).is_saving
    assert not one([3.97] * 3, [4.0] * 3).is_saving
    assert not one([4.0] * 3, [4.0] * 3).is_saving


def test_every_setting_and_resource_is_counted():
    new, old = np.array([2.9, 3.1, 3.0]), np.array([4.0, 4.0, 4.0])
    alone = one(new, old).p
    assert alone < 0.025
    spent = {name: {ENERGY: new, MEMORY: old} for name in ("amp", "half")}
    found = changes(spent, {ENERGY: old, MEMORY: old}, [ENERGY, MEMORY])
    assert found["amp"][0].p == pytest.approx(4 * alone)


def test_what_costs_nothing_has_no_ratio():
    assert one([0.0, 1.0, 1.0], [1.0, 1.0, 1.0]).p is None


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [3, 5, 10])
@pytest.mark.parametrize("variation", [0.02, 0.10])
def test_equal_settings_are_as_rarely_a_saving_as_promised(seeds, variation):
    rng, draws = np.random.default_rng(1), 4000
    saved = sum(one(*np.exp(variation * rng.standard_normal((2, seeds)))).is_saving for _ in range(draws))
    assert saved / draws <= 0.035
