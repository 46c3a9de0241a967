"""Optimizers: Adam, and those that keep less state: 8 bits (Dettmers et al. 2022), one moment, factors."""

from __future__ import annotations

import logging
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import nn

# timm's are subclasses of torch's.
_NORMS = (nn.LayerNorm, nn.GroupNorm, nn.modules.batchnorm._BatchNorm)  # noqa: SLF001 - of all dimensions

# By name, because timm's are imported only with the networks.
_EMBEDDINGS = frozenset({"Embedding", "PatchEmbed"})
_POSITIONS = ("pos_embed", "cls_token")


# What optimizers call the first tensor of a parameter's state: torch, bitsandbytes, and timm's Adafactor.
_MOMENTS = ("exp_avg", "state1", "exp_avg_sq", "exp_avg_sq_row")


def adam(model: nn.Module, learning_rate: float, *, fused: bool = False) -> torch.optim.Optimizer:
    """Return Adam with eps 1e-8 and no weight decay, as published; `fused` runs it as one kernel."""
    return torch.optim.Adam(model.parameters(), lr=learning_rate, fused=fused or None)


def adam_8bit(model: nn.Module, learning_rate: float) -> torch.optim.Optimizer:
    """Return the same Adam with its state in 8 bits (Dettmers et al. 2022, arXiv 2110.02861)."""
    import_library(eight_bit=True)
    from bitsandbytes.optim.adam import Adam8bit

    optimizer: torch.optim.Optimizer = Adam8bit(model.parameters(), lr=learning_rate)
    return optimizer


def adam_8bit_stable(model: nn.Module, learning_rate: float) -> torch.optim.Optimizer:
    """Return 8-bit Adam whose state of embeddings and norms stays in 32 bits.

    This is the state of a stable embedding layer (Dettmers et al. 2022, section 2.3), set by an override of
    bitsandbytes.
    """
    optimizer: Any = adam_8bit(model, learning_rate)
    # A separate manager: the shared one would keep these parameters' ids, which later ones may reuse.
    optimizer.mng = object.__new__(type(optimizer.mng))
    optimizer.mng.initialize()
    optimizer.mng.override_config(list(_embeddings_and_norms(model)), "optim_bits", 32)
    return optimizer  # type: ignore[no-any-return]


def lion_8bit(model: nn.Module, learning_rate: float) -> torch.optim.Optimizer:
    """Return Lion without weight decay, its one moment in 8 bits (Chen et al. 2023, arXiv 2302.06675)."""
    import_library(eight_bit=True)
    from bitsandbytes.optim.lion import Lion8bit

    optimizer: torch.optim.Optimizer = Lion8bit(model.parameters(), lr=learning_rate, betas=(0.9, 0.99))
    return optimizer


def sgd_8bit(model: nn.Module, learning_rate: float) -> torch.optim.Optimizer:
    """Return SGD with a momentum of 0.9, which is kept in 8 bits, and without weight decay."""
    import_library(eight_bit=True)
    from bitsandbytes.optim.sgd import SGD8bit

    optimizer: torch.optim.Optimizer = SGD8bit(model.parameters(), lr=learning_rate, momentum=0.9)
    return optimizer


def adafactor(model: nn.Module, learning_rate: float) -> torch.optim.Optimizer:
    """Return Adafactor, whose second moment is a row and a column (Shazeer and Stern 2018, arXiv 1804.04235).

    It is timm's: torch's factors the last two dimensions, which of a convolution are its few pixels, so its
    state of DenseNet-121 is larger than the network. Settings are the paper's (clipping at 1, decay of
    t^-0.8, no first moment), but the learning rate is given as Adam's is: it is neither relative to the
    weights nor to the step.
    """
    from timm.optim.adafactor import Adafactor

    return Adafactor(model.parameters(), lr=learning_rate, scale_parameter=False)


