"""The fast path: what is done for speed on a GPU, the same for all settings, so that none gains by it alone.

None of it changes what is computed, only how; all of it can be turned off to see what it gains.
"""

from __future__ import annotations

import torch

from redl.record import FastPath
from redl.training.networks import Network

_SHARE = 0.25  # of the free memory of a device; the rest is the training's


def fast_path_of(network: Network, device: torch.device, *, images_bytes: int, plain: bool) -> FastPath:
    """Choose how a case goes fast on a device; `images_bytes` is what all its images take, as uint8.

    Images stay on the device where they fit. Convolutional networks get the memory format of tensor cores;
    transformers have one convolution, which gains nothing. On a CPU images are in its memory anyway, and
    neither of the others pays.
    """
    if device.type != "cuda":
        return FastPath(resident=True, channels_last=False, fused=False)
    if plain:
        return FastPath(resident=False, channels_last=False, fused=False)
    free, _ = torch.cuda.mem_get_info(device)
    return FastPath(resident=images_bytes <= _SHARE * free, channels_last=not network.fixed_size, fused=True)
