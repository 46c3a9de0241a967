"""Settings: what each does to training, all in one place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import nn

from redl.study.case import Setting
from redl.study.technique import compose
from redl.training.optimizers import adam, adam_8bit, adam_8bit_stable
from redl.training.recomputing import recomputing

MakeOptimizer = Callable[[nn.Module, float], torch.optim.Optimizer]


def _unchanged(model: nn.Module) -> nn.Module:
    return model


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingSetup:
    """What a setting does to training.

    A batch goes through the network in pieces of `micro_batch` images, whose gradients are added; None for
    whole batches. `optimizer` makes an optimizer from the model, which is on its device and in its format,
    and the learning rate. `change` takes the float32 model on the CPU and returns the model to train.

        TrainingSetup(optimizer=lambda model, rate: torch.optim.SGD(model.parameters(), rate))
    """

    weights_dtype: torch.dtype = torch.float32
    autocast_dtype: torch.dtype | None = None
    optimizer: MakeOptimizer = adam
    change: Callable[[nn.Module], nn.Module] = _unchanged
    micro_batch: int | None = None


def setup_of(setting: str, device: torch.device, half_dtype: torch.dtype | None = None) -> TrainingSetup:
    """Return what a setting of the study does, with any techniques that its name adds.

    16 bits are float16 on CUDA and bfloat16 on a CPU; `half_dtype` overrides the format of 16-bit weights if
    the setting does not name it. Raise OptionError for an unknown name.
    """
    composition = compose(setting)
    return replace(
        _base(composition.setting, device, half_dtype),
        change=recomputing if composition.recomputing else _unchanged,
        micro_batch=composition.micro_batch,
    )


def _base(setting: Setting, device: torch.device, half_dtype: torch.dtype | None) -> TrainingSetup:
    native = torch.float16 if device.type == "cuda" else torch.bfloat16
    half = half_dtype or native
    match setting:
        case Setting.BASELINE:
            return TrainingSetup()
        case Setting.AMP:
            return TrainingSetup(autocast_dtype=native)
        case Setting.EIGHT_BIT:
            return TrainingSetup(optimizer=adam_8bit)
        case Setting.AMP_EIGHT_BIT:
            return TrainingSetup(autocast_dtype=native, optimizer=adam_8bit)
        case Setting.HALF_EIGHT_BIT:
            return TrainingSetup(weights_dtype=half, optimizer=adam_8bit)
        case Setting.HALF:
            return TrainingSetup(weights_dtype=half)
        case Setting.STABLE:
            return TrainingSetup(optimizer=adam_8bit_stable)
        case Setting.AMP_BF16:
            return TrainingSetup(autocast_dtype=torch.bfloat16)
        case Setting.HALF_BF16:
            return TrainingSetup(weights_dtype=torch.bfloat16)


def with_fused_adam(setup: TrainingSetup) -> TrainingSetup:
    """Let ordinary Adam of float32 weights run as one kernel; leave any other optimizer as it is.

    A fused kernel computes 16-bit weights in float32, in which Adam's eps of 1e-8 is not 0, so it would hide
    the published failure of `half`.
    """
    if setup.optimizer is not adam or setup.weights_dtype != torch.float32:
        return setup
    return replace(setup, optimizer=partial(adam, fused=True))


def needs_bitsandbytes(setup: TrainingSetup) -> bool:
    """Return whether the setup uses a bitsandbytes optimizer."""
    return setup.optimizer in (adam_8bit, adam_8bit_stable)
