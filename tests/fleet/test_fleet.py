"""What a run hears of its workers, from an engine that says what a test wants."""

import threading
from dataclasses import replace as with_changes
from pathlib import Path

import msgspec
import pytest

from redl.data.datasets import DataOptions
from redl.deployment.runtime import Runtime, Serving
from redl.errors import RedlError
from redl.execution.job import Job, RunOptions
from redl.fleet.events import Answered, Begun, Gone, Said, Told
from redl.fleet.fleet import Fleet, GoneError, Tally
from redl.fleet.messages import Answer, Deployed
from redl.fleet.task import Task
from redl.record import Attempt, Predictions, Status
from redl.study.profile import TINY
from tests.helpers.saved import finished

PREDICTIONS = Predictions(subjects=(0, 1), labels=(0, 1), probabilities=(0.25, 0.75))


class Script:
    """An engine that tells what it is given, and notes what it is asked for."""

    def __init__(self):
        self.submitted, self.closed = [], False

    def opened(self, on_event):
        self.tell = on_event
        return self

    def environment(self):
        return {"cpu": "one"}

    def submit(self, tasks):
        self.submitted += [task.case for task in tasks]

    def close(self):
        self.closed = True


class Shown:
    def __init__(self):
        self.lines = []

    def told(self, told, tally):
        self.lines.append((told.case, tally))

    def say(self, words):
        self.lines.append(words)


@pytest.fixture
def script():
    return Script()


@pytest.fixture
def shown():
    return Shown()


@pytest.fixture
def fleet(script, shown):
    return Fleet(script.opened, shown)


def task(seed=1, *, epochs=None, servings=()):
    job = Job(
        case=finished(seed=seed).case, prepared=Path("p"), options=RunOptions(profile=TINY), epochs=epochs
    )
    data = DataOptions(cache=Path("cache"))
    return Task(job=job, below=Path.cwd(), data=data, fingerprint="f", servings=servings)


def answer(seed=1, **changes):
    record = finished(seed=seed)
    words = {"record": record.to_json(), "predictions": PREDICTIONS.to_json(), "train_seconds": 1.5}
    return Answer(case=record.case.id, **(words | changes))


def answered(seed=1, **changes):
    return Answered(case=finished(seed=seed).case.id, answer=answer(seed, **changes))


def test_cases_are_handed_out_in_the_given_order(fleet, script):
    fleet.submit([task(2), task(1)])
    assert [task(2).case, task(1).case] == script.submitted


def test_an_answer_is_what_the_worker_found(fleet, script):
    fleet.submit([task()])
    script.tell(answered(infer_seconds=(0.5, 0.25)))
    found = fleet.wait(task().case)
    assert (finished(), PREDICTIONS) == (found.record, found.predictions)
    assert (1.5, (0.5, 0.25)) == (found.train_seconds, found.infer_seconds)


def test_each_waits_for_its_own_whichever_comes_first(fleet, script):
    fleet.submit([task(1), task(2)])
    script.tell(answered(2))
    timer = threading.Timer(0.05, lambda: script.tell(answered(1)))
    timer.start()
    assert [1, 2] == [fleet.wait(task(seed).case).record.case.seed for seed in (1, 2)]
    timer.join()


def test_what_cases_tell_is_shown_with_how_far_all_are(fleet, script, shown):
    fleet.submit([task(1), task(2), task(3)])
    for seed in (1, 2):
        script.tell(Begun(case=task(seed).case))
    script.tell(answered(1))
    script.tell(Told(case=task(2).case, epoch=None))
    script.tell(Said(words="a worker joined"))
    script.tell(answered(2))
    fleet.wait(task(2).case)
    assert [(task(2).case, Tally(ended=1, running=1, total=3)), "a worker joined"] == shown.lines


def test_a_case_that_began_twice_tells_of_the_attempt_that_was_lost(fleet, script):
    fleet.submit([task()])
    script.tell(Begun(case=task().case))
    script.tell(Begun(case=task().case))
    script.tell(answered())
    lost = Attempt(status=Status.KILLED, reason="its worker was lost")
    assert (lost,) == fleet.wait(task().case).record.earlier_attempts


def test_a_case_without_an_answer_broke_and_took_some_time(fleet, script):
    fleet.submit([task()])
    script.tell(Begun(case=task().case))
    script.tell(Answered(case=task().case, answer=None, lost="its worker ended by SIGKILL"))
    found = fleet.wait(task().case)
    assert (Status.KILLED, "its worker ended by SIGKILL") == (found.record.status, found.record.reason)
    assert found.train_seconds > 0
    assert found.predictions is None


