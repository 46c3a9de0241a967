"""The loop that a careful person writes in plain PyTorch, and redl's, metered or not, timed in turns.

It imports torch, so the suite imports it only in a separate process.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import numpy as np
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from redl.execution.run import set_flags
from redl.metering.memory import MemoryMeter, release_freed_memory
from redl.metering.meter import EnergyMeter
from redl.metering.stopwatch import Stopwatch
from redl.study.case import Model
from redl.study.profile import SMOKE, Pretraining
from redl.training.course import Course, Plan
from redl.training.loop import Hooks, Part, fit
from redl.training.models import build
from redl.training.networks import network_of
from redl.training.optimizers import adam
from redl.training.precision import Precision
from redl.training.settings import TrainingSetup

CPU, SEED = torch.device("cpu"), 1
STEPS, VALID_IMAGES = 16, 128  # of an epoch; a smoke case has some 20 and 210

Way = Callable[[nn.Module, torch.optim.Optimizer, Part, Part, int], float]  # the last is the epochs
Turns = tuple[dict[str, list[float]], dict[str, set[float]]]


def time_fit(pairs: int, epochs: int) -> Turns:
    """Time `fit` and the bare loop; return each way's seconds, and its last validation losses."""
    return _in_turns({"bare": _bare, "fit": _fit}, pairs, epochs)


def time_meters(pairs: int, epochs: int) -> Turns:
    """Time `fit` with all meters of a case and with none, as `time_fit` does."""
    with EnergyMeter() as energy:
        memory, stopwatch = MemoryMeter(CPU), Stopwatch()

        @contextmanager
        def window() -> Iterator[None]:
            with energy.window(), stopwatch:
                yield

        def metered(
            model: nn.Module, optimizer: torch.optim.Optimizer, train: Part, valid: Part, epochs: int
        ) -> float:
            with memory.phase():
                return _fit(model, optimizer, train, valid, epochs, window=window)

        return _in_turns({"unmetered": _fit, "metered": metered}, pairs, epochs)


def _bare(model: nn.Module, optimizer: torch.optim.Optimizer, train: Part, valid: Part, epochs: int) -> float:
    """Shuffle, step, and evaluate once an epoch; return the last validation loss."""
    shuffle = torch.Generator().manual_seed(SEED)
    for _ in range(epochs):
        model.train()
        for batch in torch.randperm(len(train), generator=shuffle).split(SMOKE.batch_size):
            logits = model(train.images[batch].float() / 255)
            loss = binary_cross_entropy_with_logits(logits, train.labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.inference_mode():
            parts = [model(images.float() / 255) for images in valid.images.split(SMOKE.batch_size)]
            valid_loss = binary_cross_entropy_with_logits(torch.cat(parts), valid.labels).item()
    return valid_loss


def _fit(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    train: Part,
    valid: Part,
    epochs: int,
    *,
    window: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> float:
    """Do the same with redl's loop."""
    plan = Plan(
        precision=Precision.of(TrainingSetup(), CPU),
        epochs=epochs,
        patience=epochs,
        batch_size=SMOKE.batch_size,
        seed=SEED,
    )
    hooks = Hooks(window=window, seconds=lambda: 0.0, on_epoch=lambda _: None)
    with Course(model, optimizer, plan) as course:
        found = fit(course, train, valid, hooks)
    loss = found.trace[-1].valid_loss
    assert loss is not None
    return loss


def _in_turns(ways: dict[str, Way], pairs: int, epochs: int) -> Turns:
    """Run each way once a pair, in the order A B B A, on a new model, without freed memory from before."""
    set_flags()
    train, valid = _part(STEPS * SMOKE.batch_size, seed=0), _part(VALID_IMAGES, seed=1)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    losses: dict[str, set[float]] = {name: set() for name in ways}
    for pair in range(pairs):
        for name in reversed(ways) if pair % 2 else ways:
            torch.manual_seed(SEED)
            network = network_of(Model.DENSENET, None, image_size=SMOKE.image_size, reduced=True)
            model, _ = build(network, image_size=SMOKE.image_size, pretraining=Pretraining.NO)
            optimizer = adam(model, SMOKE.learning_rate)
            release_freed_memory()  # as the memory meter does, which would otherwise pay for new pages
            began = time.perf_counter()
            loss = ways[name](model, optimizer, train, valid, epochs)
            seconds[name].append(time.perf_counter() - began)
            losses[name].add(loss)
    return seconds, losses


def _part(count: int, *, seed: int) -> Part:
    """Make noise with random labels: a step takes as long on it as on an image."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(
        0, 256, (count, 1, SMOKE.image_size, SMOKE.image_size), generator=generator, dtype=torch.uint8
    )
    labels = (torch.rand((count, 1), generator=generator) < 0.5).float()
    return Part(images=images, labels=labels, subjects=np.arange(count, dtype=np.int32))
