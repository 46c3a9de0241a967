"""The fast path: what is done for speed on a GPU, the same for all settings, so that no single one gains.

It changes only how results are computed, not what; it can be turned off to see what it gains.
"""

from __future__ import annotations

import torch

from redl.record import FastPath
from redl.training.networks import Network

_SHARE = 0.25  # of the free memory of a device; training needs the rest


def fast_path_of(network: Network, device: torch.device, *, images_bytes: int, plain: bool) -> FastPath:
    """Return what is done for speed on a device; `images_bytes` is the size of all images, as uint8.

    Images stay on the device if they fit. Convolutional networks get the memory format of tensor cores;
    transformers have only one convolution, which gains nothing. On a CPU the images are in its memory anyway,
    and neither of the others pays off.
    """
    if device.type != "cuda":
        return FastPath(resident=True, channels_last=False, fused=False)
    if plain:
        return FastPath(resident=False, channels_last=False, fused=False)
    free, _ = torch.cuda.mem_get_info(device)
    return FastPath(resident=images_bytes <= _SHARE * free, channels_last=not network.fixed_size, fused=True)
