"""Models: the networks of the study, each built in one place in sight."""

from __future__ import annotations

import timm
from torch import nn

from redl.case import Model
from redl.errors import ModelError
from redl.record import Pretrained


def build(model: Model, *, pretrained: bool) -> tuple[nn.Module, Pretrained]:
    """Build a network (N, 1, H, W) -> (N, 1) logits; raise ModelError where weights cannot be had."""
    match model:
        case Model.DENSENET:
            return _timm("densenet121", pretrained=pretrained)


def _timm(name: str, *, pretrained: bool) -> tuple[nn.Module, Pretrained]:
    try:
        module: nn.Module = timm.create_model(name, pretrained=pretrained, in_chans=1, num_classes=1)
    except (OSError, RuntimeError) as error:
        raise ModelError(
            f"ImageNet weights of {name} cannot be had ({type(error).__name__}): connect once so that timm "
            "can store them in its hub cache, or take the smoke profile, which trains from scratch"
        ) from error
    source = timm.get_pretrained_cfg_value(name, "hf_hub_id") if pretrained else None
    return module, Pretrained(requested=pretrained, loaded=pretrained, source=source, sha256=None)


def parameter_count(module: nn.Module) -> int:
    """Count the trainable parameters."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)
