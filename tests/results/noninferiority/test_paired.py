"""Paired intervals: Tango's and DeLong's against brute force, and where there is none."""

from itertools import product
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import xlogy
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from redl.results.metric import Metric
from redl.results.noninferiority.paired import delong, interval_of_one_pair, tango

Z = norm.ppf(0.975)


def test_tangos_known_answer():
    assert tango(40, 20, 160) == pytest.approx((0.0309, 0.2181), abs=5e-5)


def score_statistic(b, c, n, difference):
    """Return Tango's statistic, with the likeliest nuisance found by search."""

    def unlikelihood(by_second):
        alike = 1 - 2 * by_second - difference
        return -(xlogy(b, by_second + difference) + xlogy(c, by_second) + xlogy(n - b - c, alike))

    bounds = max(0, -difference), (1 - difference) / 2
    by_second = minimize_scalar(unlikelihood, bounds=bounds, method="bounded", options={"xatol": 1e-10}).x
    variance = n * (2 * by_second + difference * (1 - difference))
    return (b - c - n * difference) / variance**0.5


@pytest.mark.parametrize("counts", [(40, 20, 160), (3, 0, 20), (0, 0, 15), (7, 1, 8), (2, 9, 30)])
def test_tangos_bounds_are_where_the_score_is_at_its_quantile(counts):
    grid = np.linspace(-0.9995, 0.9995, 2000)
    inside = [one for one in grid if abs(score_statistic(*counts, one)) <= Z]
    assert tango(*counts) == pytest.approx((min(inside), max(inside)), abs=2e-3)


@st.composite
def counts(draw):
    n = draw(st.integers(1, 60))
    b = draw(st.integers(0, n))
    return b, draw(st.integers(0, n - b)), n


@given(counts=counts())
def test_tangos_interval_turns_with_the_pair_and_contains_the_difference(counts):
    b, c, n = counts
    low, high = tango(b, c, n)
    assert (-high, -low) == tango(c, b, n)
    assert -1 <= low <= (b - c) / n <= high <= 1
    assert low < high


def test_where_no_pair_differs_tangos_interval_is_wilsons():
    assert tango(0, 0, 20) == pytest.approx((-(Z**2) / (20 + Z**2), Z**2 / (20 + Z**2)))


def test_where_all_differ_alike_tangos_interval_ends_at_one():
    assert 1 == tango(20, 0, 20)[1]
    assert -1 == tango(0, 20, 20)[0]
    assert tango(0, 20, 20)[1] < 0


@pytest.mark.parametrize("chances", [(0.2, 0.1), (0.05, 0.05), (0.3, 0.05), (0.45, 0.45)])
def test_tangos_interval_contains_the_truth_about_as_often_as_it_says(chances):
    first, second = chances
    n, covered = 25, 0.0
    for b, c in product(range(n + 1), repeat=2):
        if b + c <= n:
            low, high = tango(b, c, n)
            ways = comb(n, b) * comb(n - b, c)
            chance = ways * first**b * second**c * (1 - first - second) ** (n - b - c)
            covered += chance * (low <= first - second <= high)
    assert covered == pytest.approx(0.95, abs=0.03)  # its own coverage, of discrete counts


def drawn(seed, images):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(images) % 3 == 0).astype(int)
    shared = labels + rng.normal(size=images)
    # Rounded, so that some are equal.
    new, old = (np.round(norm.cdf(shared + rng.normal(size=images)), 1) for _ in range(2))
    return labels, new, old


def kernel(labels, scores):
    """Return for all pairs of either class whether the positive one is above, a tie as half."""
    apart = scores[labels == 1][:, None] - scores[labels == 0]
    return (apart > 0) + 0.5 * (apart == 0)


@pytest.mark.parametrize("seed", range(5))
def test_delong_is_what_all_pairs_give(seed):
    labels, new, old = drawn(seed, 40)
    of_pairs = [kernel(labels, scores) for scores in (new, old)]
    rows, columns = (np.cov([one.mean(axis=axis) for one in of_pairs]) for axis in (1, 0))
    m, n = of_pairs[0].shape
    covariance = rows / m + columns / n
    expected = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    difference, variance = delong(labels, new, old)
    assert difference == pytest.approx(roc_auc_score(labels, new) - roc_auc_score(labels, old))
    assert variance == pytest.approx(expected)


def test_delongs_variance_is_that_of_a_jackknife_and_of_a_bootstrap():
    labels, new, old = drawn(7, 300)

    def difference(chosen):
        return (kernel(labels[chosen], new[chosen]) - kernel(labels[chosen], old[chosen])).mean()

    _, variance = delong(labels, new, old)
    places = np.arange(300)
    left_out = [difference(places != one) for one in places]
    assert variance == pytest.approx(299 * np.var(left_out), rel=0.05)
    rng = np.random.default_rng(8)
    resampled = [difference(rng.integers(300, size=300)) for _ in range(1000)]
    assert variance == pytest.approx(np.var(resampled), rel=0.2)


LABELS = np.array([0, 0, 0, 1, 1, 1])
NEW, OLD = np.array([0.1, 0.2, 0.6, 0.4, 0.9, 0.9]), np.array([0.1, 0.7, 0.2, 0.8, 0.7, 0.9])
ALONE, TWINS = np.arange(6), np.array([0, 0, 1, 2, 2, 3])


def interval(metric, labels=LABELS, subjects=ALONE, new=NEW, old=OLD):
    return interval_of_one_pair(metric, labels, subjects, new, old)


def test_shares_have_tangos_interval_of_what_only_one_answers_correctly():
    assert ("Tango 1998", tango(1, 2, 6)) == interval(Metric.ACCURACY)
    assert ("Tango 1998", tango(0, 1, 3)) == interval(Metric.SENSITIVITY)
    assert ("Tango 1998", tango(1, 1, 3)) == interval(Metric.SPECIFICITY)


def test_an_auc_has_delongs_interval():
    author, (low, high) = interval(Metric.AUC)
    difference, variance = delong(LABELS, NEW, OLD)
    assert "DeLong 1988" == author
    assert (low + high) / 2 == pytest.approx(difference)
    assert high - low == pytest.approx(2 * Z * variance**0.5)


def test_images_of_one_patient_are_not_independent_but_patients_are():
    assert interval(Metric.ACCURACY, subjects=TWINS) is None
    assert interval(Metric.AUC, subjects=TWINS) is None
    assert ("Tango 1998", tango(0, 0, 4)) == interval(Metric.SUBJECT_ACCURACY, subjects=TWINS, new=OLD)
    assert "DeLong 1988" == interval(Metric.SUBJECT_AUC, subjects=TWINS)[0]


@pytest.mark.parametrize("metric", [Metric.BALANCED_ACCURACY, Metric.BRIER])
def test_other_metrics_have_none(metric):
    assert interval(metric) is None


def test_an_auc_needs_two_of_either_class_and_numbers():
    assert interval(Metric.AUC, labels=np.array([0, 0, 0, 0, 0, 1])) is None
    assert interval(Metric.AUC, new=np.where(ALONE == 2, np.nan, NEW)) is None
    assert interval(Metric.AUC, old=np.where(ALONE == 2, np.nan, OLD)) is None
