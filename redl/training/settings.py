"""Settings: what each does to training, all in one place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import nn

from redl.study.case import Setting
from redl.training.optimizers import adam, adam_8bit, adam_8bit_stable

MakeOptimizer = Callable[[nn.Module, float], torch.optim.Optimizer]


def _unchanged(model: nn.Module) -> nn.Module:
    return model


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingSetup:
    """What a setting does to training.

    `optimizer` makes an optimizer from the model, which is on its device and in its format, and the learning
    rate. `change` takes the float32 model on the CPU and returns the model to train.

        TrainingSetup(optimizer=lambda model, rate: torch.optim.SGD(model.parameters(), rate))
    """

    weights_dtype: torch.dtype = torch.float32
    autocast_dtype: torch.dtype | None = None
    optimizer: MakeOptimizer = adam
    change: Callable[[nn.Module], nn.Module] = _unchanged


def setup_of(setting: str, device: torch.device, half_dtype: torch.dtype | None = None) -> TrainingSetup:
    """Return what a setting of the study does; 16 bits are float16 on CUDA and bfloat16 on a CPU.

    `half_dtype` overrides the format of 16-bit weights if the setting does not name it.
    """
    native = torch.float16 if device.type == "cuda" else torch.bfloat16
    half = half_dtype or native
    match Setting(setting):
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
