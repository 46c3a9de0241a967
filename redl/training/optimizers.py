"""Optimizers: Adam with ordinary state, or with bitsandbytes' 8-bit state (Dettmers et al. 2022)."""

from __future__ import annotations

import logging
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch


def adam(
    parameters: Iterable[torch.nn.Parameter], *, learning_rate: float, eight_bit: bool
) -> torch.optim.Optimizer:
    """Build Adam with eps 1e-8 and no weight decay, as published."""
    if not eight_bit:
        return torch.optim.Adam(parameters, lr=learning_rate)
    import_library(eight_bit=True)
    from bitsandbytes.optim.adam import Adam8bit

    optimizer: torch.optim.Optimizer = Adam8bit(parameters, lr=learning_rate)
    return optimizer


def import_library(*, eight_bit: bool) -> None:
    """Import what `adam` will need, so that its size is not taken for the setting's memory."""
    if eight_bit:
        with _without_hub():
            import bitsandbytes  # noqa: F401 - only 8-bit settings pay for it


def state_bits(optimizer: torch.optim.Optimizer) -> dict[str, int]:
    """Count parameters by the width in bits that their state really has; known after the first step.

    bitsandbytes keeps 32-bit state for tensors under 4096 elements, so `{"8": n}` alone is never the whole.
    """
    counts: Counter[str] = Counter()
    for parameter, state in optimizer.state.items():
        moment = state.get("exp_avg", state.get("state1"))
        if moment is not None:
            counts[str(torch.finfo(moment.dtype).bits if moment.is_floating_point() else 8)] += (
                parameter.numel()
            )
    return dict(sorted(counts.items()))


@contextmanager
def _without_hub() -> Iterator[None]:
    """Keep bitsandbytes from asking a model hub for a 4-bit kernel, which Adam has no use for.

    It does so when it is imported on a CPU with AVX512-BF16, by the package `kernels`, and warns without it.
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