def state_width(optimizer: torch.optim.Optimizer) -> Callable[[nn.Parameter], int] | None:
    """Return a function from a parameter to the bits of its state; None for an unknown optimizer.

    torch's Adam keeps its state in the parameter's format, timm's Adafactor in 32 bits.
    """
    if type(optimizer) is torch.optim.Adam:
        return lambda parameter: 8 * parameter.element_size()
    if _is_adafactor(optimizer):
        return lambda _: 32
    if not (_has_one_moment(optimizer) or _is_of_bitsandbytes(optimizer, "Adam8bit")):
        return None
    eight_bit: Any = optimizer
    narrow = {
        id(parameter)
        for group_index, group in enumerate(eight_bit.param_groups)
        for index, parameter in enumerate(group["params"])
        if _is_narrow(eight_bit.get_config(group_index, index, group), parameter)
    }
    return lambda parameter: 8 if id(parameter) in narrow else 32


def state_elements(optimizer: torch.optim.Optimizer) -> Callable[[nn.Parameter], int]:
    """Return a function from a parameter to the number of elements of its state: Adam's two moments or less.

    Scales of 8-bit state are not counted, nor the one number a tensor that Adafactor keeps beside it.
    """
    if _is_adafactor(optimizer):
        return partial(_factored, optimizer)
    moments = 1 if _has_one_moment(optimizer) else 2
    return lambda parameter: moments * parameter.numel()


def import_library(*, eight_bit: bool) -> None:
    """Import what the optimizer will need, so that its size is not taken for the setting's memory."""
    if eight_bit:
        with _without_hub():
            import bitsandbytes  # noqa: F401 - only 8-bit settings pay for it


def state_bits(optimizer: torch.optim.Optimizer) -> dict[str, int]:
    """Count parameters by the width in bits that their state really has, known after the first step.

    bitsandbytes keeps 32-bit state for tensors under 4096 elements, so `{"8": n}` is never everything.
    """
    counts: Counter[str] = Counter()
    for parameter, state in optimizer.state.items():
        moment = next((state[name] for name in _MOMENTS if name in state), None)
        if moment is not None:
            counts[str(torch.finfo(moment.dtype).bits if moment.is_floating_point() else 8)] += (
                parameter.numel()
            )
    return dict(sorted(counts.items()))


def _is_of_bitsandbytes(optimizer: torch.optim.Optimizer, *names: str) -> bool:
    """Return whether an optimizer is one of bitsandbytes', without an import for those that are not."""
    kinds = type(optimizer).__mro__
    return any(kind.__module__.startswith("bitsandbytes.") and kind.__name__ in names for kind in kinds)


def _has_one_moment(optimizer: torch.optim.Optimizer) -> bool:
    return _is_of_bitsandbytes(optimizer, "Lion8bit", "SGD8bit")


def _is_adafactor(optimizer: torch.optim.Optimizer) -> bool:
    kind = type(optimizer)
    return (kind.__module__, kind.__name__) == ("timm.optim.adafactor", "Adafactor")


def _factored(optimizer: Any, parameter: nn.Parameter) -> int:  # noqa: ANN401 - timm's Adafactor
    """Return how many elements a row and a column have, or the whole moment where that is not factored."""
    shape, count = parameter.shape, parameter.numel()
    dims, _ = optimizer._get_options({"beta1": None}, shape, optimizer.defaults["min_dim_size_to_factor"])  # noqa: SLF001 - timm has no public way to ask
    return count if dims is None else sum(count // shape[dim] for dim in dims)


def _is_narrow(config: dict[str, Any], parameter: nn.Parameter) -> bool:
    return bool(config["optim_bits"] == 8) and parameter.numel() >= config["min_8bit_size"]


def _embeddings_and_norms(model: nn.Module) -> Iterator[nn.Parameter]:
    """Yield the parameters of embeddings (of tokens, patches and positions) and of normalisations."""
    for module in model.modules():
        if isinstance(module, _NORMS) or type(module).__name__ in _EMBEDDINGS:
            yield from module.parameters()
    yield from (parameter for name, parameter in model.named_parameters() if name.endswith(_POSITIONS))


@contextmanager
def _without_hub() -> Iterator[None]:
    """Keep bitsandbytes from asking a model hub for a 4-bit kernel, which Adam does not use.

    It asks through the package `kernels` when it is imported on a CPU with AVX512-BF16, and warns without it.
    """
    logger = logging.getLogger("bitsandbytes.backends.cpu.ops")
    kernels, level = sys.modules.get("kernels"), logger.level
    sys.modules["kernels"] = None  # type: ignore[assignment] # importing it now raises ImportError
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
        sys.modules.pop("kernels")
        if kernels is not None:
            sys.modules["kernels"] = kernels
