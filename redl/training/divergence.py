"""Divergence: whether training broke down, seen in the epoch in which it happens.

Accuracy cannot tell: a network that answers NaN still scores the share of negatives, for `nan > 0` is False.
Finiteness is accumulated on the device and read once an epoch, so that no step waits for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import nn

from redl.record import Divergence


class DivergenceWatch:
    """Watch losses, logits, parameters and optimizer state for values that are not finite."""

    def __init__(self, device: torch.device) -> None:
        self._loss = torch.ones((), dtype=torch.bool, device=device)
        self._logits = torch.ones((), dtype=torch.bool, device=device)
        self._reasons: dict[int, tuple[str, ...]] = {}

    def step(self, loss: torch.Tensor, logits: torch.Tensor) -> None:
        """Take in one step, without reading anything back from the device."""
        self._loss &= torch.isfinite(loss.detach())
        self._logits &= torch.isfinite(logits.detach()).all()

    def end_epoch(self, epoch: int, model: nn.Module, optimizer: torch.optim.Optimizer) -> bool:
        """Close an epoch; return True when a parameter is not finite, for which there is no way back."""
        state = [t for held in optimizer.state.values() for t in held.values() if isinstance(t, torch.Tensor)]
        parameters = _all_finite(model.parameters())
        finite = {
            "loss": bool(self._loss),
            "logits": bool(self._logits),
            "parameters": parameters,
            "optimizer state": _all_finite(state),
        }
        self._reasons[epoch] = tuple(
            f"{what} not finite in epoch {epoch}" for what, is_finite in finite.items() if not is_finite
        )
        self._loss.fill_(True)
        self._logits.fill_(True)
        return not parameters

    @property
    def verdict(self) -> Divergence:
        """Return what was seen so far."""
        flagged = [epoch for epoch, reasons in self._reasons.items() if reasons]
        last = max(self._reasons, default=None)
        return Divergence(
            ever=bool(flagged),
            final=last in flagged,
            first_epoch=min(flagged, default=None),
            reasons=self._reasons[flagged[0]] if flagged else (),
        )


def _all_finite(tensors: Iterable[torch.Tensor]) -> bool:
    """Tell whether every floating-point tensor is finite, with one read from each device."""
    extremes: defaultdict[torch.device, list[torch.Tensor]] = defaultdict(list)
    for tensor in tensors:
        if tensor.is_floating_point() and tensor.numel():
            # Both are NaN where any value is; several times as fast as a mask of the whole tensor.
            extremes[tensor.device].extend(torch.aminmax(tensor.detach()))
    return all(bool(torch.isfinite(torch.stack(ends)).all()) for ends in extremes.values())
