"""Precision: in which number formats a setting keeps weights and computes the forward pass."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch

from redl.case import Setting


@dataclass(frozen=True, kw_only=True, slots=True)
class Precision:
    """Hold the number formats of one run on one device."""

    device: torch.device
    weights_dtype: torch.dtype
    autocast_dtype: torch.dtype | None
    grad_scaler: bool

    def autocast(self) -> AbstractContextManager[object]:
        """Return the context of the forward pass."""
        if self.autocast_dtype is None:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=self.autocast_dtype)

    def inputs(self, images: torch.Tensor) -> torch.Tensor:
        """Scale uint8 images (N, 1, H, W) to [0, 1] in the weights' format."""
        return images.to(torch.float32).div_(255).to(self.weights_dtype)

    @property
    def half_dtypes(self) -> set[torch.dtype]:
        """Return the 16-bit formats that convolutions will meet."""
        used = (self.weights_dtype, self.autocast_dtype)
        return {dtype for dtype in used if dtype in (torch.float16, torch.bfloat16)}


def precision_of(setting: Setting, device: torch.device, half_dtype: torch.dtype | None = None) -> Precision:
    """Choose a setting's formats: float16 on CUDA, bfloat16 on CPU; `half_dtype` overrides the weights'."""
    native = torch.float16 if device.type == "cuda" else torch.bfloat16
    autocast_dtype = native if setting.autocast else None
    return Precision(
        device=device,
        weights_dtype=(half_dtype or native) if setting.half else torch.float32,
        autocast_dtype=autocast_dtype,
        # bfloat16 has float32's range, so only float16 gradients need scaling.
        grad_scaler=autocast_dtype is torch.float16,
    )
