"""The task: all that a worker needs to answer for one case, and how it does."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from redl.data.cache.entry import open_prepared
from redl.data.confidential import confidential
from redl.data.datasets import DataOptions, prepare_dataset
from redl.deployment.deploying import Deployed as Deployable
from redl.deployment.files import exporting
from redl.deployment.runtime import Serving
from redl.errors import DataError, RedlError
from redl.execution.case_process import CaseProcess
from redl.execution.job import Job
from redl.execution.worker import OnEpoch, Start, Steps
from redl.fleet.gpu_lock import gpu_lock
from redl.fleet.messages import Answer, Deployed, EpochEnded, Tell, Waits
from redl.fleet.seat import Seat, SeatError, check_seat
from redl.metering.gpus import gpu_of
from redl.record import Record


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """A case with its data, and the runtimes that its trained network is measured in.

    `fingerprint` is that of the prepared data; on a node where their folder is not, they are prepared again
    by `data`. Epochs and exported files are kept in the job's folders where these are on the node too.
    Relative paths are meant from the folder `below`.
    """

    job: Job
    below: Path
    data: DataOptions
    fingerprint: str
    servings: tuple[Serving, ...] = ()
    keeps_exports: bool = False

    @property
    def case(self) -> str:
        """Return the case's id."""
        return self.job.case.id


def perform(task: Task, seat: Seat, tell: Tell) -> Answer:
    """Run a case from its start to its last answer, and return all that it found."""
    placement = task.job.placement
    if task.below.is_dir():
        os.chdir(task.below)
    try:
        with (
            gpu_lock(None if placement.shared else seat.gpu, lambda: tell(Waits())),
            _exports(task) as exports,
        ):
            job = replace(task.job, prepared=_prepared(task), epochs=_epochs(task), exports=exports)
            return _Course(job, seat, tell).answer(task.servings)
    except RedlError as error:
        return Answer(case=task.case, fault=str(error))
    except OSError as error:
        return Answer(case=task.case, fault=f"{task.case}: {error.strerror or type(error).__name__}")


class _Course:
    """A case process that is led through all of its steps, each of them timed."""

    def __init__(self, job: Job, seat: Seat, tell: Tell) -> None:
        self._job = job
        self._process = CaseProcess(
            job.case,
            start_seated(job, seat),
            timeout_s=job.options.timeout_s,
            retries=job.options.retries,
            on_epoch=lambda epoch: tell(EpochEnded(epoch=epoch)),
            placement=job.placement,
        )

    def answer(self, servings: tuple[Serving, ...]) -> Answer:
        """Do all steps; end the process."""
        process = self._process
        try:
            process.warm_up()
            train_seconds = _seconds(process.train)
            record, predictions = process.finish(), process.predictions()
            rounds = self._job.options.profile.inference_rounds if record.inference is not None else 0
            infer_seconds = tuple(_seconds(process.infer) for _ in range(rounds))
            if servings:
                process.export()
            return Answer(
                case=self._job.case.id,
                record=record.to_json(),
                predictions=None if predictions is None else predictions.to_json(),
                train_seconds=train_seconds,
                infer_seconds=infer_seconds,
                deployed={one.name: self._deployed(one, record) for one in servings},
            )
        finally:
            process.close()

    def _deployed(self, serving: Serving, record: Record) -> Deployed:
        began, predictions = time.perf_counter(), self._process.predictions()
        if predictions is None or record.metrics is None:
            fault = f"{record.case.id}: there is no trained network ({record.reason})"
            return Deployed(seconds=0.0, fault=fault)
        try:
            found = Deployable(job=self._job, record=record, answered=predictions).measure(serving)
        except RedlError as error:
            return Deployed(seconds=time.perf_counter() - began, fault=str(error))
        return Deployed(seconds=time.perf_counter() - began, deployment=found.to_json())


def start_seated(job: Job, seat: Seat) -> Start:
    """Return the function that begins a case in the child, once it has seen that it has its own seat."""
    return partial(_start, job, seat)


def _start(job: Job, seat: Seat, on_epoch: OnEpoch) -> AbstractContextManager[Steps]:
    from redl.execution.run import open_case  # torch comes with it, which the parent must not import

    check_seat(seat)
    _check_torch(seat)
    return open_case(job, on_epoch)


def _check_torch(seat: Seat) -> None:
    """Raise SeatError if torch computes on another GPU than the one whose energy and memory are read."""
    import torch

    if seat.gpu is not None and torch.cuda.is_available():
        found = gpu_of(str(torch.cuda.get_device_properties(0).uuid)).uuid
        if found != seat.gpu:
            raise SeatError(f"torch computes on {found}, and this process was given {seat.gpu}")


def _prepared(task: Task) -> Path:
    """Return the folder of the prepared data on this machine; raise DataError if they are others here."""
    dataset, shared = task.job.case.dataset, task.job.prepared
    if _fingerprint(shared) == task.fingerprint:
        return shared
    with confidential(dataset):
        try:
            here = prepare_dataset(dataset, task.job.options.profile, task.data)
        except OSError as error:
            raise DataError(f"{dataset}: cannot be prepared on the worker ({error.strerror})") from error
    if _fingerprint(here) != task.fingerprint:
        raise DataError(
            f"{dataset}: the data of the worker are others than those of this run; share their folder, or "
            "bring them by --redl-prepared"
        )
    return here


def _fingerprint(prepared: Path) -> str | None:
    try:
        return open_prepared(prepared).fingerprint
    except (DataError, OSError):
        return None


def _epochs(task: Task) -> Path | None:
    """Return the folder for the epochs of a case; None where the folder of the saved runs is not."""
    epochs = task.job.epochs
    return epochs if epochs is not None and epochs.parent.parent.is_dir() else None


@contextmanager
def _exports(task: Task) -> Iterator[Path | None]:
    """Yield the folder for the exported files; None without any use for them.

    Where the folder that the run named is not on this machine, they are not kept.
    """
    named = task.job.exports
    if named is None or not task.servings:
        yield None
    elif named.parent.is_dir():
        with exporting(named, kept=task.keeps_exports) as folder:
            yield folder
    else:
        with tempfile.TemporaryDirectory(prefix="redl-exports-") as folder:
            yield Path(folder)


def _seconds(step: Callable[[], None]) -> float:
    began = time.perf_counter()
    step()
    return time.perf_counter() - began
