"""The engine of this machine: a thread for each seat, which hands one case after another to its member."""

from __future__ import annotations

import pickle
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

import msgspec

from redl.execution.stamp import Value
from redl.fleet.events import Answered, Begun, Event, OnEvent, gone, told
from redl.fleet.member import LostError, Member
from redl.fleet.seat import Seat, device_words, environment_on
from redl.fleet.task import Task
from redl.record.placement import HERE

MOST_ATTEMPTS = 3  # by then the case itself takes its workers with it, e.g. because memory is short


class LocalEngine:
    """Workers on this machine, one for each seat; `on_event` is called from their threads."""

    def __init__(self, seats: Sequence[Seat], *, shared: bool, on_event: OnEvent) -> None:
        self._seats, self._shared, self._on_event = tuple(seats), shared, on_event
        self._members = tuple(Member(seat) for seat in seats)
        self._environment = environment_on(self._seats[0])
        self._waiting: deque[tuple[float, Task]] = deque()
        self._closed = False
        self._changed = threading.Condition()
        self._threads = [
            threading.Thread(target=self._work, args=(member,), daemon=True) for member in self._members
        ]
        for thread in self._threads:
            thread.start()

    def environment(self) -> dict[str, Value]:
        """Return the machine and software as each of the workers sees them."""
        return self._environment

    def submit(self, tasks: Sequence[Task]) -> None:
        """Let the workers take these tasks, in this order."""
        with self._changed:
            self._waiting.extend((time.monotonic(), task) for task in tasks)
            self._changed.notify_all()

    def close(self) -> None:
        """End all that runs at once; none of it is heard of again."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for member in self._members:
            member.close()
        for thread in self._threads:
            thread.join()

    def _work(self, member: Member) -> None:
        try:
            while (taken := self._take()) is not None:
                submitted, task = taken
                self._answer(member, task, queued_s=time.monotonic() - submitted)
        except Exception as error:  # a run must not wait for a thread that has ended
            self._tell(gone("a worker of this machine", error))

    def _take(self) -> tuple[float, Task] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            return None if self._closed else self._waiting.popleft()

    def _answer(self, member: Member, task: Task, queued_s: float) -> None:
        lost = ""
        for attempt in range(1, MOST_ATTEMPTS + 1):
            self._tell(Begun(case=task.case))
            placed = self._placed(task, member.seat, attempt, queued_s)
            try:
                answer = member.perform(pickle.dumps(placed), lambda one: self._tell(told(task.case, one)))
            except LostError as error:
                lost = str(error)
            else:
                self._tell(Answered(case=task.case, answer=answer))
                return
            if self._closed:
                return
        self._tell(Answered(case=task.case, answer=None, lost=lost))

    def _placed(self, task: Task, seat: Seat, attempt: int, queued_s: float) -> Task:
        placement = msgspec.structs.replace(
            HERE,
            engine="workers",
            device=device_words(seat, self._seats),
            attempt=attempt,
            queued_seconds=queued_s,
            neighbours=len(self._seats) - 1,
            shared=self._shared,
        )
        return replace(task, job=replace(task.job, placement=placement))

    def _tell(self, event: Event) -> None:
        if not self._closed:
            self._on_event(event)
