"""The pace of a sort of case: what its images take, found by a few steps in a process of its own."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from redl.errors import ModelError
from redl.execution.job import RunOptions
from redl.execution.trial import probed
from redl.execution.worker import CaseBrokeError, OnEpoch
from redl.record.budget import Probe

if TYPE_CHECKING:
    from redl.execution.paced import PacedRun


@dataclass(frozen=True, kw_only=True, slots=True)
class PaceJob:
    """A model and a setting that are to be timed on noise of the size that cases have."""

    model: str
    setting: str
    downsample: int
    options: RunOptions


def measure_pace(job: PaceJob) -> Probe:
    """Return what some steps took, with their pace; raise ModelError, in one line, if they cannot be made."""
    try:
        # No process can have more than that; and what breaks under a cap is a reason, without its traceback.
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return probed(partial(_start, job), timeout_s=job.options.timeout_s, cap_bytes=memory)
    except CaseBrokeError as end:
        raise ModelError(f"{job.model} with {job.setting}: could not be measured: {end.reason}") from None


def _start(job: PaceJob, _on_epoch: OnEpoch) -> AbstractContextManager[PacedRun]:
    from redl.execution.paced import open_paced  # torch comes with it, which the parent must not import

    return open_paced(job)
