"""A custom setting: a DenseNet whose layers lose half of their inner channels, and which is then fine-tuned.

Inside each layer of a DenseNet a 1x1 convolution makes 128 channels, which only the 3x3 convolution behind it
sees. They can be removed without a change anywhere else: the network has fewer weights and multiplies less,
where a mask of zeros would only pretend to.
"""

from typing import Any

import torch
from torch import nn

from redl.errors import ModelError
from redl.training.settings import TrainingSetup

KEPT = 0.5  # of the inner channels of each layer


def pruned(device: torch.device) -> TrainingSetup:  # noqa: ARG001 - the same everywhere
    """State what the setting does: prune, then train as the baseline does."""
    return TrainingSetup(change=prune)


def prune(model: nn.Module) -> nn.Module:
    """Remove the weakest inner channels of each layer of a DenseNet; raise ModelError for another network."""
    layers = [module for module in model.modules() if is_dense_layer(module)]
    if not layers:
        raise ModelError("pruned: only layers of a DenseNet can be pruned; choose it by -k densenet")
    for layer in layers:
        keep_channels(layer, strongest(layer))
    return model


def is_dense_layer(module: nn.Module) -> bool:
    """Return whether a module is one of timm's DenseNet layers."""
    return type(module).__name__ == "DenseLayer"


def strongest(layer: Any) -> torch.Tensor:  # noqa: ANN401 - timm's class is private
    """Return the inner channels to keep, in ascending order: those whose outgoing weights are largest.

    The criterion is the L1 norm (Li et al. 2017, arXiv 1608.08710), times the scale that the norm before the
    3x3 convolution gives a channel.
    """
    outgoing = layer.conv2.weight.abs().sum(dim=(0, 2, 3)) * layer.norm2.weight.abs()
    count = max(1, round(KEPT * len(outgoing)))
    return outgoing.topk(count).indices.sort().values


def keep_channels(layer: Any, channels: torch.Tensor) -> None:  # noqa: ANN401 - the same
    """Cut both convolutions and the norm between them down to these inner channels."""
    inner, norm, outer = layer.conv1, layer.norm2, layer.conv2
    inner.weight = nn.Parameter(inner.weight.detach()[channels])
    inner.out_channels = outer.in_channels = norm.num_features = len(channels)
    outer.weight = nn.Parameter(outer.weight.detach()[:, channels])
    for name in ("weight", "bias"):
        setattr(norm, name, nn.Parameter(getattr(norm, name).detach()[channels]))
    for name in ("running_mean", "running_var"):
        setattr(norm, name, getattr(norm, name)[channels])
