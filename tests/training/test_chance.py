"""Chance: AUC and its interval against brute force, and a constant answer's loss."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import log_loss, roc_auc_score

from redl.training.chance import auc_interval, draw_weights, entropy


@pytest.mark.parametrize("positive", [0.1, 0.25, 0.5, 0.9])
def test_the_least_loss_of_a_constant_answer_is_the_entropy(positive):
    labels = np.arange(20) < 20 * positive
    assert pytest.approx(log_loss(labels, np.full(20, positive))) == entropy(positive)


@pytest.mark.parametrize("positive", [0.0, 1.0])
def test_one_class_costs_nothing(positive):
    assert 0 == entropy(positive)


def drawn(seed=0, count=60):
    rng = np.random.default_rng(seed)
    labels = (rng.random(count) < 0.4).astype(float)
    scores = np.round(rng.normal(labels, 1.0), 1)  # with ties
    return scores, labels, rng.integers(0, 20, count).astype(np.int32)


@settings(deadline=None)
@given(st.integers(0, 99))
def test_the_auc_is_that_of_scikit_learn(seed):
    scores, labels, subjects = drawn(seed)
    assert pytest.approx(roc_auc_score(labels, scores)) == auc_interval(scores, labels, subjects).auc


@pytest.mark.slow
def test_the_interval_is_that_of_redrawn_images():
    scores, labels, subjects = drawn()
    _, subject_of_image = np.unique(subjects, return_inverse=True)
    aucs = []
    for weights in draw_weights(subject_of_image):
        redrawn = np.repeat(np.arange(len(scores)), weights)
        if len(set(labels[redrawn])) == 2:
            aucs.append(roc_auc_score(labels[redrawn], scores[redrawn]))
    found = auc_interval(scores, labels, subjects)
    assert pytest.approx(np.quantile(aucs, (0.025, 0.975)).tolist()) == [found.low, found.high]


def test_subjects_are_drawn_whole():
    weights = draw_weights(np.array([0, 0, 1, 2, 2]))
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, 3] == weights[:, 4]).all()
    assert (weights[:, 0] + weights[:, 2] + weights[:, 3] == 3).all()


@pytest.mark.parametrize("labels", [[0, 0, 0], [1, 1, 1]])
def test_one_class_has_no_auc(labels):
    assert auc_interval(np.arange(3.0), np.array(labels, float), np.arange(3, dtype=np.int32)) is None


@pytest.mark.parametrize("lost", [math.nan, math.inf])
def test_scores_that_are_not_finite_have_no_auc(lost):
    scores, labels, subjects = drawn()
    scores[3] = lost
    assert auc_interval(scores, labels, subjects) is None
