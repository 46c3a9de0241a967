"""A trial: whether a batch trains under a cap, found in a process of its own."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING

from redl.errors import ModelError
from redl.execution.job import ProbeJob
from redl.execution.worker import CaseBrokeError, OnEpoch, Start, Worker
from redl.record import Status
from redl.record.budget import Probe, Trial

if TYPE_CHECKING:
    from redl.execution.probe import ProbeRun

_TOO_LARGE = (Status.OOM, Status.KILLED)  # the system's own killer is no less a refusal


def try_batch(job: ProbeJob) -> Trial:
    """Train on a batch for some steps; raise ModelError if that fails for another reason than memory."""
    try:
        probe = probed(partial(_start, job), timeout_s=job.options.timeout_s, cap_bytes=job.cap_bytes)
    except CaseBrokeError as end:
        if end.status not in _TOO_LARGE:
            raise ModelError(
                f"model {job.model} with {job.setting}: a batch of {job.batch_size} could not be tried: "
                f"{end.reason}"
            ) from None
        return Trial(
            batch_size=job.batch_size, fits=False, probe=None, over_bytes=end.over_bytes, reason=end.reason
        )
    return Trial(batch_size=job.batch_size, fits=True, probe=probe, over_bytes=None, reason=None)


def probed(start: Start, *, timeout_s: float, cap_bytes: int | None = None) -> Probe:
    """Return what a probe that `start` opens has found in a process of its own.

    Raise CaseBrokeError if the process ends instead.
    """
    worker = Worker(start, timeout_s=timeout_s, on_epoch=lambda _: None, cap_bytes=cap_bytes)
    try:
        worker.call("warm_up")
        found = worker.call("probe")
    finally:
        worker.close()
    assert isinstance(found, Probe), "that is what this step brings"
    return found


def _start(job: ProbeJob, _on_epoch: OnEpoch) -> AbstractContextManager[ProbeRun]:
    from redl.execution.probe import open_probe  # torch comes with it, which the parent must not import

    return open_probe(job)
