"""Intervals: over new seeds and patients, as wide as they claim, and never sure of what nobody had."""

import numpy as np
import pytest
from scipy.stats import t as student
from scipy.stats import ttest_1samp

from redl.results.noninferiority.crossed import compare
from redl.results.tradeoff.benefit import Unit, Units
from redl.results.tradeoff.interval import is_above_zero, over_seeds, over_units, patients_of


def patients(subjects):
    """Return whose units of these subjects are."""
    subjects = np.asarray(subjects)
    none = np.zeros(len(subjects))
    return patients_of(Units(unit=Unit.IMAGE, labels=none, subjects=subjects, probabilities=none[None]))


def test_over_seeds_it_is_the_t_interval():
    values = np.array([1.0, 2.5, 3.0, 2.0])
    expected = ttest_1samp(values, 0).confidence_interval(0.95)
    found = over_seeds(values)
    assert (2.125, expected.low, expected.high) == pytest.approx((found.value, found.low, found.high))


def test_over_units_it_is_the_verdicts():
    subjects = np.repeat(np.arange(40), [1, 2, 3, 2] * 10)
    values = np.random.default_rng(1).random((3, 80))
    found = over_units(values, patients(subjects))
    psi = [np.bincount(subjects, weights=(row - row.mean()) / 80) for row in values]
    expected = compare(values.mean(axis=1), np.array(psi), margin=0.0)
    assert (expected.difference, expected.low, expected.high) == pytest.approx(
        (found.value, found.low, found.high)
    )


def test_over_patients_alone_it_is_nearly_that_of_a_mean():
    values = np.tile(np.random.default_rng(2).random(200), (3, 1))
    found = over_units(values, patients(range(200)))
    half = student.ppf(0.975, 199) * values[0].std(ddof=1) / 200**0.5
    assert (found.value - half, found.value + half) == pytest.approx((found.low, found.high))


@pytest.mark.parametrize(("seeds", "count"), [(2, 100), (3, 29)])
def test_few_seeds_or_patients_have_no_interval(seeds, count):
    found = over_units(np.ones((seeds, count)), patients(range(count)))
    assert (1.0, None, None) == (found.value, found.low, found.high)
    assert not is_above_zero(np.ones((seeds, count)), patients(range(count)), worst=0.0)


def test_two_seeds_have_no_interval_of_a_cost():
    assert (None, None) == (over_seeds(np.ones(2)).low, over_seeds(np.ones(2)).high)


def test_a_gain_is_not_sure_where_a_loss_that_nobody_had_would_undo_it():
    gains = np.full((3, 100), 0.01)
    assert is_above_zero(gains, patients(range(100)), worst=0.0)
    assert not is_above_zero(gains, patients(range(100)), worst=-1.0)


@pytest.mark.parametrize(("count", "share"), [(100, 0.02), (300, 0.01), (640, 0.005)])
def test_rare_losses_are_rarely_overlooked(count, share):
    # Each patient gains as much as the rare loss costs, so that nothing is gained on average.
    rng, draws = np.random.default_rng(3), 1000
    sure = 0
    for _ in range(draws):
        lost = rng.random(count) < share
        values = np.tile(np.where(lost, -1.0, share / (1 - share)), (3, 1))
        sure += is_above_zero(values, patients(range(count)), worst=-1.0)
    assert sure / draws <= 0.035


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [3, 5, 10])
@pytest.mark.parametrize("seed_sd", [0.0, 0.03, 0.3])
def test_it_covers_what_it_claims(seeds, seed_sd):
    rng, draws, covered = np.random.default_rng(4), 1000, 0
    of = patients(range(200))
    for _ in range(draws):
        by_seed = seed_sd * rng.standard_normal((seeds, 1))
        found = over_units(
            by_seed + 0.3 * rng.standard_normal(200) + 0.1 * rng.standard_normal((seeds, 200)), of
        )
        covered += found.low <= 0 <= found.high
    assert covered / draws >= 0.93
