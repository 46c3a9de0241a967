"""The approach: how a model trains under a setting on this machine, and its opening with meters running."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import torch
from torch import nn

from redl.errors import OptionError
from redl.execution.job import RunOptions
from redl.metering.memory import MemoryMeter
from redl.metering.meter import EnergyMeter
from redl.record import HERE, FastPath, Flags, Placement, Pretrained
from redl.study.custom import Function
from redl.study.profile import Profile
from redl.training import convolution
from redl.training.convolution import needs_widening
from redl.training.fast_path import fast_path_of
from redl.training.first_pass import check_batch_size
from redl.training.models import build
from redl.training.networks import Network, network_of
from redl.training.optimizers import import_library
from redl.training.precision import Precision, synchronize
from redl.training.settings import TrainingSetup, needs_bitsandbytes, setup_of, with_fused_adam


@dataclass(frozen=True, kw_only=True, slots=True)
class Approach:
    """How a model trains under a setting on this machine, whatever the images.

    `profile` has the sizes of the model, and `placement` says who else may use what it uses. `widened` says
    whether 16-bit convolutions run through the float32 kernel.
    """

    options: RunOptions
    profile: Profile
    device: torch.device
    network: Network
    fast_path: FastPath
    setup: TrainingSetup
    precision: Precision
    widened: bool
    placement: Placement = HERE

    @classmethod
    def decided(
        cls,
        model: str,
        setting: str,
        options: RunOptions,
        *,
        images_bytes: int,
        **more: Any,  # noqa: ANN401
    ) -> Self:
        """Decide how a model trains under a setting; `more` are fields that do not follow from these.

        Raise RedlError for a model or setting that cannot be used.
        """
        profile = options.profile.of(model)
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        network = network_of(
            model, options.custom_models.get(model), image_size=profile.image_size, reduced=profile.reduced
        )
        fast_path = fast_path_of(network, device, images_bytes=images_bytes, plain=options.plain)
        setup = _setup(setting, options, device)
        if fast_path.fused:
            setup = with_fused_adam(setup)
        precision = Precision.of(setup, device, channels_last=fast_path.channels_last)
        return cls(
            options=options,
            profile=profile,
            device=device,
            network=network,
            fast_path=fast_path,
            setup=setup,
            precision=precision,
            widened=needs_widening(precision.half_dtypes, device),
            **more,
        )

    @property
    def learning_rate(self) -> float:
        """Return the rate at which the setting's optimizer learns."""
        return self.setup.rate * self.profile.learning_rate


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenModel:
    """A model on its device, in its format, and the meters that were started before it was built."""

    model: nn.Module
    pretrained: Pretrained
    flags: Flags
    energy: EnergyMeter
    memory: MemoryMeter


@contextmanager
def open_model(plan: Approach, *, seed: int) -> Iterator[OpenModel]:
    """Yield the model of an approach, built after libraries were imported and meters started."""
    flags = set_flags(tf32=plan.options.tf32)
    import_library(eight_bit=needs_bitsandbytes(plan.setup))
    with convolution.widened(needed=plan.widened), energy_meter(plan) as energy:
        memory = MemoryMeter(plan.device)
        torch.manual_seed(seed)
        module, pretrained = build(
            plan.network,
            image_size=plan.profile.image_size,
            pretraining=plan.profile.pretraining,
            weights=plan.options.weights,
        )
        check_batch_size(plan.network.name, module, plan.setup.micro_batch or plan.profile.batch_size)
        model = plan.precision.place(plan.setup.prepare(module))
        yield OpenModel(model=model, pretrained=pretrained, flags=flags, energy=energy, memory=memory)


def energy_meter(plan: Approach) -> EnergyMeter:
    """Return a meter of the energy of what an approach uses."""
    on_cuda = plan.device.type == "cuda"
    gpus = [str(torch.cuda.get_device_properties(plan.device).uuid)] if on_cuda else []
    return EnergyMeter(
        gpus,
        plan.options.assumptions,
        placement=plan.placement,
        synchronize=partial(synchronize, plan.device),
    )


def set_flags(*, tf32: bool = False) -> Flags:
    """Set the numerical switches explicitly: full float32, and kernels chosen the same way every time."""
    precision = "tf32" if tf32 else "ieee"
    torch.backends.cuda.matmul.fp32_precision = precision
    torch.backends.cudnn.conv.fp32_precision = precision  # type: ignore[attr-defined] # set up at import
    torch.backends.cudnn.rnn.fp32_precision = precision  # type: ignore[attr-defined] # set up at import
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    return Flags(tf32=tf32, cudnn_benchmark=False, deterministic=True)


def _setup(name: str, options: RunOptions, device: torch.device) -> TrainingSetup:
    """Return what a setting does; raise OptionError if a custom one does not say so."""
    custom = options.custom_settings.get(name)
    if custom is None:
        half = None if options.half_dtype is None else getattr(torch, options.half_dtype)
        return setup_of(name, device, half)
    function = custom.configure
    assert isinstance(function, Function), "a declared function is kept as its place"
    setup = function(device)
    if not isinstance(setup, TrainingSetup):
        raise OptionError(f"setting {name}: {function.name} returned no TrainingSetup; return one")
    return setup
