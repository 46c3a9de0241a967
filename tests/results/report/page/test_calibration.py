"""Calibration curves of the page."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from redl.record import Predictions
from redl.results.report.figures.calibration import BINS
from redl.results.report.page.advice import advice_of
from redl.results.report.page.calibration import calibration_of
from redl.results.report.page.groups import groups_of
from tests.helpers.saved import finished

RANDOM = np.random.default_rng(1)
PROBABILITIES = RANDOM.random(200)
LABELS = (RANDOM.random(200) < PROBABILITIES).astype(int)


def points(probabilities, labels, *records):
    records = records or (finished(),)
    answers = Predictions(
        subjects=tuple(range(len(labels))), labels=tuple(labels), probabilities=tuple(probabilities)
    )
    return calibration_of(
        advice_of(groups_of(records), {record.case.id: answers for record in records}, 0.02)
    )


def test_points_are_those_of_scikit_learn():
    observed, predicted = calibration_curve(LABELS, PROBABILITIES, n_bins=BINS, strategy="quantile")
    found = points(PROBABILITIES.tolist(), LABELS.tolist())
    assert pytest.approx(predicted.tolist()) == [one.predicted for one in found]
    assert pytest.approx(observed.tolist()) == [one.observed for one in found]


def test_seeds_are_counted_together():
    records = (finished(seed=1), finished(seed=2))
    once, twice = (points(PROBABILITIES.tolist(), LABELS.tolist(), *records[:count]) for count in (1, 2))
    assert pytest.approx([one.observed for one in once]) == [one.observed for one in twice]


def test_settings_have_curves_of_their_own():
    found = points(PROBABILITIES.tolist(), LABELS.tolist(), finished(), finished(setting="amp"))
    assert {"baseline", "amp"} == {one.setting for one in found}


def test_too_few_answers_have_no_curve():
    assert [] == points([0.9, 0.1], [1, 0])


def test_without_predictions_there_is_no_curve():
    assert [] == calibration_of(advice_of(groups_of([finished()]), {}, 0.02))
