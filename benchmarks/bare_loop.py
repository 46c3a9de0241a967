"""The loop that a careful person writes in plain PyTorch, redl's, and the published one, timed in turns.

It imports torch, so the suite imports it only in a separate process.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils.data import DataLoader, Sampler, TensorDataset

from benchmarks.turns import Turns
from redl.execution.approach import set_flags
from redl.metering.memory import MemoryMeter, release_freed_memory
from redl.metering.meter import EnergyMeter
from redl.metering.stopwatch import Stopwatch
from redl.study.case import Model, Setting
from redl.study.profile import PAPER, SMOKE, Pretraining, Profile
from redl.training.course import Course, Plan
from redl.training.fast_path import fast_path_of
from redl.training.loop import Hooks, Part, fit
from redl.training.models import build
from redl.training.networks import network_of
from redl.training.precision import Precision, synchronize
from redl.training.settings import setup_of, with_fused_adam

SEED = 1


@dataclass(frozen=True, kw_only=True)
class Work:
    """What each way trains: DenseNet on noise with random labels, for a number of steps an epoch."""

    device: torch.device
    profile: Profile
    setting: Setting = Setting.BASELINE
    steps: int
    valid_images: int
    plain: bool = False

    def prepare(self) -> tuple[nn.Module, torch.optim.Optimizer, Precision, Part, Part]:
        """Return what `fit` takes, as a case has it."""
        torch.manual_seed(SEED)
        network = network_of(
            Model.DENSENET, None, image_size=self.profile.image_size, reduced=self.profile.reduced
        )
        fast = fast_path_of(network, self.device, images_bytes=0, plain=self.plain)
        setup = setup_of(self.setting, self.device)
        setup = with_fused_adam(setup) if fast.fused else setup
        precision = Precision.of(setup, self.device, channels_last=fast.channels_last)
        module, _ = build(network, image_size=self.profile.image_size, pretraining=Pretraining.NO)
        model = precision.place(module)
        parts = (
            self._part(count, seed=seed, resident=fast.resident)
            for seed, count in enumerate((self.steps * self.profile.batch_size, self.valid_images))
        )
        return model, setup.optimizer(model, self.profile.learning_rate), precision, *parts

    def _part(self, count: int, *, seed: int, resident: bool) -> Part:
        generator, side = torch.Generator().manual_seed(seed), self.profile.image_size
        images = torch.randint(0, 256, (count, 1, side, side), generator=generator, dtype=torch.uint8)
        labels = (torch.rand((count, 1), generator=generator) < 0.5).float()
        return Part(
            images=images.to(self.device) if resident else images,
            labels=labels.to(self.device),
            subjects=np.arange(count, dtype=np.int32),
        )


ON_CPU = Work(device=torch.device("cpu"), profile=SMOKE, steps=16, valid_images=128)
ON_GPU = Work(
    device=torch.device("cuda"), profile=replace(PAPER, learning_rate=1e-4), steps=16, valid_images=128
)

Losses = list[float]  # of validation, after each epoch
Run = Callable[[], Losses]
Way = Callable[[int], Run]  # from the epochs; what it prepares is not timed


def time_fit(pairs: int, epochs: int) -> Turns:
    """Time `fit` and the bare loop on the CPU."""
    return in_turns({"bare": partial(bare, ON_CPU), "fit": partial(with_fit, ON_CPU)}, ON_CPU, pairs, epochs)


def time_meters(pairs: int, epochs: int) -> Turns:
    """Time `fit` with all meters of a case and with none, on the CPU."""
    with EnergyMeter() as energy:
        memory, stopwatch = MemoryMeter(ON_CPU.device), Stopwatch()

        @contextmanager
        def window() -> Iterator[None]:
            with energy.window(), stopwatch:
                yield

        def metered(epochs: int) -> Run:
            run = with_fit(ON_CPU, epochs, window=window)

            def in_phase() -> Losses:
                with memory.phase():
                    return run()

            return in_phase

        ways: dict[str, Way] = {"unmetered": partial(with_fit, ON_CPU), "metered": metered}
        return in_turns(ways, ON_CPU, pairs, epochs)


def time_published(setting: str, pairs: int, epochs: int, device: str) -> Turns:
    """Time the bare loop, `fit` with and without what it does for speed, and the published loop."""
    work = replace(ON_GPU if device == "cuda" else replace(ON_CPU, steps=4), setting=Setting(setting))
    ways: dict[str, Way] = {
        "bare": partial(bare, work),
        "fit": partial(with_fit, work),
        "plain": partial(with_fit, replace(work, plain=True)),
        "published": partial(published, replace(work, plain=True)),
    }
    return in_turns(ways, work, pairs, epochs)


def bare(work: Work, epochs: int) -> Run:
    """Shuffle, step, and evaluate once an epoch."""
    model, optimizer, precision, train, valid = work.prepare()
    scaler = torch.amp.GradScaler(work.device.type, enabled=precision.grad_scaler)
    batch_size, layout = work.profile.batch_size, precision.memory_format

    def scaled(images: torch.Tensor) -> torch.Tensor:
        return images.to(torch.float32, memory_format=layout).div_(255)

    def run() -> Losses:
        shuffle, losses = torch.Generator().manual_seed(SEED), []
        for _ in range(epochs):
            model.train()
            order = torch.randperm(len(train), generator=shuffle).to(work.device)
            for batch in order.split(batch_size):
                optimizer.zero_grad()
                with precision.autocast():
                    logits = model(scaled(train.images[batch]))
                loss = binary_cross_entropy_with_logits(logits.float(), train.labels[batch])
                scaler.scale(loss).backward()
                scaler.step(optimizer)
                scaler.update()
            model.eval()
            with torch.inference_mode(), precision.autocast():
                logits = torch.cat([model(scaled(part)).float() for part in valid.images.split(batch_size)])
            losses.append(binary_cross_entropy_with_logits(logits, valid.labels).item())
        return losses

    return run


def with_fit(
    work: Work, epochs: int, *, window: Callable[[], AbstractContextManager[object]] = nullcontext
) -> Run:
    """Do the same with redl's loop."""
    model, optimizer, precision, train, valid = work.prepare()
    plan = Plan(
        precision=precision,
        epochs=epochs,
        patience=epochs,
        batch_size=work.profile.batch_size,
        seed=SEED,
    )
    hooks = Hooks(window=window, seconds=lambda: 0.0, on_epoch=lambda _: None)

    def run() -> Losses:
        with Course(model, optimizer, plan) as course:
            found = fit(course, train, valid, hooks)
        return [float(epoch.valid_loss or "nan") for epoch in found.trace]

    return run