def test_a_case_that_could_not_begin_says_why(fleet, script):
    fleet.submit([task()])
    script.tell(Answered(case=task().case, answer=Answer(case=task().case, fault="rsna: other data")))
    with pytest.raises(RedlError, match="rsna: other data"):
        fleet.wait(task().case)


def test_the_record_of_another_case_is_refused(fleet, script):
    fleet.submit([task(1)])
    script.tell(answered(1, record=finished(seed=2).to_json()))
    with pytest.raises(RedlError, match="answered with another case's record"):
        fleet.wait(task(1).case)


def test_a_record_that_breaks_the_schema_is_refused(fleet, script):
    fleet.submit([task()])
    script.tell(answered(record={**finished().to_json(), "more": 1}))
    with pytest.raises(RedlError, match="more"):
        fleet.wait(task().case)


def test_an_engine_that_is_gone_answers_nothing_more(fleet, script):
    fleet.submit([task(1), task(2)])
    script.tell(answered(1))
    script.tell(Gone(reason="the scheduler does not answer"))
    assert 1 == fleet.wait(task(1).case).record.case.seed
    with pytest.raises(GoneError, match="the scheduler does not answer"):
        fleet.wait(task(2).case)


def test_an_answer_is_kept_beside_the_epochs_and_found_again(fleet, script, shown, tmp_path):
    fleet.submit([task(epochs=tmp_path / "case")])
    script.tell(answered())
    fleet.wait(task().case)
    following = Script()
    resumed = Fleet(following.opened, shown)
    resumed.submit([task(epochs=tmp_path / "case"), task(2)])
    assert [task(2).case] == following.submitted
    assert finished() == resumed.wait(task().case).record
    assert [
        "1 of 2 cases were finished by an interrupted run's workers, and are not run again"
    ] == shown.lines


def test_what_was_answered_before_the_end_is_kept_at_the_end(fleet, script, tmp_path):
    fleet.submit([task(epochs=tmp_path / "case")])
    script.tell(answered())
    fleet.close()
    assert script.closed
    assert ["answer.json"] == [path.name for path in (tmp_path / "case").iterdir()]


def kept(folder, content):
    folder.mkdir()
    (folder / "answer.json").write_bytes(content)
    return task(epochs=folder)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        msgspec.json.encode(answer(2)),
        msgspec.json.encode(Answer(case=finished().case.id, record={"schema": 1})),
        msgspec.json.encode(answer()).replace(b'"kind":"answer"', b'"kind":"waits"'),
    ],
)
def test_a_kept_answer_that_is_none_is_run_again(fleet, script, tmp_path, content):
    fleet.submit([kept(tmp_path / "case", content)])
    assert [task().case] == script.submitted


def test_a_kept_answer_of_a_case_that_broke_is_run_again(fleet, script, tmp_path):
    broken = with_changes_of(finished(), status=Status.KILLED, metrics=None)
    fleet.submit([kept(tmp_path / "case", msgspec.json.encode(answer(record=broken.to_json())))])
    assert [task().case] == script.submitted


def with_changes_of(record, **changes):
    return msgspec.structs.replace(record, **changes)


def test_a_kept_answer_without_a_runtime_that_is_asked_for_is_run_again(fleet, script, tmp_path):
    one = kept(tmp_path / "case", msgspec.json.encode(answer(deployed={"torch": Deployed(seconds=1.0)})))
    fleet.submit([with_changes(one, servings=(Serving(runtime=Runtime.TORCH),))])
    assert [] == script.submitted
    again = Script()
    Fleet(again.opened, Shown()).submit([with_changes(one, servings=(Serving(runtime=Runtime.ONNX),))])
    assert [task().case] == again.submitted


def test_a_folder_that_cannot_be_written_loses_no_answer(fleet, script, tmp_path):
    (tmp_path / "file").write_text("")
    fleet.submit([task(epochs=tmp_path / "file" / "case")])
    script.tell(answered())
    assert finished() == fleet.wait(task().case).record


def test_all_can_be_waited_for(fleet, script):
    fleet.submit([task(1), task(2)])
    script.tell(answered(1))
    script.tell(answered(2))
    fleet.wait_for_all()
    assert task(1).case in fleet
    assert task(3).case not in fleet
