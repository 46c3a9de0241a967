"""Bits: when two runs are said to have computed the same."""

import pytest

from redl.record import Predictions
from redl.results.gate.bits import bits
from tests.helpers.changes import replace
from tests.helpers.saved import finished

ANSWERS = Predictions(subjects=(0, 1), labels=(1, 0), probabilities=(0.9, 0.2))
CASE = finished().case.id


def found(before=None, after=None, old=ANSWERS, new=ANSWERS):
    records = {CASE: before or finished()}, {CASE: after or finished()}
    answers = tuple({} if one is None else {CASE: one} for one in (old, new))
    return bits([CASE], records, answers)


def with_first_losses(**losses):
    training = finished().training
    return finished(
        training=replace(training, trace=(replace(training.trace[0], **losses), *training.trace[1:]))
    )


def test_equal_answers_and_first_losses_are_identical():
    assert frozenset([CASE]) == found().identical
    assert "identical: 1 case gave the baseline's losses and answers, digit for digit" == str(found())


@pytest.mark.parametrize("loss", ["train_loss", "valid_loss"])
def test_another_first_loss_moved_bits(loss):
    moved = found(after=with_first_losses(**{loss: 0.123}))
    assert (frozenset(), (CASE,)) == (moved.identical, moved.moved)
    assert f"bits moved in 1 of 1 case, e.g. {CASE}" == str(moved)


def test_another_last_digit_of_an_answer_moved_bits():
    other = replace(ANSWERS, probabilities=(0.9, 0.2 + 1e-16 * 3))
    assert (CASE,) == found(new=other).moved


@pytest.mark.parametrize("lost", ["old", "new"])
def test_without_the_answers_of_a_side_nothing_is_known(lost):
    unknown = found(**{lost: None})
    assert (frozenset(), (), (CASE,)) == (unknown.identical, unknown.moved, unknown.unknown)
    assert "bits unknown of 1 case, which were saved without their answers" == str(unknown)
