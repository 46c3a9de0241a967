"""Influence: each metric as it is scored, and by patient against derivatives taken by brute force."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from redl.errors import OptionError
from redl.results.metric import OF_RANKS, OF_SUBJECTS, Metric
from redl.results.noninferiority.influence import influence, over_seeds, placements
from redl.training.metrics import per_subject, score

EIGHTHS = st.sampled_from([number / 8 for number in range(9)])  # with ties, and 0.5 itself
COUNTED = [metric for metric in Metric if metric not in (*OF_RANKS, Metric.BRIER)]


@st.composite
def answers(draw, *, shared=True):
    """Draw the labels, probabilities and subjects of images in any order, with patients of either class."""
    labels = [0, 1, *draw(st.lists(st.integers(0, 1), min_size=1, max_size=5))]
    rows = [
        (draw(st.integers(0, 1)) if not shared and number else label, draw(EIGHTHS), 3 * subject)
        for subject, label in enumerate(labels)
        for number in range(draw(st.integers(1, 4)))
    ]
    return [np.array(column) for column in zip(*draw(st.permutations(rows)), strict=True)]


def weighted(metric, labels, probabilities, weights):
    """Return a metric of weighted units; an AUC by all pairs."""
    positive = labels == 1
    if metric in OF_RANKS:
        apart = probabilities[positive][:, None] - probabilities[~positive]
        return np.average(
            (apart > 0) + (apart == 0) / 2, weights=np.outer(weights[positive], weights[~positive])
        )
    if metric is Metric.BRIER:
        return -np.average((probabilities - labels) ** 2, weights=weights)
    right = (probabilities > 0.5) == positive
    sensitivity = np.average(right[positive], weights=weights[positive])
    specificity = np.average(right[~positive], weights=weights[~positive])
    return {
        Metric.SENSITIVITY: sensitivity,
        Metric.SPECIFICITY: specificity,
        Metric.BALANCED_ACCURACY: (sensitivity + specificity) / 2,
    }.get(metric, np.average(right, weights=weights))


def by_derivative(metric, labels, probabilities, subjects):
    """Return what a little more weight of each patient changes (the infinitesimal jackknife)."""
    patients = np.unique(subjects)
    if metric in OF_SUBJECTS:
        labels, probabilities = per_subject(labels, probabilities, subjects)
        subjects = patients
    step = 1e-5
    ends = [
        [weighted(metric, labels, probabilities, 1 + sign * step * (subjects == one)) for sign in (1, -1)]
        for one in patients
    ]
    return np.array([(above - below) / (2 * step) for above, below in ends])


@pytest.mark.parametrize("metric", Metric)
@given(given_answers=answers())
def test_a_metric_is_what_a_case_is_scored_by(metric, given_answers):
    expected = getattr(score(*given_answers, threshold_at_90=None), metric)
    sign = -1 if metric is Metric.BRIER else 1
    assert sign * expected == pytest.approx(influence(metric, *given_answers).value)


@pytest.mark.parametrize("metric", Metric)
@given(data=st.data())
def test_influence_is_the_derivative_by_a_patients_weight(metric, data):
    labels, probabilities, subjects = data.draw(answers(shared=metric in OF_SUBJECTS))
    expected = by_derivative(metric, labels, probabilities, subjects)
    if metric in (Metric.SENSITIVITY, Metric.SPECIFICITY):
        mine = labels == (metric is Metric.SENSITIVITY)
        expected = expected[np.isin(np.unique(subjects), subjects[mine])]
    np.testing.assert_allclose(influence(metric, labels, probabilities, subjects).psi, expected, atol=1e-7)


@pytest.mark.parametrize("metric", Metric)
@given(given_answers=answers())
def test_influences_cancel(metric, given_answers):
    assert abs(influence(metric, *given_answers).psi.sum()) < 1e-12


@given(given_answers=answers())
def test_placements_are_those_of_all_pairs(given_answers):
    labels, probabilities, _ = given_answers
    expected = []
    for label, probability in zip(labels, probabilities, strict=True):
        others = probabilities[labels != label]
        above = (probability - others) * (1 if label else -1)
        expected.append(np.mean((above > 0) + (above == 0) / 2))
    np.testing.assert_allclose(placements(labels, probabilities), expected)


LABELS, SUBJECTS = np.array([0, 0, 1, 1]), np.array([0, 0, 1, 1])
LOST = np.array([0.1, np.nan, 0.9, 0.9])


@pytest.mark.parametrize("metric", COUNTED)
def test_an_answer_that_is_no_number_is_wrong_whatever_its_class(metric):
    lost = np.full(4, np.nan)
    assert 0 == influence(metric, LABELS, lost, SUBJECTS).value


def test_a_subject_with_an_answer_that_is_no_number_is_wrong():
    assert 0.75 == influence(Metric.ACCURACY, LABELS, LOST, SUBJECTS).value
    assert 0.5 == influence(Metric.SUBJECT_ACCURACY, LABELS, LOST, SUBJECTS).value


@pytest.mark.parametrize("metric", [Metric.AUC, Metric.SUBJECT_AUC, Metric.BRIER])
def test_ranks_and_distances_need_numbers(metric):
    assert influence(metric, LABELS, LOST, SUBJECTS) is None
    assert over_seeds(metric, LABELS, np.array([[0.1, 0.2, 0.3, 0.4], LOST]), SUBJECTS) is None


def test_seeds_are_stacked():
    values, psi = over_seeds(Metric.ACCURACY, LABELS, np.array([[0.1, 0.2, 0.3, 0.9], LOST]), SUBJECTS)
    assert [0.75, 0.75] == values.tolist()
    assert [[0.125, -0.125], [-0.125, 0.125]] == psi.tolist()


@pytest.mark.parametrize("metric", OF_SUBJECTS)
def test_a_subject_of_both_classes_is_no_whole(metric):
    with pytest.raises(OptionError, match=rf"^metric {metric}: subjects .* use {metric[8:]}$"):
        influence(metric, np.array([0, 1, 1, 1]), np.full(4, 0.9), SUBJECTS)


@pytest.mark.parametrize("metric", [Metric.AUC, Metric.SUBJECT_AUC, Metric.BALANCED_ACCURACY])
@pytest.mark.parametrize("label", [0, 1])
def test_a_metric_of_both_classes_is_refused_without_one(metric, label):
    with pytest.raises(OptionError, match=rf"^metric {metric}: the test images have none of a class"):
        influence(metric, np.full(4, label), np.full(4, 0.9), SUBJECTS)


@pytest.mark.parametrize(("metric", "label"), [(Metric.SENSITIVITY, 0), (Metric.SPECIFICITY, 1)])
def test_the_share_of_a_class_is_refused_without_it(metric, label):
    with pytest.raises(OptionError, match=rf"^metric {metric}: the test images have none of a class"):
        influence(metric, np.full(4, label), np.full(4, 0.9), SUBJECTS)
