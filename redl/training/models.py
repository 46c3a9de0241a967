"""Models: a network's module, built with the weights that it starts from."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import timm
from msgspec.structs import replace
from torch import nn

from redl.errors import ModelError
from redl.record import Pretrained
from redl.study.profile import Pretraining
from redl.training.networks import MLP, Network
from redl.training.weights import checksum, find_file, hub_checksum, load_file

_HIDDEN = 128  # units of the published MLP


def build(
    network: Network, *, image_size: int, pretraining: Pretraining, weights: Path | None = None
) -> tuple[nn.Module, Pretrained]:
    """Return a module (N, 1, H, W) -> (N, 1) logits, and which weights it really starts from.

    `weights` is a folder whose files, named like timm's networks, are tried before timm's hub. The input
    convolution is summed to one channel and the classifier is new. Raise ModelError for a file that cannot
    be used, for required weights that cannot be loaded, and for a network that cannot be built.
    """
    if not network.pretrainable:
        return _from_scratch(network, image_size, pretraining)
    file = None if weights is None else find_file(weights, network.name)
    if pretraining is Pretraining.NO:
        return _create(network), _NOT_ASKED_FOR
    if file is not None:
        return _from_file(network, file)
    if not timm.is_model_pretrained(network.name):
        return _without_published(network, pretraining)
    return _from_hub(network, required=pretraining is not Pretraining.TRY)


def parameter_count(module: nn.Module) -> int:
    """Count the parameters, frozen or not."""
    return sum(parameter.numel() for parameter in module.parameters())


def trained_count(module: nn.Module) -> int:
    """Count the parameters that are trained."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


def _from_scratch(
    network: Network, image_size: int, pretraining: Pretraining
) -> tuple[nn.Module, Pretrained]:
    """Build a network into which no weights can be loaded; raise ModelError if they are required."""
    if network.reduced and network.name != MLP and pretraining is Pretraining.REQUIRE:
        raise ModelError(
            f"{network.name} is reduced in this profile, so no pretrained weights fit it; use "
            "--redl-profile=paper or --redl-pretrained=no"
        )
    if network.build is not None:
        return _custom(network, image_size), _NOT_ASKED_FOR
    if network.name == MLP:
        return _mlp(image_size), _NOT_ASKED_FOR
    asked = pretraining is not Pretraining.NO
    return _create(network), replace(_NOT_ASKED_FOR, requested=asked)


def _without_published(network: Network, pretraining: Pretraining) -> tuple[nn.Module, Pretrained]:
    if pretraining is Pretraining.REQUIRE:
        raise ModelError(
            f"{network.name}: timm has no pretrained weights of it; put your own as "
            f"{network.name}.safetensors into a folder and name it with --redl-weights, or use "
            "--redl-pretrained=try to start from scratch"
        )
    return _create(network), Pretrained(requested=True, loaded=False, source=None, sha256=None)


def _mlp(image_size: int) -> nn.Module:
    """Build the published perceptron, 65536-128-1 for images of 256 pixels."""
    return nn.Sequential(
        nn.Flatten(), nn.Linear(image_size * image_size, _HIDDEN), nn.ReLU(), nn.Linear(_HIDDEN, 1)
    )


def _custom(network: Network, image_size: int) -> nn.Module:
    assert network.build is not None, "only a custom network comes here"
    module = network.build(image_size)
    if not isinstance(module, nn.Module):
        raise ModelError(
            f"model {network.name}: {network.build.name} returned no torch.nn.Module; return one"
        )
    return module


def _from_file(network: Network, file: Path) -> tuple[nn.Module, Pretrained]:
    module = load_file(file, network.name, partial(_create, network))
    return module, Pretrained(requested=True, loaded=True, source=file.name, sha256=checksum(file))


def _from_hub(network: Network, *, required: bool) -> tuple[nn.Module, Pretrained]:
    name = network.name
    try:
        module = _create(network, pretrained=True)
    except (OSError, RuntimeError) as error:
        if not required:
            return _create(network), Pretrained(requested=True, loaded=False, source=None, sha256=None)
        raise ModelError(
            f"ImageNet weights of {name} cannot be loaded ({type(error).__name__}): connect once, so that "
            f"timm can store them in its hub cache, or put {name}.safetensors into a folder and name it with "
            "--redl-weights; --redl-pretrained=no trains from scratch"
        ) from error
    hub_id = timm.get_pretrained_cfg_value(name, "hf_hub_id")
    sha256 = None if hub_id is None else hub_checksum(hub_id)
    return module, Pretrained(requested=True, loaded=True, source=hub_id, sha256=sha256)


def _create(network: Network, **options: Any) -> nn.Module:  # noqa: ANN401 - timm's own
    module: nn.Module = timm.create_model(
        network.name, in_chans=1, num_classes=1, **network.options, **options
    )
    return module


_NOT_ASKED_FOR = Pretrained(requested=False, loaded=False, source=None, sha256=None)
