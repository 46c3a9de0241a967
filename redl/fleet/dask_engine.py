"""The engine of a Dask cluster: each of its workers has one case at a time, in the order of this run.

Dask itself would give a case again to any worker, also to one that has another case. So each task names its
worker, and a case whose worker is gone is handed out again from here.
"""

from __future__ import annotations

import pickle
import secrets
import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import msgspec
from distributed import Future

from redl.errors import RecordError
from redl.execution.stamp import Value
from redl.fleet.cluster import Cluster
from redl.fleet.dask_worker import KEY, perform
from redl.fleet.events import Answered, Begun, Event, Gone, OnEvent, Said, gone, told
from redl.fleet.local import MOST_ATTEMPTS
from redl.fleet.member import LostError
from redl.fleet.messages import Answer, decoded
from redl.fleet.task import Task

_LOOK_S = 1.0  # how often it is looked for workers that came or went
_LOST = "its worker was lost"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Waiting:
    task: Task
    submitted: float
    attempt: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class _Running:
    waiting: _Waiting
    future: Future[bytes]


class DaskEngine:
    """Workers of a Dask cluster; `on_event` is called from other threads."""

    def __init__(self, cluster: Cluster, *, on_event: OnEvent) -> None:
        self._cluster, self._on_event = cluster, on_event
        self._topic = f"{KEY}{secrets.token_hex(8)}"  # an earlier run's cases are not heard of
        self._waiting: deque[_Waiting] = deque()
        self._running: dict[str, _Running] = {}  # by the address of the worker
        self._refused = len(cluster.refused)
        self._closed = False
        self._changed = threading.Condition()
        cluster.client.subscribe_topic(self._topic, self._hear)
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def environment(self) -> dict[str, Value]:
        """Return the machine and software as each of the workers sees them."""
        return self._cluster.environment()

    def submit(self, tasks: Sequence[Task]) -> None:
        """Let the workers take these tasks, in this order."""
        with self._changed:
            self._waiting.extend(_Waiting(task=task, submitted=time.monotonic()) for task in tasks)
            self._changed.notify_all()

    def close(self) -> None:
        """End all that runs at once; none of it is heard of again. A second call does nothing."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._changed.notify_all()
        self._thread.join()
        with suppress(OSError):
            self._cluster.client.cancel([one.future for one in self._running.values()], force=True)
        self._cluster.client.close(timeout=5)

    def _work(self) -> None:
        try:
            while not self._closed:
                there = self._cluster.workers()
                self._say_refusals()
                self._collect(there)
                self._hand_out(there)
                self._wait()
        except OSError:
            self._tell(Gone(reason="the Dask scheduler does not answer any more"))
        except Exception as error:  # a run must not wait for a thread that has ended
            self._tell(gone("the run on Dask", error))

    def _wait(self) -> None:
        """Wait until a case has ended, there are new ones, or it is time to look for workers."""
        with self._changed:
            if not self._closed and not any(one.future.done() for one in self._running.values()):
                self._changed.wait(_LOOK_S)

    def _collect(self, there: Iterable[str]) -> None:
        """Tell what came of cases that have ended, and hand those of lost workers out again."""
        for address, one in list(self._running.items()):
            case, answer, lost = one.waiting.task.case, None, _LOST
            if one.future.done() and not one.future.cancelled():
                try:
                    answer = _answer(one.future)
                except LostError as error:
                    lost = str(error)
            elif address in there:
                continue
            del self._running[address]
            one.future.cancel(force=True)
            if answer is None and one.waiting.attempt < MOST_ATTEMPTS:
                self._waiting.appendleft(replace(one.waiting, attempt=one.waiting.attempt + 1))
            else:
                self._tell(Answered(case=case, answer=answer, lost=lost))

    def _hand_out(self, there: Iterable[str]) -> None:
        for address in there:
            if address in self._running or not self._waiting:
                continue
            waiting = self._waiting.popleft()
            self._running[address] = _Running(waiting=waiting, future=self._submit(waiting, address))
            self._tell(Begun(case=waiting.task.case))

    def _submit(self, waiting: _Waiting, address: str) -> Future[bytes]:
        placement = msgspec.structs.replace(
            self._cluster.placement(address),
            attempt=waiting.attempt,
            queued_seconds=time.monotonic() - waiting.submitted,
        )
        task = waiting.task
        placed = pickle.dumps(replace(task, job=replace(task.job, placement=placement)))
        future = self._cluster.client.submit(
            perform,
            placed,
            self._topic,
            task.case,
            key=f"{self._topic}-{task.case}-{waiting.attempt}",
            workers=[address],
            pure=False,
        )
        future.add_done_callback(lambda _: self._notify())
        return future

    def _hear(self, event: tuple[float, Mapping[str, str]]) -> None:
        _, said = event
        with suppress(RecordError):
            message = decoded(said["message"].encode(), "the worker's message")
            if not isinstance(message, Answer):
                self._tell(told(said["case"], message))

    def _say_refusals(self) -> None:
        for address, why in list(self._cluster.refused.items())[self._refused :]:
            self._tell(Said(words=f"a worker that joined ({address}) is not used: {why}"))
        self._refused = len(self._cluster.refused)

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _tell(self, event: Event) -> None:
        if not self._closed:
            self._on_event(event)


def _answer(future: Future[bytes]) -> Answer:
    """Return the answer of a task that has ended; raise LostError without one."""
    try:
        answer = decoded(future.result(timeout=60), "the worker's answer")
    except LostError:
        raise
    except Exception as error:  # whatever a worker of another kind raises, or answers
        raise LostError(f"its worker could not take it ({type(error).__name__})") from error
    if not isinstance(answer, Answer):
        raise LostError("its worker answered with something else")
    return answer
