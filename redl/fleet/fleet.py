"""The fleet: all cases of a run that are handed to an engine, and what came of each."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import msgspec

from redl.errors import RecordError, RedlError
from redl.execution.case_process import broken_record
from redl.execution.stamp import Value
from redl.execution.worker import CaseBrokeError
from redl.fleet.events import Answered, Begun, Event, Gone, OnEvent, Said, Told
from redl.fleet.messages import Answer, Deployed, decoded, encoded
from redl.fleet.task import Task
from redl.record import Attempt, Predictions, Record, Status
from redl.results.saving import replace_whole
from redl.study.case import Case

_ANSWER = "answer.json"  # of a case, beside its epochs
_MOMENT_S = 0.5  # so that a signal to this process is not waited with


class Engine(Protocol):
    """What works through tasks, and tells of them by events."""

    def environment(self) -> dict[str, Value]:
        """Return the machine and software as each of the workers sees them."""

    def submit(self, tasks: Sequence[Task]) -> None:
        """Let the workers take these tasks, in this order."""

    def close(self) -> None:
        """End all that runs at once."""


class GoneError(RedlError):
    """The engine has ended before the cases had."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What came of a case: its record, its predictions, and how long its steps took on the worker."""

    record: Record
    predictions: Predictions | None = None
    train_seconds: float = 0.0
    infer_seconds: tuple[float, ...] = ()
    deployed: Mapping[str, Deployed] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """How many cases have ended, and how many run now."""

    ended: int
    running: int
    total: int


class Shown(Protocol):
    """What shows how far the cases have come."""

    def told(self, told: Told, tally: Tally) -> None:
        """Show what a case tells."""

    def say(self, words: str) -> None:
        """Print lines that stay."""


class Fleet:
    """The cases of a run by their ids; its methods are called from one thread.

    An answer lies beside its case's epochs until its tests have taken it, so that a run that is interrupted
    before finds it again.
    """

    def __init__(self, open_engine: Callable[[OnEvent], Engine], shown: Shown) -> None:
        self._events: queue.Queue[Event] = queue.Queue()
        self._engine = open_engine(self._events.put)
        self._shown = shown
        self._tasks: dict[str, Task] = {}
        self._begun: dict[str, list[float]] = {}
        self._running: set[str] = set()
        self._found: dict[str, Found | RedlError] = {}
        self._gone: str | None = None

    def environment(self) -> dict[str, Value]:
        """Return the machine and software as each of the workers sees them."""
        return self._engine.environment()

    def __contains__(self, case: str) -> bool:
        return case in self._tasks

    def submit(self, tasks: Sequence[Task]) -> None:
        """Let the cases be worked through in this order, but for those whose answer is there already."""
        self._tasks |= {task.case: task for task in tasks}
        for task in tasks:
            if (kept := _kept(task)) is not None:
                self._found[task.case] = _found(task.job.case, kept)
        if self._found:
            words = f"{len(self._found)} of {len(tasks)} cases were finished by an interrupted run's workers"
            self._shown.say(f"{words}, and are not run again")
        self._engine.submit([task for task in tasks if task.case not in self._found])

    def wait(self, case: str) -> Found:
        """Wait for a case, and return what came of it.

        Raise GoneError if it will not be known any more, RedlError if the worker could not begin it.
        """
        while case not in self._found:
            if self._gone is not None:
                raise GoneError(self._gone)
            self._next()
        found = self._found[case]
        if isinstance(found, RedlError):
            raise found
        return found

    def wait_for_all(self) -> None:
        """Wait until no case runs, e.g. because something else is to be measured."""
        for case in self._tasks:
            self.wait(case)

    def close(self) -> None:
        """End all cases at once."""
        self._engine.close()
        while not self._events.empty():  # what was found before is not lost
            self._take(self._events.get())

    def _next(self) -> None:
        try:
            self._take(self._events.get(timeout=_MOMENT_S))
        except queue.Empty:
            return

    def _take(self, event: Event) -> None:
        match event:
            case Begun(case=case):
                self._begun.setdefault(case, []).append(time.monotonic())
                self._running.add(case)
            case Told(case=case):
                self._shown.told(event, self._tally())
            case Said(words=words):
                self._shown.say(words)
            case Gone(reason=reason):
                self._gone = reason
            case Answered():
                self._end(event)

    def _end(self, answered: Answered) -> None:
        case, answer = self._tasks[answered.case].job.case, answered.answer
        begun = self._begun.get(answered.case, [])
        if answer is None:
            seconds = time.monotonic() - begun[-1] if begun else 0.0
            answer = _lost(case, answered.lost, seconds)
        elif len(begun) > 1 and answer.record is not None:
            answer = _after_losses(answer, len(begun) - 1)
        self._found[case.id] = _found(case, answer)
        self._running.discard(case.id)
        _keep(self._tasks[case.id], answer)

    def _tally(self) -> Tally:
        return Tally(ended=len(self._found), running=len(self._running), total=len(self._tasks))


def _found(case: Case, answer: Answer) -> Found | RedlError:
    """Return what an answer says of a case, or why it is none."""
    if answer.fault is not None:
        return RedlError(answer.fault)
    try:
        record = Record.from_json(answer.record)
        predictions = None if answer.predictions is None else Predictions.from_json(answer.predictions)
    except RecordError as error:
        return error
    if record.case != case:
        return RecordError(f"{case.id}: its worker answered with another case's record")
    return Found(
        record=record,
        predictions=predictions,
        train_seconds=answer.train_seconds,
        infer_seconds=answer.infer_seconds,
        deployed=answer.deployed,
    )


def _lost(case: Case, how: str, seconds: float) -> Answer:
    record = broken_record(case, CaseBrokeError(Status.KILLED, how))
    return Answer(case=case.id, record=record.to_json(), train_seconds=seconds)


def _after_losses(answer: Answer, losses: int) -> Answer:
    """Return an answer whose record tells of the attempts before, whose workers were lost."""
    record = Record.from_json(answer.record)
    lost = Attempt(status=Status.KILLED, reason="its worker was lost")
    earlier = (lost,) * losses + record.earlier_attempts
    return msgspec.structs.replace(
        answer, record=msgspec.structs.replace(record, earlier_attempts=earlier).to_json()
    )


def _place(task: Task) -> Path | None:
    return None if task.job.epochs is None else task.job.epochs / _ANSWER


def _keep(task: Task, answer: Answer) -> None:
    """Keep an answer for a run that resumes; where that is not possible, the case is only run again."""
    if (path := _place(task)) is None or answer.fault is not None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_whole(path, encoded(answer))
    except OSError:
        return


def _kept(task: Task) -> Answer | None:
    """Return the answer that an interrupted run kept of a finished case, if it has all that is asked for."""
    path = _place(task)
    try:
        answer = decoded(path.read_bytes(), path.name) if path is not None and path.is_file() else None
        if not isinstance(answer, Answer) or Record.from_json(answer.record).metrics is None:
            return None
    except (OSError, RecordError):
        return None
    asked = {serving.name for serving in task.servings}
    return answer if answer.case == task.case and asked <= answer.deployed.keys() else None
