"""A paced run: a probe that goes on for some rounds of steps, and times images in training and inference."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch
from msgspec.structs import replace

from redl.errors import ModelError
from redl.execution.approach import Approach, OpenModel, energy_meter, open_model
from redl.execution.inference import time_latency
from redl.execution.job import ProbeJob
from redl.execution.pace import PaceJob
from redl.execution.probe import ProbeRun, approach_of, noise
from redl.metering.meter import EnergyMeter
from redl.metering.predicted_memory import predicted_memory
from redl.metering.stopwatch import Stopwatch
from redl.record.budget import Pace, Probe
from redl.training.course import Course, Plan
from redl.training.loop import Hooks, Part, fit, predict
from redl.training.optimizers import state_elements, state_width
from redl.training.precision import synchronize

_ROUNDS = 3
_LEAST_ROUND_S = 0.5
_MOST_STEPS = 50  # of a round
_MOST_PASSES = 20  # of one image
_FEW = 2  # images to evaluate after a round, which no timed window sees
_SEED = 1


@contextmanager
def open_paced(job: PaceJob) -> Iterator[PacedRun]:
    """Yield a run that is ready; raise RedlError for a model or setting that cannot be used."""
    began = time.perf_counter()
    options = job.options
    as_probe = ProbeJob(
        model=job.model,
        setting=job.setting,
        batch_size=options.profile.batch_size,
        cap_bytes=None,
        options=options,
    )
    plan = approach_of(as_probe)
    side = plan.network.input_size(plan.profile.image_size, job.downsample)
    batch, few = (noise(count, side, plan) for count in (as_probe.batch_size, _FEW))
    with open_model(plan, seed=_SEED) as opened:
        yield PacedRun(as_probe, plan, opened, batch, few, began)


class PacedRun:
    """A paced run that works step by step: warm up, then take the probe's steps and the rounds."""

    def __init__(
        self, job: ProbeJob, plan: Approach, opened: OpenModel, batch: Part, few: Part, began: float
    ) -> None:
        self._probe_run = ProbeRun(job, plan, opened, batch, few)
        self._plan, self._opened, self._few, self._began = plan, opened, few, began
        self._start_seconds = 0.0

    @property
    def side(self) -> int:
        """Return the side of the images in pixels, as the network is given them."""
        return self._few.images.shape[-1]

    def warm_up(self) -> int | None:
        """Pass few images through the model; return the resident size above which growth counts."""
        found = self._probe_run.warm_up()
        synchronize(self._plan.device)
        self._start_seconds = time.perf_counter() - self._began
        return found

    def probe(self) -> Probe:
        """Take the steps of a probe, and return them with the pace of the rounds that follow."""
        found = self._probe_run.probe()
        return replace(found, pace=self._pace(steps_of_round(found.step_seconds)))

    def _pace(self, steps: int) -> Pace:
        plan, model = self._plan, self._opened.model
        images = noise(steps * plan.profile.batch_size, self.side, plan)
        optimizer = plan.setup.optimizer(model, plan.learning_rate)
        with energy_meter(plan) as meter:
            trained = self._train(images, optimizer, meter)
            inferred = self._infer(images.images, meter)
            conditions = meter.conditions()
        predicted = predicted_memory(
            list(model.parameters()),
            state_width=state_width(optimizer),
            state_elements=state_elements(optimizer),
        )
        state = predicted.optimizer_state
        return Pace(
            steps=_ROUNDS * steps,
            train_seconds=tuple(seconds / len(images) for seconds in trained),
            infer_seconds=tuple(seconds / len(images) for seconds in inferred),
            latency=time_latency(
                lambda: self._predict(images.images[:1]),
                passes=max(2, min(plan.profile.latency_passes, _MOST_PASSES)),
                stopwatch=self._stopwatch,
            ),
            start_seconds=self._start_seconds,
            state_bytes=None if state is None else predicted.weights + state,
            conditions=conditions,
        )

    def _train(self, images: Part, optimizer: torch.optim.Optimizer, meter: EnergyMeter) -> list[float]:
        """Train for some rounds and return the seconds of each; raise ModelError if training breaks down."""
        plan = self._plan
        watches: list[Stopwatch] = []

        @contextmanager
        def window() -> Iterator[None]:
            watches.append(self._stopwatch())
            with meter.window(), watches[-1]:
                yield

        course = Course(
            self._opened.model,
            optimizer,
            Plan(
                precision=plan.precision,
                epochs=_ROUNDS,
                patience=_ROUNDS,
                batch_size=plan.profile.batch_size,
                micro_batch=plan.setup.micro_batch,
                seed=_SEED,
            ),
        )
        with course:
            taken = fit(
                course,
                images,
                self._few,
                Hooks(window=window, seconds=lambda: 0.0, on_epoch=lambda _: None),
            )
        if len(taken.trace) < _ROUNDS:
            raise ModelError(f"training on noise broke down in round {len(taken.trace)} of {_ROUNDS}")
        return [watch.seconds for watch in watches]

    def _infer(self, images: torch.Tensor, meter: EnergyMeter) -> list[float]:
        """Pass over images for some rounds, after one that warms up, and return the seconds of each."""
        self._predict(images)
        seconds = []
        for _ in range(_ROUNDS):
            with meter.window(), self._stopwatch() as watch:
                self._predict(images)
            seconds.append(watch.seconds)
        return seconds

    def _predict(self, images: torch.Tensor) -> torch.Tensor:
        plan = self._plan
        return predict(
            self._opened.model, images, precision=plan.precision, batch_size=plan.profile.batch_size
        )

    def _stopwatch(self) -> Stopwatch:
        return Stopwatch(synchronize=partial(synchronize, self._plan.device))


def steps_of_round(step_seconds: float) -> int:
    """Return of how many steps a round is: enough that its time can be told, and not many of long ones."""
    return max(1, min(_MOST_STEPS, math.ceil(_LEAST_ROUND_S / max(step_seconds, 1e-6))))
