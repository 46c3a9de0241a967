"""One case from prepared data to its record, in plain Python, in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import torch

from redl.execution.approach import OpenModel, energy_meter, open_model
from redl.execution.epochs import open_epochs
from redl.execution.inference import repeat, time_latency
from redl.execution.job import Job
from redl.execution.plan import CasePlan
from redl.execution.stretch_meter import StretchMeter
from redl.execution.summary import Findings, Inferred, Trained, predictions_of, summarise
from redl.metering.memory import Peak, Phase, release_freed_memory
from redl.metering.stopwatch import Stopwatch
from redl.metering.stretch import Stretch
from redl.record import Epoch, Predictions, Record
from redl.training.course import Course, Plan
from redl.training.first_pass import first_pass
from redl.training.loop import Hooks, Part, fit, predict
from redl.training.optimizers import state_bits, state_elements, state_width
from redl.training.precision import synchronize
from redl.training.trained import save_trained

OnEpoch = Callable[[Epoch], None]


def run(job: Job) -> Record:
    """Train, evaluate and measure one case, and return its record."""
    with open_case(job) as case_run:
        case_run.warm_up()
        case_run.train()
        return case_run.finish()


@contextmanager
def open_case(job: Job, on_epoch: OnEpoch = lambda _: None) -> Iterator[CaseRun]:
    """Yield a case that is ready to run: its data in memory, its meters started, its model built.

    Libraries and data come before the memory meter starts, the model and everything else after it. Raise
    RedlError for a model, setting or data that cannot be used.
    """
    plan = CasePlan.of(job)
    parts = plan.load_parts()
    with open_model(plan, seed=job.case.seed) as opened:
        yield CaseRun(plan, parts, opened, on_epoch)


class CaseRun:
    """A case that works step by step: warm up, train, finish, and infer as often as wanted."""

    def __init__(
        self,
        plan: CasePlan,
        parts: tuple[Part, Part, Part],
        opened: OpenModel,
        on_epoch: OnEpoch,
    ) -> None:
        self._plan = plan
        self._train_part, self._valid_part, self._test_part = parts
        self._opened = opened
        self._model, self._energy, self._memory = opened.model, opened.energy, opened.memory
        self._on_epoch = on_epoch
        self._trained: Trained | None = None
        self._measured: Callable[[], Stretch] | None = None
        self._findings: Findings | None = None

    def warm_up(self) -> None:
        """Pass one batch through the untrained model, then wait for as long as the options say.

        Model and random stream stay as they were. Raise ModelError if the model cannot take images of this
        size, or does not return logits (N, 1).
        """
        plan, batch_size = self._plan, self._plan.profile.batch_size
        batch = self._train_part.images[:batch_size]
        first_pass(plan.network.name, self._model, batch, precision=plan.precision, batch_size=batch_size)
        self._energy.settle(plan.job.options.settle_s)

    def train(self) -> None:
        """Train, and meter time, memory and energy of the training steps.

        A training that was interrupted goes on after the last epoch that was kept; what is measured is then
        the sum of what was measured in each process.
        """
        plan, profile = self._plan, self._plan.profile
        optimizer = plan.setup.optimizer(self._model, plan.learning_rate)
        course = Course(
            self._model,
            optimizer,
            Plan(
                precision=plan.precision,
                epochs=profile.epochs,
                patience=profile.patience,
                batch_size=profile.batch_size,
                micro_batch=plan.setup.micro_batch,
                seed=plan.job.case.seed,
            ),
        )
        with course, open_epochs(plan.job.epochs) as epochs:
            meter = StretchMeter(course, self._energy, epochs.resume(course))

            def end_epoch(epoch: Epoch) -> None:
                if epoch.epoch == 1:
                    meter.end_first_epoch()
                self._on_epoch(epoch)

            def keep(course: Course) -> None:
                epochs.keep(course, lambda: meter.so_far(memory.so_far()))
                release_freed_memory()  # which the next epoch would be taken to need, with or without keeping

            with self._memory.phase() as memory:
                hooks = Hooks(
                    window=meter.window,
                    seconds=lambda: meter.seconds,
                    on_epoch=end_epoch,
                    keep=keep,
                )
                found = fit(course, self._train_part, self._valid_part, hooks)
        self._measured = partial(meter.so_far, _peak(memory))
        self._trained = Trained(
            fit=found,
            faults=tuple(epochs.faults),
            optimizer=type(optimizer).__name__,
            optimizer_state_bits=state_bits(optimizer),
            state_width=state_width(optimizer),
            state_elements=state_elements(optimizer),
        )
        self._model.zero_grad(set_to_none=True)  # inference needs no gradients

    def finish(self) -> Record:
        """Evaluate on the validation part, which warms up, then measure passes over the test part."""
        assert self._trained is not None, "a case is trained before it is finished"
        stretch = self._end_stretch()
        valid_logits = self._predict(self._valid_part.images)
        inferred = self._measure_inference()
        self._findings = Findings(
            plan=self._plan,
            flags=self._opened.flags,
            pretrained=self._opened.pretrained,
            model=self._model,
            trained=self._trained,
            inferred=inferred,
            valid_logits=valid_logits,
            stretch=stretch,
        )
        return summarise(self._findings)

    def predictions(self) -> Predictions:
        """Return what the trained model answered for each test image when the case was finished."""
        assert self._findings is not None, "a case is finished before its answers are asked for"
        return predictions_of(self._findings)

    def infer(self) -> None:
        """Pass once over the test part."""
        self._predict(self._test_part.images)
        synchronize(self._plan.device)

    def export(self) -> None:
        """Write the trained weights into the folder that the job names."""
        folder = self._plan.job.exports
        assert folder is not None, "a case is exported where its job names a folder"
        save_trained(self._model, folder, self._plan.network.name)

    def _end_stretch(self) -> Stretch:
        """Return what training took, and let go of its optimizer, whose state inference does not need."""
        measured, self._measured = self._measured, None
        assert measured is not None, "a case is finished once"
        self._energy.close()
        return measured()

    def _measure_inference(self) -> Inferred:
        images, profile, stopwatch = self._test_part.images, self._plan.profile, self._new_stopwatch()
        with energy_meter(self._plan) as energy, self._memory.phase() as memory:
            energy.settle(self._plan.job.options.settle_s)
            logits, passes = repeat(
                lambda: self._predict(images),
                at_least_s=profile.inference_window_s,
                stopwatch=stopwatch,
                window=energy.window,
            )
        return Inferred(
            logits=logits,
            passes=passes,
            seconds=stopwatch.seconds,
            memory=_peak(memory),
            energy=energy.reading(images=passes * len(images)),
            conditions=energy.conditions(),
            latency=time_latency(
                lambda: self._predict(images[:1]),
                passes=profile.latency_passes,
                stopwatch=self._new_stopwatch,
            ),
        )

    def _predict(self, images: torch.Tensor) -> torch.Tensor:
        plan = self._plan
        return predict(self._model, images, precision=plan.precision, batch_size=plan.profile.batch_size)

    def _new_stopwatch(self) -> Stopwatch:
        return Stopwatch(synchronize=partial(synchronize, self._plan.device))


def _peak(phase: Phase) -> Peak:
    assert phase.peak is not None, "the phase has ended"
    return phase.peak
