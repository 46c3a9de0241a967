"""A case that workers run, as its tests see it."""

from types import SimpleNamespace

import pytest

from redl.errors import RedlError
from redl.fleet.fleet import Found, GoneError
from redl.fleet.messages import Deployed
from redl.plugin.answered import AnsweredCase
from redl.plugin.clock import WorkerClock
from redl.record import Predictions
from tests.helpers.saved import finished

PREDICTIONS = Predictions(subjects=(0,), labels=(0,), probabilities=(0.5,))
FOUND = Found(
    record=finished(),
    predictions=PREDICTIONS,
    train_seconds=8.0,
    infer_seconds=(2.0, 1.0),
    deployed={"torch": Deployed(seconds=4.0)},
)


@pytest.fixture
def clock():
    return WorkerClock()


@pytest.fixture
def answered(clock):
    return AnsweredCase(finished().case, SimpleNamespace(wait=lambda case: FOUND), clock)


def seconds_of(clock, step, *arguments):
    before = clock()
    step(*arguments)
    return clock() - before


def test_steps_take_as_long_as_they_took_on_the_worker(answered, clock):
    assert 0.0 == seconds_of(clock, answered.warm_up)
    assert 8.0 == seconds_of(clock, answered.train)
    assert [2.0, 1.0] == [seconds_of(clock, answered.infer) for _ in range(2)]
    assert 4.0 == seconds_of(clock, answered.deployed, "torch")


def test_it_answers_as_its_process_would(answered):
    assert (finished(), PREDICTIONS) == (answered.finish(), answered.predictions())


def test_it_is_trained_once(answered):
    answered.train()
    with pytest.raises(RuntimeError, match="has been trained already"):
        answered.train()


def test_more_passes_than_the_worker_made_are_refused(answered):
    for _ in range(2):
        answered.infer()
    with pytest.raises(RuntimeError, match="passed 2 times over the test images"):
        answered.infer()


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (GoneError("the scheduler is gone"), 1, "the scheduler is gone; what has finished is kept"),
        (RedlError("rsna: other data"), 4, "rsna: other data"),
    ],
)
def test_a_run_ends_in_one_line_where_no_answer_can_come(clock, error, status, words):
    def wait(case):
        raise error

    with pytest.raises(pytest.exit.Exception, match=words) as ended:
        AnsweredCase(finished().case, SimpleNamespace(wait=wait), clock).train()
    assert status == ended.value.returncode
