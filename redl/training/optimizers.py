"""Optimizers: Adam with ordinary state, or with bitsandbytes' 8-bit state (Dettmers et al. 2022)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import torch


def adam(
    parameters: Iterable[torch.nn.Parameter], *, learning_rate: float, eight_bit: bool
) -> torch.optim.Optimizer:
    """Build Adam with eps 1e-8 and no weight decay, as published."""
    if not eight_bit:
        return torch.optim.Adam(parameters, lr=learning_rate)
    from bitsandbytes.optim.adam import Adam8bit  # only 8-bit settings pay for the import

    optimizer: torch.optim.Optimizer = Adam8bit(parameters, lr=learning_rate)
    return optimizer


def import_library(*, eight_bit: bool) -> None:
    """Import what `adam` will need, so that its size is not taken for the setting's memory."""
    if eight_bit:
        import bitsandbytes  # noqa: F401


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
