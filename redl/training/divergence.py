"""Divergence: whether training broke down, or left weights that tell nothing apart.

Accuracy does not show it: a network that answers NaN still scores the share of negatives, because `nan > 0`
is False, and one that answers the same for all images scores as the majority class does. Values that are not
finite count in whichever epoch they occur; what happens in steps is accumulated on the device and read once
per epoch, so that no step waits for it. Collapse and chance are judged by the weights that are kept: a
network that starts slowly, or is overfitted in the end, has good weights in between. The share of answers
above 0.5 says nothing of either, because a calibrated network of a rare disease answers below 0.5 throughout.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from redl.record import Divergence, DivergenceKind
from redl.training.chance import auc_interval
from redl.training.state_file import State

Finding = tuple[DivergenceKind, str]
Logits = NDArray[np.float32]

_WARM_UP = 1  # epochs in which a gradient scaler may search
_MOST_SKIPPED = 0.05  # share of an epoch's steps
_ONE_ANSWER = 0.995  # share of the images
_LEAST_SPREAD = 1e-3  # of the logits, as their standard deviation

# An interval of the AUC from below 0.5 to above this shows that the subjects are too few, not what the
# network is.
_USEFUL_AUC = 0.75
_LEAST_OF_A_CLASS = 10  # subjects; the bootstrap of fewer is too narrow


class DivergenceWatch:
    """A watch over the steps, the evaluations and the end of one training."""

    def __init__(self, device: torch.device, scaler: torch.amp.GradScaler) -> None:
        self._loss = torch.ones((), dtype=torch.bool, device=device)
        self._logits = torch.ones((), dtype=torch.bool, device=device)
        self._scaler = scaler
        self._scale: torch.Tensor | None = None
        self._skipped = torch.zeros((), device=device)
        self._steps = 0
        self._found: dict[int, list[Finding]] = {}

    def look(self, loss: torch.Tensor, logits: torch.Tensor) -> None:
        """Take in what one pass gave, without reading anything back from the device."""
        self._loss &= torch.isfinite(loss.detach())
        self._logits &= torch.isfinite(logits.detach()).all()

    def step(self) -> None:
        """Take in that a step was taken, after the scaler's update, without reading anything back."""
        self._steps += 1
        if self._scaler.is_enabled():
            # It is lowered if and only if the step was skipped; the public way to read it would wait.
            scale = self._scaler._scale  # noqa: SLF001
            assert scale is not None, "a step has been scaled"
            if self._scale is not None:
                self._skipped += scale < self._scale
            self._scale = scale.clone()

    def end_epoch(self, epoch: int, model: nn.Module, optimizer: torch.optim.Optimizer) -> bool:
        """Close an epoch's steps; return True if a parameter is not finite, from which nothing recovers."""
        state = [t for held in optimizer.state.values() for t in held.values() if isinstance(t, torch.Tensor)]
        parameters = _all_finite(model.parameters())
        finite = {
            "loss": bool(self._loss),
            "logits": bool(self._logits),
            "parameters": parameters,
            "optimizer state": _all_finite(state),
        }
        self._found[epoch] = [
            (DivergenceKind.HARD, f"{what} not finite in epoch {epoch}")
            for what, is_finite in finite.items()
            if not is_finite
        ]
        self._watch_scaler(epoch)
        self._loss.fill_(True)
        self._logits.fill_(True)
        self._skipped.zero_()
        self._steps = 0
        return not parameters

    def evaluate(self, epoch: int, logits: torch.Tensor) -> None:
        """Take in an epoch's validation logits (N, 1)."""
        self._found.setdefault(epoch, [])
        if not torch.isfinite(logits).all():
            self._find(epoch, DivergenceKind.HARD, f"validation logits not finite in epoch {epoch}")

    def finish(self, logits: torch.Tensor, labels: torch.Tensor, subjects: NDArray[np.int32]) -> Divergence:
        """Judge the validation logits (N, 1) of the weights that are kept, and return everything found."""
        last = max(self._found, default=0)
        for kind, text in _judged(
            logits.float().cpu().numpy().ravel(), labels.cpu().numpy().ravel(), subjects
        ):
            self._find(last, kind, text)
        flagged = [epoch for epoch, found in self._found.items() if found]
        kinds = [kind for found in self._found.values() for kind, _ in found]
        return Divergence(
            ever=bool(flagged),
            final=last in flagged,
            first_epoch=min(flagged, default=None),
            kinds=tuple(dict.fromkeys(kinds)),
            reasons=tuple(text for _, text in self._found[flagged[0]]) if flagged else (),
        )

    def state(self) -> State:
        """Return what was found so far, as plain values and a tensor, between two epochs."""
        found = [[epoch, [[str(kind), text] for kind, text in one]] for epoch, one in self._found.items()]
        return {"found": found, "scale": self._scale}

    def restore(self, state: State) -> None:
        """Go on from an earlier watch."""
        self._found = {
            epoch: [(DivergenceKind(kind), text) for kind, text in one] for epoch, one in state["found"]
        }
        self._scale = None if state["scale"] is None else state["scale"].to(self._loss.device)

    def _watch_scaler(self, epoch: int) -> None:
        if self._scale is None:
            return
        scale, skipped = self._scale.item(), self._skipped.item() / max(self._steps, 1)
        if scale < 1:
            text = f"gradients overflow unless scaled by {scale:.3g} in epoch {epoch}"
            self._find(epoch, DivergenceKind.SCALER, text)
        elif epoch > _WARM_UP and skipped > _MOST_SKIPPED:
            text = f"{skipped:.1%} of steps skipped by the gradient scaler in epoch {epoch}"
            self._find(epoch, DivergenceKind.SCALER, text)

    def _find(self, epoch: int, kind: DivergenceKind, text: str) -> None:
        self._found.setdefault(epoch, []).append((kind, text))


def _judged(logits: Logits, labels: Logits, subjects: NDArray[np.int32]) -> Iterator[Finding]:
    """Yield what is wrong with kept weights by their logits (N,), if there are any and all are finite."""
    if not len(logits) or not np.isfinite(logits).all():
        return
    _, counts = np.unique(logits, return_counts=True)
    if logits.std() < _LEAST_SPREAD or counts.max() >= _ONE_ANSWER * len(logits):
        yield DivergenceKind.COLLAPSE, "the kept weights give one answer for all images"
    of_a_class = [len(np.unique(subjects[labels == label])) for label in (0, 1)]
    interval = auc_interval(logits, labels, subjects) if min(of_a_class) >= _LEAST_OF_A_CLASS else None
    if interval is not None and interval.low <= 0.5 <= interval.high < _USEFUL_AUC:
        text = (
            f"validation AUC of {interval.auc:.2f} cannot be told from chance "
            f"({interval.low:.2f} to {interval.high:.2f})"
        )
        yield DivergenceKind.CHANCE, text


def _all_finite(tensors: Iterable[torch.Tensor]) -> bool:
    """Return whether every floating-point tensor is finite, with one read from each device."""
    extremes: defaultdict[torch.device, list[torch.Tensor]] = defaultdict(list)
    for tensor in tensors:
        if tensor.is_floating_point() and tensor.numel():
            # Both are NaN where any value is; several times as fast as a mask of the whole tensor.
            extremes[tensor.device].extend(torch.aminmax(tensor.detach()))
    return all(bool(torch.isfinite(torch.stack(ends)).all()) for ends in extremes.values())
