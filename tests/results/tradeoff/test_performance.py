"""Performance under resampling: a draw's metric is that of its images, each as often as it was drawn."""

import numpy as np
import pytest
from sklearn import metrics as sk

from redl.errors import OptionError
from redl.results.metric import OF_RANKS, OF_SUBJECTS, Metric
from redl.results.noninferiority.influence import over_seeds
from redl.results.tradeoff.benefit import images_of, units_of
from redl.results.tradeoff.performance import performance
from redl.results.tradeoff.resampling import Draws, draw
from tests.helpers.changes import replace
from tests.helpers.savings import arm

GENERATOR = np.random.default_rng(5)
SUBJECTS = np.repeat(np.arange(12), [1, 2, 3, 4] * 3)
LABELS = (SUBJECTS % 3 == 0).astype(int)  # all images of a patient share one
SEEDS, IMAGES = 3, len(SUBJECTS)
# Of tenths, so that ties are common.
MADE = arm(np.round(GENERATOR.random((SEEDS, IMAGES)), 1), LABELS.tolist(), SUBJECTS.tolist())
DRAWN = draw(seeds=SEEDS, patients=12, draws=20)


def drawn_images(counts):
    """Return the places of all images of the drawn patients, as often as they were drawn."""
    return np.concatenate([np.tile(np.flatnonzero(SUBJECTS == p), int(n)) for p, n in enumerate(counts)])


ORACLES = {
    Metric.ACCURACY: lambda y, p: sk.accuracy_score(y, p > 0.5),
    Metric.BALANCED_ACCURACY: lambda y, p: sk.balanced_accuracy_score(y, p > 0.5),
    Metric.SENSITIVITY: lambda y, p: sk.recall_score(y, p > 0.5),
    Metric.SPECIFICITY: lambda y, p: sk.recall_score(y, p > 0.5, pos_label=0),
    Metric.AUC: sk.roc_auc_score,
    Metric.BRIER: lambda y, p: -sk.brier_score_loss(y, p),
}


@pytest.mark.parametrize("metric", ORACLES)
def test_it_is_scikit_learns_on_the_drawn_images(metric):
    found = performance(MADE, metric, DRAWN)
    for row in range(len(found)):
        places = drawn_images(DRAWN.patients[row])
        scores = [ORACLES[metric](LABELS[places], answers[places]) for answers in MADE.probabilities]
        assert np.average(scores, weights=DRAWN.seeds[row]) == pytest.approx(found[row])


@pytest.mark.parametrize("metric", OF_RANKS)
def test_an_auc_weighs_an_answer_by_how_often_its_patient_was_drawn(metric):
    units = units_of(MADE) if metric in OF_SUBJECTS else images_of(MADE)
    found = performance(MADE, metric, DRAWN)
    for row, drawn in enumerate(DRAWN.patients):
        weights = drawn[units.subjects]
        scores = [sk.roc_auc_score(units.labels, p, sample_weight=weights) for p in units.probabilities]
        assert np.average(scores, weights=DRAWN.seeds[row]) == pytest.approx(found[row])


@pytest.mark.parametrize("metric", Metric)
def test_on_the_data_as_they_are_it_is_what_verdicts_rest_on(metric):
    values, _ = over_seeds(metric, MADE.labels, MADE.probabilities, MADE.subjects)
    assert values.mean() == pytest.approx(performance(MADE, metric, DRAWN)[0])


def test_a_subject_drawn_twice_counts_twice():
    answers = arm([(0.9, 0.9, 0.9)], (1, 0, 0), (1, 2, 3))
    twice = Draws(seeds=np.ones((1, 1)), patients=np.array([[2.0, 1.0, 0.0]]))
    assert [2 / 3] == pytest.approx(performance(answers, Metric.SUBJECT_ACCURACY, twice).tolist())


def test_an_answer_that_is_not_finite_is_wrong_for_either_class():
    lost = arm([(np.nan, np.nan, 0.1)], (1, 0, 0), (1, 2, 3))
    assert 1 / 3 == pytest.approx(performance(lost, Metric.ACCURACY, draw(seeds=1, patients=3))[0])


@pytest.mark.parametrize("metric", [Metric.AUC, Metric.BRIER])
def test_an_answer_that_is_not_finite_leaves_others_without_a_value(metric):
    lost = arm([(np.nan, 0.2, 0.1)], (1, 0, 0), (1, 2, 3))
    with pytest.raises(OptionError, match="lacks a class, or baseline a finite answer"):
        performance(lost, metric, draw(seeds=1, patients=3))


def test_a_draw_without_a_class_has_no_value():
    answers = arm([(0.9, 0.1)], (1, 0), (1, 2))
    drawn = Draws(seeds=np.ones((2, 1)), patients=np.array([[1.0, 1.0], [2.0, 0.0]]))
    found = performance(answers, Metric.AUC, drawn)
    assert [1.0, True] == [found[0], np.isnan(found[1])]


@pytest.mark.parametrize("metric", OF_SUBJECTS)
def test_by_subject_it_needs_subjects_of_one_class(metric):
    mixed = replace(MADE, labels=np.arange(IMAGES) % 2)
    with pytest.raises(OptionError, match="have images of both classes"):
        performance(mixed, metric, DRAWN)


def test_the_first_draw_is_the_data_as_they_are():
    assert ([1.0] * SEEDS, [1.0] * 12) == (DRAWN.seeds[0].tolist(), DRAWN.patients[0].tolist())


def test_as_many_are_drawn_as_there_are():
    assert {SEEDS} == set(DRAWN.seeds.sum(axis=1).tolist())
    assert {12} == set(DRAWN.patients.sum(axis=1).tolist())


def test_draws_are_always_the_same():
    again = draw(seeds=SEEDS, patients=12, draws=20)
    assert np.array_equal(DRAWN.seeds, again.seeds)
    assert np.array_equal(DRAWN.patients, again.patients)


def test_the_largest_is_of_the_seeds_that_were_drawn():
    drawn = Draws(seeds=np.array([[1.0, 1.0], [2.0, 0.0]]), patients=np.ones((2, 1)))
    assert [5.0, 3.0] == drawn.largest(np.array([3.0, 5.0])).tolist()


def test_a_seed_drawn_twice_weighs_twice():
    drawn = Draws(seeds=np.array([[2.0, 1.0]]), patients=np.ones((1, 1)))
    assert [(2 * 3.0 + 6.0) / 3] == drawn.over_seeds(np.array([3.0, 6.0])).tolist()
