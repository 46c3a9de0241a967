"""Arms: a run's answers by model and setting, paired with their baseline, or refused."""

import numpy as np
import pytest

from redl.errors import RecordError
from redl.record import Divergence, DivergenceKind, Predictions
from redl.results.arms import arms_of, pairs_of
from tests.helpers.changes import replace
from tests.helpers.samples import ELSEWHERE, broken
from tests.helpers.saved import finished

ANSWERS = Predictions(subjects=(0, 0, 1), labels=(1, 1, 0), probabilities=(0.9, None, 0.2))


def arms(*records, answers=None):
    given = {record.case.id: ANSWERS for record in records if record.metrics} | (answers or {})
    return arms_of(records, given)


def test_an_arm_has_a_row_for_each_seed_and_nan_for_what_is_not_finite():
    (arm,) = arms(finished(seed=1), finished(seed=10))
    assert ((1, 10), (2, 3)) == (arm.seeds, arm.probabilities.shape)
    assert np.isnan(arm.probabilities[:, 1]).all()


def test_a_seed_that_did_not_finish_counts_as_diverged_and_has_no_row():
    (arm,) = arms(finished("amp", seed=2), broken())
    assert ((2,), 1, 1) == (arm.seeds, len(arm.broken), arm.diverged)


def found(*kinds):
    return Divergence(ever=bool(kinds), final=bool(kinds), first_epoch=1, kinds=kinds, reasons=())


@pytest.mark.parametrize("kind", DivergenceKind)
def test_only_what_training_broke_counts_as_diverged(kind):
    (arm,) = arms(finished(seed=1), finished(seed=2, divergence=found(kind)))
    assert (kind is not DivergenceKind.CHANCE) == bool(arm.diverged)


@pytest.mark.parametrize(("kinds", "expected"), [((), False), ((DivergenceKind.CHANCE,), True)])
def test_an_arm_is_at_chance_if_all_its_seeds_are(kinds, expected):
    chance = finished(seed=1, divergence=found(DivergenceKind.CHANCE))
    (arm,) = arms(chance, finished(seed=2, divergence=found(*kinds)))
    assert expected == arm.is_at_chance


def test_an_arm_without_a_finished_seed_is_not_at_chance():
    (arm,) = arms(broken())
    assert not arm.is_at_chance


def test_a_pair_has_the_seeds_of_both():
    found = arms(finished(seed=1), finished(seed=2), finished("amp", seed=2), finished("amp", seed=3))
    (pair,) = pairs_of(found)
    assert ((2,), (1, 3)) == (pair.seeds, pair.new.shape)


def test_a_seed_that_ran_on_two_machines_is_left_out_and_named():
    there = {"environment": ELSEWHERE}
    found = arms(
        finished(seed=1),
        finished(seed=2),
        finished(seed=3, **there),
        finished("amp", seed=1),
        finished("amp", seed=2, **there),
        finished("amp", seed=3, **there),
    )
    (pair,) = pairs_of(found)
    assert ((1, 3), (2,), (2, 3), (2, 3)) == (pair.seeds, pair.apart, pair.new.shape, pair.old.shape)


def test_a_saving_without_its_baseline_is_refused():
    with pytest.raises(RecordError, match="rsna-densenet-amp: its baseline is not in this run"):
        pairs_of(arms(finished("amp")))


def test_a_case_without_its_answers_is_refused():
    with pytest.raises(RecordError, match="rsna-densenet-amp-seed1: its predictions were not saved"):
        arms_of([finished("amp")], {})


@pytest.mark.parametrize("other", [finished(seed=2), finished("amp")])
def test_other_test_images_are_refused(other):
    changed = replace(ANSWERS, labels=(1, 1, 1))
    with pytest.raises(RecordError, match="saw other test images"):
        pairs_of(arms(finished(), other, answers={other.case.id: changed}))


def test_cases_of_two_profiles_are_refused():
    tiny = finished("amp")
    tiny = replace(tiny, case=replace(tiny.case, profile="tiny"))
    with pytest.raises(RecordError, match="has cases of smoke and tiny; save a run of one profile"):
        arms(finished(), tiny)