def published(work: Work, epochs: int) -> Run:
    """Do the same in the way of the published code: float32 images in memory, collated one by one.

    Loss and accuracy are read at every step. Source: the code of Selvan, Schoen and Dam (2023), `train.py`.
    Shuffling is as in the other ways, so that losses can be compared.
    """
    model, optimizer, precision, train, valid = work.prepare()
    scaler = torch.amp.GradScaler(work.device.type, enabled=precision.grad_scaler)
    pinned = work.device.type == "cuda"

    def loader(part: Part, *, shuffled: bool) -> DataLoader[tuple[torch.Tensor, ...]]:
        images = TensorDataset(part.images.float() / 255, part.labels.cpu())
        sampler = _Shuffled(len(part)) if shuffled else None
        return DataLoader(images, batch_size=work.profile.batch_size, sampler=sampler, pin_memory=pinned)

    trained, evaluated = loader(train, shuffled=True), loader(valid, shuffled=False)

    def evaluate() -> float:
        model.eval()
        total, seen = torch.zeros((), device=work.device), 0
        with torch.no_grad():
            for images, labels in evaluated:
                truth = labels.to(work.device)
                with precision.autocast():
                    scores = model(images.to(work.device)).float()
                total += binary_cross_entropy_with_logits(scores, truth) * len(truth)
                seen += len(truth)
        return total.item() / seen

    def run() -> Losses:
        losses, right = [], 0.0
        for _ in range(epochs):
            model.train()
            for images, labels in trained:
                truth = labels.to(work.device)
                optimizer.zero_grad()
                with precision.autocast():
                    scores = model(images.to(work.device))
                loss = binary_cross_entropy_with_logits(scores.float(), truth)
                scaler.scale(loss).backward()
                scaler.step(optimizer)
                scaler.update()
                right += ((torch.sigmoid(scores) > 0.5) == truth).double().mean().item() + loss.item()
            losses.append(evaluate())
        return losses

    return run


class _Shuffled(Sampler[int]):
    """Another order in each epoch, that of the other ways."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._shuffle = torch.Generator().manual_seed(SEED)

    def __iter__(self) -> Iterator[int]:
        return iter(torch.randperm(self._count, generator=self._shuffle).tolist())


def in_turns(ways: dict[str, Way], work: Work, pairs: int, epochs: int) -> Turns:
    """Run each way once a pair, in the order A B B A, on a new model, without freed memory from before."""
    set_flags()
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    losses: dict[str, list[Losses]] = {name: [] for name in ways}
    for pair in range(pairs):
        for name in reversed(ways) if pair % 2 else ways:
            run = ways[name](epochs)
            release_freed_memory()  # as the memory meter does, which would otherwise pay for new pages
            synchronize(work.device)
            began = time.perf_counter()
            found = run()
            synchronize(work.device)
            seconds[name].append(time.perf_counter() - began)
            losses[name].append(found)
    return Turns(
        seconds=seconds,
        losses={name: found[0] for name, found in losses.items()},
        same={name: all(each == found[0] for each in found) for name, found in losses.items()},
    )
