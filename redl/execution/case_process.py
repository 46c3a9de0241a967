"""The process of a case: one case from start to record, whatever happens to its process."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

from msgspec.structs import replace

from redl.execution.job import Job
from redl.execution.messages import Step
from redl.execution.worker import CaseBrokeError, OnEpoch, Result, Start, Steps, Worker
from redl.record import HERE, Attempt, Placement, Predictions, Record, Status
from redl.study.case import Case


class CaseProcess:
    """One case that is worked through in a child process; a child that ends early still leaves a record.

    The process starts with the first step. What happens in the child raises nothing here: the record says it.
    A case whose process dies of what lies outside of it, killed or by a signal, is run again from its start
    up to `retries` times. The record says `placement`, and how long its process took by the clock `now`.
    """

    def __init__(
        self,
        case: Case,
        start: Start,
        *,
        timeout_s: float,
        on_epoch: OnEpoch,
        retries: int = 0,
        placement: Placement = HERE,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.case = case
        self._retries = retries
        self._placement = placement
        self._now = now
        self._began = 0.0
        self._earlier: tuple[Attempt, ...] = ()
        self._open_worker = partial(Worker, start, timeout_s=timeout_s, on_epoch=on_epoch)
        self._worker: Worker | None = None
        self._done: list[Step] = []  # in order, those that are done once
        self._record: Record | None = None
        self._predictions: Predictions | None = None
        self._broke = False

    def warm_up(self) -> None:
        """Start the process and warm it up, once."""
        self._once("warm_up")

    def train(self) -> None:
        """Train; raise RuntimeError the second time, because there would be nothing left to time."""
        if "train" in self._done:
            raise RuntimeError(f"{self.case.id} has been trained already")
        self.warm_up()
        self._once("train")

    def finish(self) -> Record:
        """Train unless that is done, evaluate, once, and return the record."""
        if "train" not in self._done:
            self.train()
        self._once("finish")
        assert self._record is not None, "finish brings a record, and so does a broken case"
        return self._record

    def predictions(self) -> Predictions | None:
        """Return what the trained model answered for each test image; None if the case broke."""
        self.finish()
        self._do("predictions")
        return self._predictions

    def infer(self) -> None:
        """Pass once over the test images with the trained model."""
        self.finish()
        self._do("infer")

    def export(self) -> None:
        """Write the trained weights into the folder that the job names, once; nothing if the case broke."""
        self.finish()
        self._once("export")

    def close(self) -> None:
        """End the child process."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None

    def _once(self, step: Step) -> None:
        if step not in self._done:
            self._done.append(step)
            self._do(step)

    def _do(self, step: Step) -> None:
        while not self._broke:
            try:
                self._attempt(step)
            except CaseBrokeError as end:
                self.close()
                self._end_attempt(end)
            else:
                return

    def _attempt(self, step: Step) -> None:
        """Let the process do a step; one that is new does those before it first."""
        steps = [step]
        if self._worker is None:
            self._began = self._now()
            self._worker = self._open_worker()
            steps = list(dict.fromkeys([*self._done, step]))
        for each in steps:
            self._keep(self._worker.call(each))

    def _keep(self, result: Result) -> None:
        match result:
            case Record() as record:
                if record.case != self.case:
                    raise CaseBrokeError(Status.CRASHED, "the process answered with another case's record")
                self._record = self._record or self._signed(record)  # who has the first finds it unchanged
            case Predictions() as predictions:
                self._predictions = predictions

    def _signed(self, record: Record) -> Record:
        """Return a record with what only the parent knows: where the case ran, how long, what came before."""
        placement = replace(self._placement, process_seconds=self._now() - self._began)
        return replace(record, case=self.case, earlier_attempts=self._earlier, placement=placement)

    def _end_attempt(self, end: CaseBrokeError) -> None:
        if end.transient and len(self._earlier) < self._retries:
            self._earlier += (Attempt(status=end.status, reason=end.reason),)
            return
        self._broke = True
        self._record = broken_record(self.case, end, self._earlier, self._placement)


def start_case(job: Job) -> Start:
    """Return the function that begins a case in the child."""
    return partial(_start, job)


def _start(job: Job, on_epoch: OnEpoch) -> AbstractContextManager[Steps]:
    from redl.execution.run import open_case  # torch comes with it, which the parent must not import

    return open_case(job, on_epoch)


def broken_record(
    case: Case, end: CaseBrokeError, earlier: tuple[Attempt, ...] = (), placement: Placement = HERE
) -> Record:
    """Return the record of a case whose process ended early: where and how it ended, and no figure."""
    nothing = "no figure was kept: the case's process ended before it could report"
    return Record(
        status=end.status,
        reason=end.reason,
        warnings=(nothing,),
        case=case,
        earlier_attempts=earlier,
        placement=placement,
    )
