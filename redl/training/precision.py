"""Precision: the number formats in which a setting keeps weights and computes the forward pass."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Self

import torch
from torch import nn

from redl.training.settings import TrainingSetup


@dataclass(frozen=True, kw_only=True, slots=True)
class Precision:
    """The number formats of one run on one device, and the memory format of its images."""

    device: torch.device
    weights_dtype: torch.dtype
    autocast_dtype: torch.dtype | None
    grad_scaler: bool
    memory_format: torch.memory_format

    @classmethod
    def of(cls, setup: TrainingSetup, device: torch.device, *, channels_last: bool = False) -> Self:
        """Return the precision that a setup states."""
        return cls(
            device=device,
            weights_dtype=setup.weights_dtype,
            autocast_dtype=setup.autocast_dtype,
            # bfloat16 has float32's range, so only float16 gradients need scaling.
            grad_scaler=setup.autocast_dtype is torch.float16,
            memory_format=torch.channels_last if channels_last else torch.contiguous_format,
        )

    def place(self, model: nn.Module) -> nn.Module:
        """Move a model to the device, in the weights' format."""
        if self.memory_format is torch.contiguous_format:
            return model.to(self.device, self.weights_dtype)
        return model.to(self.device, self.weights_dtype, memory_format=self.memory_format)  # type: ignore[call-overload, no-any-return] # torch's stubs lack it

    def autocast(self) -> AbstractContextManager[object]:
        """Return the context of the forward pass."""
        if self.autocast_dtype is None:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=self.autocast_dtype)

    def inputs(self, images: torch.Tensor) -> torch.Tensor:
        """Scale uint8 images (N, 1, H, W), on the device or not, to [0, 1] in the weights' format there."""
        there = images.to(self.device, non_blocking=True)
        scaled = there.to(torch.float32, memory_format=self.memory_format).div_(255)
        return scaled.to(self.weights_dtype)

    @property
    def half_dtypes(self) -> set[torch.dtype]:
        """Return the 16-bit formats that convolutions will meet."""
        used = (self.weights_dtype, self.autocast_dtype)
        return {dtype for dtype in used if dtype in (torch.float16, torch.bfloat16)}


def synchronize(device: torch.device) -> None:
    """Wait for a device's queued work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
