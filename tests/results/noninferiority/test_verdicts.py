"""Non-inferiority: the crossed procedure by hand, at its special cases, and by how often it misses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import chi2
from scipy.stats import t as student

from redl.results.noninferiority.crossed import compare, patients_that_show

MARGIN = 0.02


def centred(psi):
    return psi - psi.mean(axis=1, keepdims=True)


def effects(seeds, patients):
    return arrays(np.float64, (seeds, patients), elements=st.integers(-8, 8).map(lambda one: one / 100))


def test_by_hand():
    # V_P is 2 * (0.02^2 + 0.02^2), V_S 0.0018 / 2; the seeds alone have 2 * 0.0018 and 2 * 0.0002, on
    # average 0.002, so that V_I is (0.002 - 0.0016) / 1.
    psi = np.array([[0.03, -0.03], [0.01, -0.01]])
    found = compare(np.array([0.01, 0.07]), psi, margin=MARGIN)
    variance = 0.0016 + 0.0009 - 0.0004
    # The degrees of freedom are those of seeds that differ more than seven of ten such pairs would show.
    doubted = 0.0009 * 1 / chi2.ppf(0.3, 1)
    freedom = (0.0016 + doubted - 0.0004) ** 2 / (0.0016**2 / 1 + doubted**2 / 1)
    assert found.difference == pytest.approx(0.04)
    assert found.standard_error == pytest.approx(variance**0.5)
    assert found.degrees_of_freedom == pytest.approx(freedom)
    assert found.low == pytest.approx(0.04 - student.ppf(0.975, freedom) * variance**0.5)
    assert found.high == pytest.approx(0.04 + student.ppf(0.975, freedom) * variance**0.5)
    assert found.p == pytest.approx(student.sf(0.06 / variance**0.5, freedom))
    assert found.detectable_margin == pytest.approx(
        (student.ppf(0.975, freedom) + student.ppf(0.8, freedom)) * variance**0.5
    )


def test_seeds_that_agree_leave_the_variance_over_patients():
    psi = np.tile(np.array([0.01, -0.02, 0.01, 0.0]), (3, 1))
    found = compare(np.full(3, 0.01), psi, margin=MARGIN)
    assert found.standard_error**2 == pytest.approx(4 / 3 * 0.0006)
    assert found.degrees_of_freedom == pytest.approx(3)  # patients less 1


def test_patients_that_agree_leave_a_paired_t_over_seeds():
    differences = np.array([0.01, 0.02, 0.06])
    found = compare(differences, np.zeros((3, 50)), margin=MARGIN)
    assert found.standard_error == pytest.approx(differences.std(ddof=1) / 3**0.5)
    assert found.degrees_of_freedom == pytest.approx(2)


def test_what_patients_answer_otherwise_in_each_seed_is_counted_once():
    # Nothing but the interaction: it is all in V_P, and the seeds' own variance is what it makes of them.
    psi = centred(np.random.default_rng(1).normal(size=(200, 300))) / 300
    differences = np.random.default_rng(2).normal(size=200) / 300**0.5
    found = compare(differences, psi, margin=MARGIN)
    assert found.standard_error**2 == pytest.approx(1 / 300 / 200, rel=0.2)


def test_degrees_of_freedom_are_never_fewer_than_of_the_seeds():
    # The interaction takes all of V_S away, and what is left has but a patient's degree of freedom.
    psi = np.array([[0.03, -0.03], [-0.03, 0.03], [0.03, -0.03], [-0.03, 0.03], [0.01, -0.01]])
    found = compare(np.array([0.02, 0.0, 0.03, 0.01, 0.04]), psi, margin=MARGIN)
    assert 4 == found.degrees_of_freedom


@pytest.mark.parametrize(("difference", "p"), [(-0.01, 0), (-0.02, 1), (-0.03, 1)])
def test_equal_answers_leave_a_point_and_no_doubt(difference, p):
    found = compare(np.full(3, difference), np.zeros((3, 4)), margin=MARGIN)
    assert (difference, difference, difference) == (found.low, found.difference, found.high)
    assert p == found.p
    assert (-difference, 0) == (found.shown_margin, found.detectable_margin)


def test_one_seed_or_one_patient_has_no_spread():
    assert compare(np.zeros(1), np.zeros((1, 9)), margin=MARGIN) is None
    assert compare(np.zeros(9), np.zeros((9, 1)), margin=MARGIN) is None


@given(
    psi=effects(3, 5),
    differences=arrays(np.float64, 3, elements=st.integers(-5, 5).map(lambda one: one / 100)),
)
def test_p_and_interval_agree(psi, differences):
    found = compare(differences, centred(psi), margin=MARGIN)
    assert (found.low > -MARGIN) == (found.p < 0.025)


@given(
    psi=effects(4, 6),
    differences=arrays(np.float64, 4, elements=st.integers(-5, 5).map(lambda one: one / 100)),
)
def test_the_least_margin_shown_is_where_the_verdict_turns(psi, differences):
    shown = compare(differences, centred(psi), margin=MARGIN).shown_margin
    assert shown >= 0
    assert compare(differences, centred(psi), margin=shown + 1e-6).p < 0.025
    if shown > 1e-6:
        assert compare(differences, centred(psi), margin=shown - 1e-6).p > 0.025


def test_a_gain_shows_any_margin():
    assert 0 == compare(np.array([0.10, 0.11, 0.12]), np.zeros((3, 4)), margin=MARGIN).shown_margin


def test_an_interval_covers_new_seeds_and_patients_as_often_as_it_says():
    """Draw crossed normal effects and count how often the interval contains the truth: 95 % of 4000."""
    rng, seeds, patients = np.random.default_rng(3), 5, 60
    covered = 0
    for _ in range(4000):
        influences = rng.normal(size=patients) + rng.normal(size=(seeds, patients))
        differences = influences.mean(axis=1) + 0.1 * rng.normal(size=seeds)
        found = compare(differences, centred(influences) / patients, margin=MARGIN)
        covered += found.low <= 0 <= found.high
    assert covered / 4000 == pytest.approx(0.95, abs=0.015)


def test_four_of_five_experiments_show_the_detectable_margin():
    rng, seeds, patients = np.random.default_rng(4), 10, 200
    found = []
    for _ in range(1000):
        influences = rng.normal(size=patients) + rng.normal(size=(seeds, patients))
        differences = influences.mean(axis=1) + 0.1 * rng.normal(size=seeds)
        found.append(compare(differences, centred(influences) / patients, margin=MARGIN))
    margin = np.median([one.detectable_margin for one in found])
    assert np.mean([one.shown_margin < margin for one in found]) == pytest.approx(0.8, abs=0.04)


# What a variance does not show


def test_a_difference_that_rests_on_few_patients_has_a_floor_where_each_has_one_answer():
    for one_answer_each, expected in ((True, (0.02 * 0.98 / 200) ** 0.5), (False, 0)):
        found = compare(np.zeros(3), np.zeros((3, 200)), margin=0.02, one_answer_each=one_answer_each)
        assert found.standard_error == pytest.approx(expected)
        assert found.influential == 0


def test_a_difference_that_rests_on_many_patients_needs_no_floor():
    psi = centred(np.random.default_rng(0).normal(size=(3, 400))) / 400
    free, floored = (compare(np.zeros(3), psi, margin=0.5, one_answer_each=one) for one in (False, True))
    assert free.standard_error == floored.standard_error
    assert free.influential > 50


def test_patients_count_by_class():
    psi = np.concatenate([np.tile([0.01, -0.01], 5), np.tile([0.001, -0.001], 200)])[None].repeat(3, axis=0)
    classes = np.repeat([1, 0], [10, 400])
    found = compare(np.zeros(3), psi, margin=0.02, classes=classes)
    variance = 10 / 9 * 10 * 0.01**2 + 400 / 399 * 400 * 0.001**2
    assert found.standard_error**2 == pytest.approx(variance)
    assert found.degrees_of_freedom < 20


@given(st.floats(0.001, 0.5))
def test_enough_patients_meet_a_loss_of_the_margin_with_975_in_a_thousand(margin):
    enough = patients_that_show(margin)
    assert (1 - margin) ** enough <= 0.025 * (1 + 1e-9) < (1 - margin) ** (enough - 1) * (1 + 1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(("patients", "margin"), [(20, 0.05), (40, 0.02), (100, 0.02), (640, 0.02)])
def test_a_loss_in_fixed_patients_passes_as_rarely_as_promised(patients, margin):
    rng, passed, draws = np.random.default_rng(3), 0, 2000
    for _ in range(draws):
        lost = (rng.random(patients) < margin).astype(float)
        psi = np.tile(-(lost - lost.mean()) / patients, (3, 1))
        found = compare(np.full(3, -lost.mean()), psi, margin=margin, one_answer_each=True)
        passed += found.low > -margin
    assert passed / draws <= 0.035


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [3, 5, 10])
@pytest.mark.parametrize("ratio", [0.3, 3, 30])
def test_seeds_that_differ_more_than_patients_are_covered(seeds, ratio):
    rng, draws = np.random.default_rng(4), 4000
    passed = covered = 0
    for _ in range(draws):
        of_patients = rng.standard_normal(200) / 200 * 0.01 * 200**0.5
        psi = np.tile(of_patients - of_patients.mean(), (seeds, 1))
        differences = of_patients.sum() - MARGIN + rng.standard_normal(seeds) * 0.01 * ratio**0.5
        found = compare(differences, psi, margin=MARGIN)
        passed += found.low > -MARGIN
        covered += found.low <= -MARGIN <= found.high
    assert passed / draws <= 0.035
    assert covered / draws >= 0.94
