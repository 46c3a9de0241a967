"""Downsampling: averaged images, as Selvan, Schoen and Dam (2023) trade data quality for resources."""

from __future__ import annotations

import torch
from torch.nn.functional import avg_pool2d, interpolate

_AT_ONCE = 256  # images, because averages are taken in float32


def downsampled(images: torch.Tensor, *, downsample: int, input_size: int) -> torch.Tensor:
    """Average squares of `downsample` pixels of uint8 images (N, 1, H, W), then enlarge to `input_size`.

    Averages are rounded to uint8 again, as the images themselves were, so that they take less memory to
    match. Enlarging repeats pixels, for a network that takes no smaller images.
    """
    if downsample == 1:
        return images
    averages = [
        avg_pool2d(some.float(), downsample).round_().to(torch.uint8) for some in images.split(_AT_ONCE)
    ]
    small = torch.cat(averages)
    if small.shape[-1] == input_size:
        return small
    return interpolate(small, size=(input_size, input_size), mode="nearest-exact")
