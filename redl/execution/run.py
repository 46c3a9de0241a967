"""Run: one case from prepared data to its record, in plain Python, in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from redl.data.cache.entry import open_prepared
from redl.errors import OptionError
from redl.execution.inference import repeat, time_latency
from redl.execution.job import Job
from redl.execution.summary import Findings, Pass, predictions_of, summarise
from redl.metering.memory import MemoryMeter, Phase, paper_compatible_bytes
from redl.metering.meter import EnergyMeter
from redl.metering.stopwatch import Stopwatch
from redl.record import Epoch, Flags, Predictions, Record
from redl.study.custom import Function
from redl.training import convolution
from redl.training.downsampling import downsampled
from redl.training.fast_path import fast_path_of
from redl.training.loop import Part, fit, predict
from redl.training.models import build
from redl.training.networks import network_of
from redl.training.optimizers import import_library, state_bits, state_width
from redl.training.precision import Precision
from redl.training.settings import TrainingSetup, needs_bitsandbytes, setup_of, with_fused_adam


def run(job: Job) -> Record:
    """Train, evaluate and measure one case, and return its record."""
    with CaseRun(job) as case_run:
        case_run.warm_up()
        case_run.train()
        return case_run.finish()


class CaseRun:
    """Work through one case step by step: warm up, train, finish, and infer as often as wanted.

    Libraries and data are in memory before the memory meter starts, the model and all after it.
    """

    def __init__(self, job: Job, on_epoch: Callable[[Epoch], None] = lambda _: None) -> None:
        self._options, self._case = job.options, job.case
        self._profile = job.options.profile.of(job.case.model)
        self._on_epoch = on_epoch
        self._paper_bytes: int | None = None
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._data = open_prepared(job.prepared)
        self._network = network_of(
            job.case.model,
            job.options.custom_models.get(job.case.model),
            image_size=self._profile.image_size,
            reduced=self._profile.reduced,
        )
        self._fast_path = fast_path_of(
            self._network, self._device, images_bytes=self._data.images.nbytes, plain=job.options.plain
        )
        setup = _setup(job, self._device)
        self._setup = with_fused_adam(setup) if self._fast_path.fused else setup
        self._precision = Precision.of(self._setup, self._device, channels_last=self._fast_path.channels_last)
        split = self._data.split
        self._parts = [self._part(index) for index in (split.train, split.valid, split.test)]
        self._stopwatch = self._new_stopwatch()
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self._flags = set_flags(tf32=self._options.tf32)
        import_library(eight_bit=needs_bitsandbytes(self._setup))
        self._widened = convolution.needs_widening(self._precision.half_dtypes, self._device)
        self._open.enter_context(convolution.widened(needed=self._widened))
        self._energy = self._open.enter_context(self._energy_meter())
        self._memory = MemoryMeter(self._device)
        torch.manual_seed(self._case.seed)
        model, self._pretrained = build(
            self._network,
            image_size=self._profile.image_size,
            pretraining=self._profile.pretraining,
            weights=self._options.weights,
        )
        self._model = self._precision.place(self._setup.change(model))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def warm_up(self) -> None:
        """Pass one batch through the untrained model, which leaves model and random stream as they were."""
        self._predict(self._parts[0].images[: self._profile.batch_size])

    def train(self) -> None:
        """Train, metering time, memory and energy of the training steps."""
        train, valid, _ = self._parts
        optimizer = self._setup.optimizer(self._model, self._profile.learning_rate)
        with self._memory.phase() as self._train_memory:
            self._fit = fit(
                self._model,
                optimizer,
                train,
                valid,
                valid_subjects=self._data.subjects[self._data.split.valid],
                precision=self._precision,
                epochs=self._profile.epochs,
                patience=self._profile.patience,
                batch_size=self._profile.batch_size,
                seed=self._case.seed,
                window=self._training_window,
                seconds=lambda: self._stopwatch.seconds,
                on_epoch=self._end_epoch,
            )
        self._optimizer_name = type(optimizer).__name__
        self._state_bits = state_bits(optimizer)
        self._state_width = state_width(optimizer)
        self._model.zero_grad(set_to_none=True)  # inference holds no gradients

    def finish(self) -> Record:
        """Evaluate on the validation part, which warms up, then measure passes over the test part."""
        _, valid, test = self._parts
        valid_logits = self._predict(valid.images)
        stopwatch = self._new_stopwatch()
        with self._energy_meter() as energy, self._memory.phase() as memory:
            test_logits, passes = repeat(
                lambda: self._predict(test.images),
                at_least_s=self._profile.inference_window_s,
                stopwatch=stopwatch,
                window=energy.window,
            )
        latency = time_latency(
            lambda: self._predict(test.images[:1]),
            passes=self._profile.latency_passes,
            stopwatch=self._new_stopwatch,
        )
        self._findings = Findings(
            case=self._case,
            profile=self._profile,
            overrides=self._options.profile.overrides(self._case.model),
            network=self._network,
            fast_path=self._fast_path,
            precision=self._precision,
            widened=self._widened,
            flags=self._flags,
            pretrained=self._pretrained,
            optimizer=self._optimizer_name,
            optimizer_state_bits=self._state_bits,
            state_width=self._state_width,
            data=self._data,
            model=self._model,
            fit=self._fit,
            seconds=self._stopwatch.seconds,
            train=_pass(self._energy, self._train_memory, self._fit.images),
            paper_compatible_bytes=self._paper_bytes,
            inference=_pass(energy, memory, passes * len(test)),
            inference_seconds=stopwatch.seconds,
            inference_passes=passes,
            latency=latency,
            valid_logits=valid_logits,
            test_logits=test_logits,
        )
        return summarise(self._findings)

    def predictions(self) -> Predictions:
        """Return what the trained model answered for each test image when the case was finished."""
        return predictions_of(self._findings)

    def infer(self) -> None:
        """Pass once over the test part."""
        self._predict(self._parts[2].images)
        self._synchronize()

    def _part(self, index: NDArray[np.intp]) -> Part:
        """Copy one part into memory, so that the disk's cache is not taken for the setting's memory."""
        images = downsampled(
            torch.from_numpy(self._data.images[index]).unsqueeze(1),
            downsample=self._case.downsample,
            input_size=self._network.input_size(self._profile.image_size, self._case.downsample),
        )
        labels = torch.from_numpy(self._data.labels[index].astype(np.float32)).unsqueeze(1)
        if self._fast_path.resident:
            images = images.to(self._device)
        return Part(images=images, labels=labels.to(self._device))

    def _predict(self, images: torch.Tensor) -> torch.Tensor:
        batch_size = self._profile.batch_size
        return predict(self._model, images, precision=self._precision, batch_size=batch_size)

    @contextmanager
    def _training_window(self) -> Iterator[None]:
        with self._energy.window(), self._stopwatch:
            yield

    def _end_epoch(self, epoch: Epoch) -> None:
        if epoch.epoch == 1:
            self._paper_bytes = paper_compatible_bytes(self._device)
        self._on_epoch(epoch)

    def _energy_meter(self) -> EnergyMeter:
        on_cuda = self._device.type == "cuda"
        gpus = [str(torch.cuda.get_device_properties(self._device).uuid)] if on_cuda else []
        return EnergyMeter(gpus, self._options.assumptions, synchronize=self._synchronize)

    def _new_stopwatch(self) -> Stopwatch:
        return Stopwatch(synchronize=self._synchronize)

    def _synchronize(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)


def set_flags(*, tf32: bool = False) -> Flags:
    """Set the numerical switches on purpose: full float32, and kernels chosen the same way every time."""
    precision = "tf32" if tf32 else "ieee"
    torch.backends.cuda.matmul.fp32_precision = precision
    torch.backends.cudnn.conv.fp32_precision = precision  # type: ignore[attr-defined] # set up at import
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    return Flags(tf32=tf32, cudnn_benchmark=False, deterministic=True)


def _pass(energy: EnergyMeter, memory: Phase, images: int) -> Pass:
    assert memory.peak is not None, "the phase has ended"
    return Pass(energy=energy.reading(images=images), memory=memory.peak)


def _setup(job: Job, device: torch.device) -> TrainingSetup:
    """Return what the case's setting does; raise OptionError for a user's own that does not say so."""
    own, half_dtype = job.options.custom_settings.get(job.case.setting), job.options.half_dtype
    if own is None:
        return setup_of(job.case.setting, device, None if half_dtype is None else getattr(torch, half_dtype))
    function = own.configure
    assert isinstance(function, Function), "a declared function keeps its place"
    setup = function.load()(device)
    if not isinstance(setup, TrainingSetup):
        raise OptionError(f"setting {job.case.setting}: {function.name} returned no TrainingSetup")
    return setup
