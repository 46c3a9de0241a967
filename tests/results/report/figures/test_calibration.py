"""A calibration curve compares probabilities with what came true."""

import numpy as np
import pytest

from redl.results.report.figures.calibration import reliability
from tests.helpers.savings import arm


def curve(probabilities, labels):
    return reliability(arm([probabilities], labels, range(len(labels))))


def test_each_bin_is_its_mean_probability_and_its_share_of_positives():
    probabilities = np.repeat([0.1, 0.5, 0.9], 10)
    labels = np.repeat([0, 1, 1], 10)
    labels[10:15] = 0
    given, came_true = curve(probabilities, labels.tolist())
    assert ([pytest.approx(p) for p in (0.1, 0.5, 0.9)], [0, 0.5, 1]) == (given.tolist(), came_true.tolist())


def test_a_constant_answer_is_one_point():
    given, came_true = curve([0.4] * 40, [0, 1] * 20)
    assert ([pytest.approx(0.4)], [0.5]) == (given.tolist(), came_true.tolist())


def test_all_images_are_counted():
    generator = np.random.default_rng(1)
    probabilities = generator.random(97)
    labels = (generator.random(97) < probabilities).astype(int)
    found = reliability(arm([probabilities, probabilities], labels.tolist(), range(97)))
    assert 9 == len(found[0])


def test_an_answer_that_is_not_finite_is_left_out():
    probabilities = [0.1] * 15 + [0.6] * 15 + [0.9] * 10 + [np.nan]
    given, _ = curve(probabilities, [0] * 20 + [1] * 21)
    assert np.isfinite(given).all()


def test_too_few_images_have_no_curve():
    assert curve([0.5] * 29, [0, 1] * 14 + [1]) is None


def test_seeds_do_not_stand_for_images():
    assert reliability(arm([[0.5] * 29] * 5, [0, 1] * 14 + [1], range(29))) is None


def test_a_curve_lies_on_the_diagonal_where_answers_are_calibrated():
    probabilities = np.linspace(0.01, 0.99, 5000)
    labels = (np.random.default_rng(2).random(5000) < probabilities).astype(int)
    given, came_true = curve(probabilities, labels.tolist())
    np.testing.assert_allclose(given, came_true, atol=0.06)
