"""LoRA: a frozen linear layer with a trained update of low rank (Hu et al. 2021, arXiv 2106.09685).

The update is `up @ down` of rank 8, its scale 1. `up` starts from zeros, so the network starts as it was.
"""

from __future__ import annotations

import re

import torch
from torch import nn

from redl.errors import ModelError

RANK = 8

# As timm names the linear layers of attention and of the perceptron beside it.
_ADAPTED = re.compile(r"(?:.*\.)?(?:attn\.(?:qkv|q|k|v|kv|proj)|mlp\.(?:fc1|fc2))")
_ATTENTION = re.compile(r"(?:.*\.)?attn\..+")


class Adapted(nn.Module):
    """A linear layer with an update of low rank."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.layer = layer
        self.down = nn.Linear(layer.in_features, RANK, bias=False)
        self.up = nn.Linear(RANK, layer.out_features, bias=False)
        nn.init.zeros_(self.up.weight)

    @property
    def weight(self) -> torch.Tensor:
        """Return the sum of both weights, which Swin V2 reads instead of calling the layer."""
        return self.layer.weight + self.up.weight @ self.down.weight

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Add the update to what the layer answers."""
        answers: torch.Tensor = self.layer(inputs) + self.up(self.down(inputs))
        return answers


def with_adapters(model: nn.Module) -> list[nn.Parameter]:
    """Adapt the linear layers of a transformer's attention and perceptrons; return the new parameters.

    Raise ModelError for a network without attention.
    """
    names = [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and _ADAPTED.fullmatch(name)
    ]
    if not any(map(_ATTENTION.fullmatch, names)):
        raise ModelError(
            f"{type(model).__name__}: lora is for transformers, and this network has no attention as timm "
            "names it; leave out lora"
        )
    adapters: list[nn.Parameter] = []
    for name in names:
        layer = model.get_submodule(name)
        assert isinstance(layer, nn.Linear), "it was found as one"
        adapted = Adapted(layer)
        model.set_submodule(name, adapted)
        adapters += [*adapted.down.parameters(), *adapted.up.parameters()]
    return adapters
