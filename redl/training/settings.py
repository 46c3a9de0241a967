"""Settings: what each does to training, all in one place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import nn

from redl.study.case import Setting, TrainedPart
from redl.study.technique import Composition, OtherOptimizer, compose
from redl.training.freezing import training_only
from redl.training.optimizers import adafactor, adam, adam_8bit, adam_8bit_stable, lion_8bit, sgd_8bit
from redl.training.recomputing import recomputing

MakeOptimizer = Callable[[nn.Module, float], torch.optim.Optimizer]


def _unchanged(model: nn.Module) -> nn.Module:
    return model


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingSetup:
    """What a setting does to training.

    A batch goes through the network in pieces of `micro_batch` images, whose gradients are added; None for
    whole batches. `optimizer` makes an optimizer from the model, which is on its device and in its format,
    and the learning rate, which is the profile's times `rate`. `change` takes the float32 model on the CPU
    and returns the model to train. Then all but `trained` is frozen, if it is given; with `recomputing`,
    activations are computed again in the backward pass.

        TrainingSetup(optimizer=lambda model, rate: torch.optim.SGD(model.parameters(), rate))
    """

    weights_dtype: torch.dtype = torch.float32
    autocast_dtype: torch.dtype | None = None
    optimizer: MakeOptimizer = adam
    rate: float = 1.0
    change: Callable[[nn.Module], nn.Module] = _unchanged
    trained: TrainedPart | None = None
    recomputing: bool = False
    micro_batch: int | None = None

    def prepare(self, model: nn.Module) -> nn.Module:
        """Return the model to train; raise ModelError for one to which this cannot be done."""
        changed = self.change(model)
        if self.trained is not None:
            changed = training_only(changed, self.trained)
        return recomputing(changed) if self.recomputing else changed


def setup_of(setting: str, device: torch.device, half_dtype: torch.dtype | None = None) -> TrainingSetup:
    """Return what a setting of the study does, with any techniques that its name adds.

    16 bits are float16 on CUDA and bfloat16 on a CPU; `half_dtype` overrides the format of 16-bit weights if
    the setting does not name it. Raise OptionError for an unknown name.
    """
    composition = compose(setting)
    base = _base(composition.setting, device, half_dtype)
    return replace(
        base,
        optimizer=_optimizer(composition.optimizer) or base.optimizer,
        rate=_rate(composition),
        trained=composition.trained,
        recomputing=composition.recomputing,
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


def _optimizer(optimizer: OtherOptimizer | None) -> MakeOptimizer | None:
    match optimizer:
        case None:
            return None
        case OtherOptimizer.LION_8BIT:
            return lion_8bit
        case OtherOptimizer.ADAFACTOR:
            return adafactor
        case OtherOptimizer.SGD_8BIT:
            return sgd_8bit


def _rate(composition: Composition) -> float:
    """Return by what the profile's learning rate, which is for Adam and a whole network, is multiplied.

    Lion's is 3 to 10 times smaller than Adam's (Chen et al. 2023, arXiv 2302.06675, section 5). SGD's usual
    0.1 (He et al. 2016, arXiv 1512.03385) is 100 times Adam's (Kingma and Ba 2015, arXiv 1412.6980); its
    steps grow with the gradient, so they need no other factor. A new classifier alone learns at 10 times the
    rate of pretrained layers (Long et al. 2015, arXiv 1502.02791), and LoRA at 10 times that of
    full fine-tuning (Schulman et al. 2025, "LoRA Without Regret").
    """
    if composition.optimizer is OtherOptimizer.SGD_8BIT:
        return 100.0
    of_optimizer = 0.2 if composition.optimizer is OtherOptimizer.LION_8BIT else 1.0
    return of_optimizer * (10.0 if composition.trained in {TrainedPart.HEAD, TrainedPart.LORA} else 1.0)


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
    return setup.optimizer in (adam_8bit, adam_8bit_stable, lion_8bit, sgd_8bit)
