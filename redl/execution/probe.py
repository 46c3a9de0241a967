"""A probe: two training steps of one batch of noise, which take the memory that a training takes.

The peak comes in the second step, when the optimizer's state is there beside the gradients.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from functools import partial

import numpy as np
import torch

from redl.errors import ModelError
from redl.execution.approach import Approach, OpenModel, open_model
from redl.execution.job import ProbeJob
from redl.execution.messages import OverCapError
from redl.metering.allocator import hold_to
from redl.metering.memory import Phase
from redl.metering.predicted_memory import predicted_memory
from redl.metering.stopwatch import Stopwatch
from redl.record.budget import Probe
from redl.training.course import Course, Plan
from redl.training.first_pass import first_pass, has_batch_norm
from redl.training.loop import Hooks, Part, fit
from redl.training.optimizers import state_elements, state_width
from redl.training.precision import synchronize

_STEPS = 2
_FEW = 2  # images, which every network can take
_SEED = 1


@contextmanager
def open_probe(job: ProbeJob) -> Iterator[ProbeRun]:
    """Yield a probe that is ready to run; raise RedlError for a model or setting that cannot be used."""
    plan = approach_of(job)
    size = plan.profile.image_size
    batch, few = (noise(count, size, plan) for count in (job.batch_size, _FEW))
    with open_model(plan, seed=_SEED) as opened:
        yield ProbeRun(job, plan, opened, batch, few)


def approach_of(job: ProbeJob) -> Approach:
    """Return how a probe trains; raise RedlError for a model or setting that cannot be used."""
    size = job.options.profile.image_size
    profile = replace(job.options.profile, batch_size=job.batch_size)
    options = replace(job.options, profile=profile)
    return Approach.decided(job.model, job.setting, options, images_bytes=job.batch_size * size**2)


class ProbeRun:
    """A probe that works step by step: warm up, then take its steps."""

    def __init__(self, job: ProbeJob, plan: Approach, opened: OpenModel, batch: Part, few: Part) -> None:
        self._cap_bytes = job.cap_bytes
        self._plan, self._opened = plan, opened
        self._batch, self._few = batch, few
        self._window = 0

    def warm_up(self) -> int | None:
        """Pass few images through the model; return the resident size above which growth counts."""
        plan, device = self._plan, self._plan.device
        first_pass(
            plan.network.name, self._opened.model, self._few.images, precision=plan.precision, batch_size=_FEW
        )
        if self._cap_bytes is not None and device.type == "cuda":
            hold_to(self._cap_bytes, device)
        return self._opened.memory.start_bytes

    def probe(self) -> Probe:
        """Take the steps, the last of them metered; raise OverCapError if they went over the cap."""
        plan, model, energy = self._plan, self._opened.model, self._opened.energy
        optimizer = plan.setup.optimizer(model, plan.learning_rate)
        stopwatch = Stopwatch(synchronize=partial(synchronize, plan.device))

        @contextmanager
        def window() -> Iterator[None]:
            self._window += 1
            last: list[AbstractContextManager[object]] = [energy.window(), stopwatch]
            with ExitStack() as stack:
                for one in last if self._window == _STEPS else []:
                    stack.enter_context(one)
                yield

        course = Course(
            model,
            optimizer,
            Plan(
                precision=plan.precision,
                epochs=_STEPS,
                patience=_STEPS,
                batch_size=plan.profile.batch_size,
                micro_batch=plan.setup.micro_batch,
                seed=_SEED,
            ),
        )
        with course, self._opened.memory.phase() as memory:
            taken = fit(
                course,
                self._batch,
                self._few,
                Hooks(window=window, seconds=lambda: 0.0, on_epoch=lambda _: None),
            )
        if len(taken.trace) < _STEPS:
            raise ModelError(f"training broke down in step {len(taken.trace)}, so nothing was measured")
        found = self._found(memory, stopwatch.seconds, optimizer)
        self._check(found)
        return found

    def _found(self, memory: Phase, seconds: float, optimizer: torch.optim.Optimizer) -> Probe:
        peak = memory.peak
        assert peak is not None, "the phase has ended"
        parameters = list(self._opened.model.parameters())
        return Probe(
            network=self._plan.network.name,
            batch_norm=has_batch_norm(self._opened.model),
            device=self._plan.device.type,
            steps=_STEPS,
            peak_bytes=peak.allocated_bytes,
            process_bytes=peak.process_bytes,
            static_bytes=predicted_memory(
                parameters, state_width=state_width(optimizer), state_elements=state_elements(optimizer)
            ).total,
            step_seconds=seconds,
            energy=self._opened.energy.reading(images=len(self._batch)),
            conditions=self._opened.energy.conditions(),
            reason=peak.reason,
        )

    def _check(self, found: Probe) -> None:
        """Raise OverCapError for a peak that came and went between two readings of the watch.

        Raise ModelError where no peak was read, because nothing then shows that it fits.
        """
        on_cpu = self._plan.device.type == "cpu"
        held = found.peak_bytes if on_cpu else found.process_bytes or found.peak_bytes
        if self._cap_bytes is None:
            return
        if held is None:
            raise ModelError(f"whether it stayed below the cap cannot be told: {found.reason}")
        if held > self._cap_bytes:
            raise OverCapError(held - self._cap_bytes)


def noise(count: int, size: int, plan: Approach) -> Part:
    """Return random images of `size` pixels a side, half of each class, where a case would have its own."""
    generator = torch.Generator().manual_seed(_SEED)
    images = torch.randint(0, 256, (count, 1, size, size), generator=generator, dtype=torch.uint8)
    labels = (torch.arange(count) % 2).float().unsqueeze(1)
    return Part(
        images=images.to(plan.device) if plan.fast_path.resident else images,
        labels=labels.to(plan.device),
        subjects=np.arange(count, dtype=np.int32),
    )
