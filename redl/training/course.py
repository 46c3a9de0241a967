"""The course of a training: all that changes from epoch to epoch, and what another process needs to go on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import msgspec
import torch
from torch import nn

from redl.record import Epoch
from redl.training.checkpoint import Checkpoint
from redl.training.divergence import DivergenceWatch
from redl.training.precision import Precision
from redl.training.state_file import State


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """How a network is trained; training stops early after `patience` epochs without a lower loss.

    A batch goes through the network in pieces of `micro_batch` images, whose gradients are added; None for
    whole batches.
    """

    precision: Precision
    epochs: int
    patience: int
    batch_size: int
    micro_batch: int | None = None
    seed: int


class Course:
    """The course of one training of a model; inside its block the weights of the best epoch are kept.

    `kept_logits` (N, 1) are what the weights that will be kept answered for the validation part, and
    `images` is how many images an epoch takes.
    """

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer, plan: Plan) -> None:
        precision = plan.precision
        self.model, self.optimizer, self.plan = model, optimizer, plan
        self.scaler = torch.amp.GradScaler(precision.device.type, enabled=precision.grad_scaler)
        self.shuffle = torch.Generator().manual_seed(plan.seed)
        self.watch = DivergenceWatch(precision.device, self.scaler)
        self.trace: tuple[Epoch, ...] = ()
        self.best_epoch: int | None = None
        self.kept_logits: torch.Tensor | None = None
        self.images = 0
        self._best_loss = float("inf")
        self._lost = False
        self._best = Checkpoint(model)

    def __enter__(self) -> Self:
        self._best.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._best.__exit__(kind, error, trace)

    def epochs(self) -> Iterator[int]:
        """Yield the number of each epoch that is still to be trained, which `end_epoch` is to close."""
        while not self._is_over:
            yield len(self.trace) + 1

    def end_epoch(
        self, epoch: Epoch, valid_loss: float, logits: torch.Tensor, *, images: int, lost: bool
    ) -> None:
        """Close an epoch, and keep its weights if it is the best so far; `lost` ends the training."""
        self.trace += (epoch,)
        self.images, self._lost = images, lost
        if valid_loss < self._best_loss:  # False for NaN
            self.best_epoch, self._best_loss, self.kept_logits = epoch.epoch, valid_loss, logits
            if epoch.epoch < self.plan.epochs:  # the last epoch's weights are in the model itself
                self._best.keep()
        elif self.best_epoch is None:
            self.kept_logits = logits

    def restore_best(self) -> None:
        """Leave the best epoch's weights in the model, or the last ones if no loss was finite."""
        if self.best_epoch not in {None, len(self.trace)}:
            self._best.restore()

    def state(self) -> State:
        """Return all that another process needs to go on after the last epoch; it is not copied."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "watch": self.watch.state(),
            "shuffle": self.shuffle.get_state(),
            "random": _random_state(self.plan.precision.device),
            "trace": msgspec.to_builtins(self.trace),
            "best_epoch": self.best_epoch,
            "best_loss": self._best_loss,
            "kept_logits": self.kept_logits,
            "images": self.images,
            "lost": self._lost,
        }

    def resume(self, state: State, best_model: State) -> None:
        """Go on after the last epoch of a state; `best_model` is the model of its best epoch.

        Raise ValueError, before anything changes, for a state of another model.
        """
        for model in (best_model, state["model"]):
            _check_fits(self.model, model)
        self.trace = msgspec.convert(state["trace"], tuple[Epoch, ...])
        self.best_epoch, self._best_loss = state["best_epoch"], state["best_loss"]
        self.kept_logits = state["kept_logits"].to(self.plan.precision.device)
        self.images, self._lost = state["images"], state["lost"]
        self.watch.restore(state["watch"])
        self.scaler.load_state_dict(state["scaler"])
        self.shuffle.set_state(state["shuffle"])
        _set_random_state(state["random"], self.plan.precision.device)
        _put(self.model, best_model)
        self._best.keep()
        _put(self.model, state["model"])
        _restore_optimizer(self.optimizer, state["optimizer"])

    @property
    def _is_over(self) -> bool:
        done = len(self.trace)
        waited = done - (self.best_epoch or 0)
        return self._lost or done >= self.plan.epochs or waited >= self.plan.patience


def _check_fits(model: nn.Module, state: State) -> None:
    for name, tensor in model.state_dict().items():
        found = state.get(name)
        if not isinstance(found, torch.Tensor) or (found.shape, found.dtype) != (tensor.shape, tensor.dtype):
            raise ValueError(f"it is of another network: `{name}` is missing or of another shape")


def _put(model: nn.Module, state: State) -> None:
    for name, tensor in model.state_dict().items():
        tensor.copy_(state[name])


def _restore_optimizer(optimizer: torch.optim.Optimizer, state: State) -> None:
    """Load an optimizer's state in the formats it had; torch would cast it to those of the parameters."""
    optimizer.load_state_dict(state)
    live = optimizer.state_dict()["state"]
    for number, held in state["state"].items():
        for name, value in held.items():
            loaded: Any = live[number][name]
            if isinstance(value, torch.Tensor) and loaded.dtype != value.dtype:
                live[number][name] = value.to(loaded.device)


def _random_state(device: torch.device) -> list[torch.Tensor]:
    on_cuda = [torch.cuda.get_rng_state(device)] if device.type == "cuda" else []
    return [torch.get_rng_state(), *on_cuda]


def _set_random_state(states: list[torch.Tensor], device: torch.device) -> None:
    torch.set_rng_state(states[0])
    if device.type == "cuda":
        torch.cuda.set_rng_state(states[1], device)
