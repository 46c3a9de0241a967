"""Optimizers: Adam with ordinary state, or with bitsandbytes' 8-bit state (Dettmers et al. 2022)."""

from __future__ import annotations

import logging
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

# timm's are subclasses of torch's.
_NORMS = (nn.LayerNorm, nn.GroupNorm, nn.modules.batchnorm._BatchNorm)  # noqa: SLF001 - of all dimensions

# By name, because only models.py and networks.py import timm.
_EMBEDDINGS = frozenset({"Embedding", "PatchEmbed"})
_POSITIONS = ("pos_embed", "cls_token")


def adam(model: nn.Module, learning_rate: float, *, fused: bool = False) -> torch.optim.Optimizer:
    """Return Adam with eps 1e-8 and no weight decay, as published; `fused` runs it as one kernel."""
    return torch.optim.Adam(model.parameters(), lr=learning_rate, fused=fused or None)


def adam_8bit(model: nn.Module, learning_rate: float) -> torch.optim.Optimizer:
    """Return the same Adam with its state in 8 bits (Dettmers et al. 2022, arXiv 2110.02861)."""
    import_library(eight_bit=True)
    optimizer: torch.optim.Optimizer = _adam8bit()(model.parameters(), lr=learning_rate)
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


def state_width(optimizer: torch.optim.Optimizer) -> Callable[[nn.Parameter], int] | None:
    """Return a function from a parameter to the bits of its state; None for an unknown optimizer.

    torch's Adam keeps its state in the parameter's format.
    """
    if type(optimizer) is torch.optim.Adam:
        return lambda parameter: 8 * parameter.element_size()
    if "bitsandbytes" not in sys.modules or not isinstance(optimizer, _adam8bit()):
        return None
    narrow = {
        id(parameter)
        for group_index, group in enumerate(optimizer.param_groups)
        for index, parameter in enumerate(group["params"])
        if _is_narrow(optimizer.get_config(group_index, index, group), parameter)
    }
    return lambda parameter: 8 if id(parameter) in narrow else 32


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
        moment = state.get("exp_avg", state.get("state1"))
        if moment is not None:
            counts[str(torch.finfo(moment.dtype).bits if moment.is_floating_point() else 8)] += (
                parameter.numel()
            )
    return dict(sorted(counts.items()))


def _adam8bit() -> Any:  # noqa: ANN401 - bitsandbytes' own class
    from bitsandbytes.optim.adam import Adam8bit

    return Adam8bit


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
