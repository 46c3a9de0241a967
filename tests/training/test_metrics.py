"""Metrics: against scikit-learn, by hand, and where they are undefined."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import roc_auc_score

from redl.training.metrics import (
    calibrated_error,
    expected_calibration_error,
    per_subject,
    roc_auc,
    roc_aucs,
    score,
    threshold_at_specificity,
)

LABELS = np.array([0, 0, 0, 1, 1, 1])
PROBABILITIES = np.array([0.1, 0.2, 0.7, 0.4, 0.8, 0.9])
SUBJECTS = np.array([0, 0, 1, 2, 2, 3])


def scores(labels=LABELS, probabilities=PROBABILITIES, subjects=SUBJECTS, threshold=0.5):
    return score(labels, probabilities, subjects, threshold_at_90=threshold)


def test_scores_by_hand():
    found = scores()
    assert found.accuracy == pytest.approx(4 / 6)
    assert found.sensitivity == pytest.approx(2 / 3)
    assert found.specificity == pytest.approx(2 / 3)
    assert found.balanced_accuracy == pytest.approx(2 / 3)
    assert found.auc == pytest.approx(8 / 9)
    assert found.brier == pytest.approx(np.mean([0.01, 0.04, 0.49, 0.36, 0.04, 0.01]))


def test_a_subject_answers_with_the_mean_of_its_images():
    assert 3 / 4 == scores().subject_accuracy  # subject 1 alone is wrong, at 0.7
    assert 3 / 4 == scores().subject_auc


def test_subjects_are_gathered_whatever_their_order():
    labels, probabilities = per_subject(np.array([1, 0, 1]), np.array([0.2, 0.5, 0.6]), np.array([7, 3, 7]))
    assert [0, 1] == labels.tolist()
    assert [0.5, 0.4] == probabilities.tolist()


def test_a_network_that_answers_nan_scores_nothing():
    found = scores(probabilities=np.array([0.1, np.nan, 0.7, 0.4, 0.8, 0.9]))
    assert found.accuracy is None
    assert found.auc is None


def test_an_empty_part_scores_nothing():
    assert scores(labels=LABELS[:0], probabilities=PROBABILITIES[:0], subjects=SUBJECTS[:0]).accuracy is None


def test_one_class_has_no_auc_but_an_accuracy():
    found = scores(labels=np.zeros(6, int))
    assert found.auc is None
    assert found.sensitivity is None
    assert found.balanced_accuracy is None
    assert 0.5 == found.accuracy


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1))
def test_the_threshold_keeps_its_specificity(pairs):
    labels, probabilities = (np.array(column) for column in zip(*pairs, strict=True))
    cut = threshold_at_specificity(labels.astype(int), probabilities)
    negatives = probabilities[~labels]
    if len(negatives) == 0:
        assert cut is None
    else:
        assert 0.9 <= np.mean(negatives <= cut)
        lower = negatives[negatives < cut]
        assert all(np.mean(negatives <= other) < 0.9 for other in lower)


def test_sensitivity_at_90_specificity_uses_the_threshold_it_is_given():
    assert 1 / 3 == pytest.approx(scores(threshold=0.85).sensitivity_at_90_specificity)
    assert scores(threshold=None).sensitivity_at_90_specificity is None


def test_the_specificity_that_the_cut_reaches_here_is_told():
    labels, probabilities = np.array([0, 0, 0, 0, 1]), np.array([0.1, 0.2, 0.6, 0.9, 0.7])
    found = score(labels, probabilities, np.arange(5), threshold_at_90=0.5)
    assert (0.5, 1.0) == (found.specificity_reached_at_90, found.sensitivity_at_90_specificity)
    assert score(labels, probabilities, np.arange(5), threshold_at_90=None).specificity_reached_at_90 is None


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0.1, 0.3, 0.5, 0.8])), min_size=1), st.randoms())
def test_calibration_error_does_not_depend_on_the_order_of_images(pairs, random):
    mixed = random.sample(pairs, len(pairs))
    one, other = (
        expected_calibration_error(*(np.array(column, float) for column in zip(*order, strict=True)))
        for order in (pairs, mixed)
    )
    assert one == pytest.approx(other)


def test_equal_answers_share_a_bin():
    labels = np.array([1.0] * 30 + [0.0] * 70)
    assert pytest.approx(0) == expected_calibration_error(labels, np.full(100, 0.3))


def test_a_calibrated_network_has_the_calibration_error_that_is_told():
    random = np.random.default_rng(0)
    probabilities = random.beta(2, 4, 210)
    found = [
        expected_calibration_error((random.random(210) < probabilities).astype(float), probabilities)
        for _ in range(400)
    ]
    assert pytest.approx(np.mean(found), rel=0.05) == calibrated_error(probabilities)
    assert 0.05 < calibrated_error(probabilities) < 0.12


def test_calibration_error_agrees_with_scikit_learn_on_equal_bins():
    generator = np.random.default_rng(0)
    probabilities = generator.permutation(np.linspace(0.001, 0.999, 150))
    labels = (generator.random(150) < probabilities**2).astype(int)
    share, mean = calibration_curve(labels, probabilities, n_bins=15, strategy="quantile")
    assert np.mean(abs(share - mean)) == pytest.approx(expected_calibration_error(labels, probabilities))


def test_subjects_with_images_of_both_classes_are_not_scored():
    labels, subjects = np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1])
    found = score(labels, np.array([0.1, 0.9, 0.2, 0.8]), subjects, threshold_at_90=None)
    assert (1.0, 1.0, None, None) == (found.accuracy, found.auc, found.subject_accuracy, found.subject_auc)


def test_subjects_of_one_class_have_no_auc():
    found = score(np.array([1, 1]), np.array([0.1, 0.9]), np.array([0, 1]), threshold_at_90=None)
    assert (0.5, None, None) == (found.subject_accuracy, found.auc, found.subject_auc)


@st.composite
def weighted_answers(draw, weight):
    """Draw answers of both classes, with ties, each class with a weight above 0."""
    answers = st.tuples(st.integers(0, 1), st.sampled_from([0.0, 0.25, 0.5, 1.0]), weight)
    drawn = [
        *draw(st.lists(answers, max_size=30)),
        (0, draw(st.floats(0, 1)), 1),
        (1, draw(st.floats(0, 1)), 1),
    ]
    return tuple(np.array(column) for column in zip(*drawn, strict=True))


@settings(deadline=None)
@given(weighted_answers(st.integers(0, 3) | st.floats(0, 3)))
def test_the_auc_is_that_of_scikit_learn_whatever_the_weights(answers):
    labels, given_scores, weights = answers
    expected = roc_auc_score(labels, given_scores, sample_weight=weights)
    assert pytest.approx(expected) == roc_auc(labels, given_scores, weights)


@settings(deadline=None)
@given(weighted_answers(st.integers(0, 3)))
def test_a_weight_counts_an_answer_that_often(answers):
    labels, given_scores, weights = answers
    repeated = np.repeat(np.arange(len(labels)), weights)
    assert roc_auc(labels[repeated], given_scores[repeated]) == roc_auc(labels, given_scores, weights)


def test_every_row_of_weights_has_its_auc():
    weights = np.array([np.ones(6, int), [1, 0, 0, 0, 0, 1], [1, 1, 1, 0, 0, 0], [0, 0, 2, 1, 1, 0]])
    found = roc_aucs(LABELS, PROBABILITIES, weights)
    assert [8 / 9, 1.0, 0.5] == pytest.approx(found[[0, 1, 3]])
    assert np.isnan(found[2])  # no positive is drawn


@pytest.mark.parametrize(
    ("labels", "given_scores", "weights"),
    [
        ([], [], None),
        ([1, 1], [0.1, 0.2], None),
        ([0, 0], [0.1, 0.2], None),
        ([0, 1], [0.1, 0.2], [1, 0]),
        ([0, 1], [0.1, np.nan], None),
        ([0, 1], [0.1, np.inf], [1, 1]),
    ],
)
def test_an_auc_that_is_not_defined_is_none(labels, given_scores, weights):
    weights = None if weights is None else np.array(weights)
    assert roc_auc(np.array(labels, int), np.array(given_scores, float), weights) is None
