"""Calibration curves: bins of equal number."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from redl.record import Predictions
from redl.results.report.page.calibration import BINS, calibration_of
from redl.results.report.page.groups import groups_of
from tests.helpers.saved import finished

RANDOM = np.random.default_rng(1)
PROBABILITIES = RANDOM.random(200)
LABELS = (RANDOM.random(200) < PROBABILITIES).astype(int)


def bins(probabilities, labels, *records):
    records = records or (finished(),)
    answers = Predictions(
        subjects=(0,) * len(labels), labels=tuple(labels), probabilities=tuple(probabilities)
    )
    return calibration_of(groups_of(records), {record.case.id: answers for record in records})


def test_bins_are_those_of_scikit_learn():
    observed, predicted = calibration_curve(LABELS, PROBABILITIES, n_bins=BINS, strategy="quantile")
    found = bins(PROBABILITIES.tolist(), LABELS.tolist())
    assert pytest.approx(predicted.tolist()) == [one.predicted for one in found]
    assert pytest.approx(observed.tolist()) == [one.observed for one in found]


def test_seeds_are_counted_together():
    found = bins(PROBABILITIES.tolist(), LABELS.tolist(), finished(seed=1), finished(seed=2))
    assert 400 == sum(one.answers for one in found)


def test_an_answer_that_is_not_finite_is_left_out():
    assert 2 == sum(one.answers for one in bins([0.1, None, 0.9], [0, 1, 1]))


def test_fewer_answers_than_bins_have_a_bin_each():
    assert [0.1, 0.9] == [one.predicted for one in bins([0.9, 0.1], [1, 0])]


def test_answers_none_of_which_is_finite_have_no_bin():
    assert [] == bins([None], [1])
