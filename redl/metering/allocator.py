"""A GPU's allocator that is held to a cap, as if the card were that small."""

from __future__ import annotations

import torch

from redl.errors import OptionError
from redl.metering.memory import process_bytes


def hold_to(cap_bytes: int, device: torch.device) -> None:
    """Let this process take no more of a GPU than a card of `cap_bytes` would leave to its allocator.

    What lies outside of the allocator, the context and the kernels, is taken off, as the driver counts it
    now; where it does not tell, nothing is. Raise OptionError if the cap leaves the allocator nothing.
    """
    counted, _ = process_bytes(device)
    outside = 0 if counted is None else counted - torch.cuda.memory_reserved(device)
    total = torch.cuda.get_device_properties(device).total_memory
    if outside >= cap_bytes:
        raise OptionError(
            f"a cap of {cap_bytes / 1e6:.0f} MB leaves a GPU's allocator nothing: the driver counts "
            f"{outside / 1e6:.0f} MB outside of it; give a larger one"
        )
    torch.cuda.set_per_process_memory_fraction(min(1.0, (cap_bytes - outside) / total))
