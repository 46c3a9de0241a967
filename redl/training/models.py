"""Models: the networks of the study, each built in one place in sight."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import timm
from torch import nn

from redl.case import Model
from redl.errors import ModelError
from redl.profile import Pretraining
from redl.record import Pretrained
from redl.training.weights import checksum, find_file, hub_checksum, read_file, unloaded


def build(
    model: Model, *, pretraining: Pretraining, weights: Path | None = None
) -> tuple[nn.Module, Pretrained]:
    """Build a network (N, 1, H, W) -> (N, 1) logits, and tell which weights it really starts from.

    `weights` is a folder whose files, named like timm's networks, come before timm's hub. The input
    convolution is summed to one channel and the classifier is new. Raise ModelError for a file that cannot
    be used, and for weights that are required and cannot be had.
    """
    match model:
        case Model.DENSENET:
            return _timm("densenet121", pretraining, weights)


def parameter_count(module: nn.Module) -> int:
    """Count the trainable parameters."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


def _timm(name: str, pretraining: Pretraining, folder: Path | None) -> tuple[nn.Module, Pretrained]:
    file = None if folder is None else find_file(folder, name)
    if pretraining is Pretraining.NO:
        return _create(name), Pretrained(requested=False, loaded=False, source=None, sha256=None)
    if file is not None:
        return _from_file(name, file)
    return _from_hub(name, required=pretraining is Pretraining.REQUIRE)


def _from_file(name: str, file: Path) -> tuple[nn.Module, Pretrained]:
    weights = read_file(file)
    try:
        with unloaded() as names:
            module = _create(name, pretrained=True, pretrained_cfg_overlay={"state_dict": weights})
    except (RuntimeError, KeyError, AttributeError, ValueError) as error:
        raise _no_weights_of(name, file) from error
    if any(not missing.startswith(_classifiers(module)) for missing in names):
        raise _no_weights_of(name, file)
    return module, Pretrained(requested=True, loaded=True, source=file.name, sha256=checksum(file))


def _from_hub(name: str, *, required: bool) -> tuple[nn.Module, Pretrained]:
    try:
        module = _create(name, pretrained=True)
    except (OSError, RuntimeError) as error:
        if not required:
            return _create(name), Pretrained(requested=True, loaded=False, source=None, sha256=None)
        raise ModelError(
            f"ImageNet weights of {name} cannot be had ({type(error).__name__}): connect once so that timm "
            f"can store them in its hub cache, or put {name}.safetensors into a folder and name it by "
            "--redl-weights; --redl-pretrained=no trains from scratch"
        ) from error
    hub_id = timm.get_pretrained_cfg_value(name, "hf_hub_id")
    sha256 = None if hub_id is None else hub_checksum(hub_id)
    return module, Pretrained(requested=True, loaded=True, source=hub_id, sha256=sha256)


def _classifiers(module: nn.Module) -> tuple[str, ...]:
    """Return the names of the last layers, which are always new."""
    named = module.pretrained_cfg["classifier"]  # type: ignore[index] # timm's own
    return (named,) if isinstance(named, str) else tuple(named)


def _no_weights_of(name: str, file: Path) -> ModelError:
    return ModelError(f"{file.name}: these are not the weights of {name}; take its own")


def _create(name: str, **options: Any) -> nn.Module:  # noqa: ANN401 - timm's own
    module: nn.Module = timm.create_model(name, in_chans=1, num_classes=1, **options)
    return module
