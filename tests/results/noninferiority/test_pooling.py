"""Pooling of seed variances: by hand, its test of homogeneity, what is left out, and how often it misses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import kstest

from redl.errors import OptionError
from redl.results.arms import pairs_of
from redl.results.metric import Metric
from redl.results.noninferiority.crossed import compare
from redl.results.noninferiority.pooling import Pooling, homogeneity, pool, poolings
from redl.results.noninferiority.table import verdict_table
from redl.results.noninferiority.verdict import Outcome, verdicts
from tests.helpers.changes import replace
from tests.results.noninferiority.test_verdict import BASELINE, LABELS, SEEDS, arm, right

MARGIN = 0.02


def centred(values):
    return values - values.mean(axis=0) - values.mean(axis=1, keepdims=True) + values.mean()


def test_by_hand():
    # Less the means of arms, 10, 20 and 30, and what seeds add, 0, 3 and -3, each arm is 2 above in one seed
    # and 1 below in the others: 18 in all, of 2 * 2 degrees of freedom; a difference has twice that variance.
    found = pool(np.array([[12.0, 12, 6], [19, 25, 16], [29, 32, 29]]))
    assert (3, pytest.approx(9.0)) == (found.arms, found.seed_variance)
    assert (1.0, None) == (found.p, found.reason)


def test_of_one_difference_it_would_be_that_of_the_difference_itself():
    values = np.random.default_rng(0).normal(size=(2, 5))
    assert 2 * np.sum(centred(values) ** 2) / 4 == pytest.approx(np.var(values[1] - values[0], ddof=1))


@given(arrays(np.float64, (4, 5), elements=st.integers(0, 50).map(float)))
def test_it_is_the_mean_variance_of_all_differences(values):
    pairs = [(a, b) for a in range(4) for b in range(a)]
    expected = np.mean([np.var(values[a] - values[b], ddof=1) for a, b in pairs])
    assert 2 * np.sum(centred(values) ** 2) / (3 * 4) == pytest.approx(expected, abs=1e-9)
    found = pool(values)
    if found.arms is not None:
        assert found.seed_variance == pytest.approx(expected, abs=1e-9)


def test_what_a_seed_adds_to_all_arms_changes_nothing():
    values = np.random.default_rng(0).normal(size=(5, 4))
    found, shifted = pool(values), pool(values + [[5.0, -3, 20, 1]] + np.arange(5.0)[:, None])
    assert found.seed_variance == pytest.approx(shifted.seed_variance)
    assert found.p == shifted.p


def test_one_setting_has_none_to_share_with():
    expected = Pooling(reason="no other setting with the same 3 seeds can be pooled with it")
    assert expected == pool(np.array([[1.0, 2, 3], [3, 2, 1]]))


def test_a_restless_setting_is_found_out_and_none_is_pooled():
    values = np.random.default_rng(0).normal(size=(5, 10)) * [[1], [1], [1], [1], [6]]
    found = pool(values)
    assert (None, None) == (found.arms, found.seed_variance)
    assert found.p < 0.001
    assert f"seed variances of the settings differ (p = {found.p:.3f}), so none was pooled" == found.reason


def test_arms_that_vary_alike_but_move_together_in_part_are_found_out():
    rng = np.random.default_rng(0)
    together = rng.normal(size=10)
    values = np.stack([together, together, together, rng.normal(size=10)]) + rng.normal(size=(4, 10)) / 50
    assert pool(values).p < 0.001


def test_equal_arms_are_pooled_without_a_variance():
    found = pool(np.tile([0.1, 0.7, 0.3], (3, 1)))
    assert (3, pytest.approx(0, abs=1e-20), 1.0) == (found.arms, found.seed_variance, found.p)


@pytest.mark.parametrize(("arms", "seeds"), [(3, 3), (6, 3), (6, 10)])
def test_p_is_even_where_the_settings_are_alike(arms, seeds):
    rng = np.random.default_rng(1)
    drawn = [homogeneity(centred(rng.normal(size=(arms, seeds)))) for _ in range(1000)]
    assert kstest(drawn, "uniform").pvalue > 0.001


@given(
    psi=arrays(np.float64, (4, 6), elements=st.integers(-8, 8).map(lambda one: one / 100)),
    differences=arrays(np.float64, 4, elements=st.integers(-5, 5).map(lambda one: one / 100)),
)
def test_pooling_what_is_equal_changes_nothing_but_degrees_of_freedom(psi, differences):
    psi = psi - psi.mean(axis=1, keepdims=True)
    own = compare(differences, psi, margin=MARGIN)
    pooled = compare(differences, psi, margin=MARGIN, pooled=float(np.var(differences, ddof=1)))
    assert own.difference == pooled.difference
    assert own.standard_error == pytest.approx(pooled.standard_error)
    assert own.degrees_of_freedom <= pooled.degrees_of_freedom * (1 + 1e-12)


def test_a_comparison_goes_by_the_mean_of_its_own_variance_and_the_pooled_one():
    differences = np.array([0.01, 0.02, 0.06])  # of variance 0.0007
    found = compare(differences, np.zeros((3, 50)), margin=MARGIN, pooled=0.0001)
    assert found.standard_error**2 == pytest.approx(0.0004 / 3)
    assert found.degrees_of_freedom == pytest.approx(1.2 * 2)


# Which pairs share

NOISY = arm("half", [right(*range(30 + 12 * seed)) for seed in range(5)])
# Patients that a saving loses more than the baseline, seed by seed.
OF_AMP = [(50,), (51,), (52, 53), (), (54, 55)]
OF_EIGHT_BIT = [(60,), (), (61, 62), (), ()]
ALIKE = [
    arm(setting, [right(*seed, *more) for seed, more in zip(SEEDS, lost, strict=True)])
    for setting, lost in (("amp", OF_AMP), ("8bit", OF_EIGHT_BIT))
]


def found_of(*savings, metric=Metric.ACCURACY, baseline=None):
    return poolings(pairs_of([baseline or arm("baseline", BASELINE), *savings]), metric)


def test_settings_of_one_family_share_one_variance():
    first, second = found_of(*ALIKE)
    assert first == second
    assert 3 == first.arms
    values = [[0.98] * 5, [0.97, 0.97, 0.96, 0.98, 0.96], [0.97, 0.98, 0.96, 0.98, 0.98]]
    assert first.seed_variance == pytest.approx(pool(np.array(values)).seed_variance)


def test_the_order_of_seeds_does_not_matter():
    turned = replace(ALIKE[1], seeds=(5, 4, 3, 2, 1), probabilities=ALIKE[1].probabilities[::-1])
    assert found_of(*ALIKE) == found_of(ALIKE[0], turned)


@pytest.mark.parametrize("other", [{"dataset": "lidc"}, {"model": "vit"}, {"downsample": 4}])
def test_other_data_models_and_scales_share_nothing(other):
    savings = [ALIKE[0], replace(ALIKE[1], **other)]
    baselines = [arm("baseline", BASELINE), arm("baseline", BASELINE, **other)]
    for found in poolings(pairs_of([*baselines, *savings]), Metric.ACCURACY):
        assert "no other setting with the same 5 seeds can be pooled with it" == found.reason


def test_other_seeds_share_nothing():
    fewer = arm("8bit", ALIKE[1].probabilities[:4])
    assert (
        "no other setting with the same 4 seeds can be pooled with it" == found_of(ALIKE[0], fewer)[1].reason
    )


@pytest.mark.parametrize("given", [{"diverged": 1}, {"lost": 1}])
def test_a_setting_that_diverged_is_left_out(given):
    wild = arm("half", NOISY.probabilities, **given)
    *alike, left_out = found_of(*ALIKE, wild)
    assert found_of(*ALIKE) == alike
    assert "seed variance is not pooled where a seed diverged or did not finish" == left_out.reason


def test_answers_that_are_no_numbers_are_left_out():
    nothing = replace(ALIKE[0], setting="half", probabilities=np.full((5, len(LABELS)), np.nan))
    *alike, left_out = found_of(*ALIKE, nothing, metric=Metric.BRIER)
    assert found_of(*ALIKE, metric=Metric.BRIER) == alike
    assert "not all answers are finite, which leaves no brier to pool" == left_out.reason


def test_two_seeds_are_too_few():
    found = found_of(*(arm(one.setting, one.probabilities[:2]) for one in ALIKE))
    assert [Pooling(reason="seed variance needs 3 seeds in both arms to be pooled")] * 2 == found


def test_a_metric_without_a_meaning_is_refused():
    mixed = {"labels": np.arange(len(LABELS)) % 2}
    savings = [replace(one, **mixed) for one in ALIKE]
    with pytest.raises(OptionError, match="metric subject_auc: subjects have images of both classes"):
        found_of(*savings, metric=Metric.SUBJECT_AUC, baseline=arm("baseline", BASELINE, **mixed))


# In a verdict


def judged(*savings, **given):
    return verdicts(
        pairs_of([arm("baseline", BASELINE), *savings]), margin=0.1, metric=Metric.ACCURACY, **given
    )


def test_nothing_is_pooled_unless_asked_for():
    assert [None, None] == [one.pooling for one in judged(*ALIKE)]


def test_a_verdict_goes_by_what_was_pooled():
    own, pooled = judged(*ALIKE)[0], judged(*ALIKE, pool_seeds=True)[0]
    lost = np.array([np.isin(np.arange(100), more) for more in OF_AMP])
    means = lost.mean(axis=1)
    variance = found_of(*ALIKE)[0].seed_variance
    expected = compare(-means, -(lost - means[:, None]) / 100, margin=0.1, pooled=variance)
    assert (pytest.approx(expected.low), pytest.approx(expected.high)) == (pooled.low, pooled.high)
    assert own.difference == pooled.difference
    assert own.low != pytest.approx(pooled.low)


def test_settings_that_differ_are_judged_each_by_its_own():
    own, pooled = judged(*ALIKE, NOISY), judged(*ALIKE, NOISY, pool_seeds=True)
    assert [(one.low, one.high, one.p) for one in own] == [(one.low, one.high, one.p) for one in pooled]
    assert {"seed variances of the settings differ"} == {one.pooling.reason[:37] for one in pooled}


def test_two_seeds_stay_inconclusive():
    savings = [arm(one.setting, one.probabilities[:2]) for one in ALIKE]
    found = judged(*savings, pool_seeds=True)
    assert [(Outcome.INCONCLUSIVE, "2 seeds; at least 3 are needed")] * 2 == [
        (one.outcome, one.reason) for one in found
    ]


def test_the_table_says_over_how_many_arms_or_why_not():
    text = verdict_table(judged(*ALIKE, pool_seeds=True), width=200)
    p = found_of(*ALIKE)[0].p
    assert f"rsna densenet amp, 8bit: seed variance pooled over 3 arms (homogeneity: p = {p:.3f})." in text
    assert "seed variance" not in verdict_table(judged(*ALIKE), width=200)
    text = verdict_table(judged(*ALIKE, NOISY, pool_seeds=True), width=200)
    assert "rsna densenet amp, 8bit, half: seed variances of the settings differ (p = 0.0" in text


# How often it misses


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [3, 5, 10])
@pytest.mark.parametrize("restless", [(1, 1), (1, 2), (1, 4), (4, 1)], ids=str)
def test_a_loss_of_the_margin_passes_as_rarely_as_promised(seeds, restless):
    """Draw seed effects alone, of a baseline and five settings, of which the first is judged."""
    rng, draws, passed, covered = np.random.default_rng(5), 4000, 0, 0
    spread = 0.01 * np.array([*restless, 1, 1, 1, 1])[:, None]
    for _ in range(draws):
        values = spread * rng.standard_normal((6, seeds))
        psi = np.zeros((seeds, 200))
        pooled = pool(values).seed_variance
        found = compare(values[1] - values[0] - MARGIN, psi, margin=MARGIN, pooled=pooled)
        passed += found.low > -MARGIN
        covered += found.low <= -MARGIN <= found.high
    assert passed / draws <= 0.035
    assert covered / draws >= 0.94 - 0.008  # two standard errors
