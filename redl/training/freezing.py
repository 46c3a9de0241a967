"""Freezing: all but a part of a network keeps its pretrained weights.

Frozen modules work as in evaluation: the running statistics of their batch norms are those of the pretrained
weights and stay so, and they drop nothing. So what is frozen is one fixed function of the image, and a batch
in pieces is the same training.
"""

from __future__ import annotations

from itertools import chain

from torch import nn

from redl.errors import ModelError
from redl.study.case import TrainedPart
from redl.training.lora import with_adapters

Parameters = list[nn.Parameter]


def training_only(model: nn.Module, part: TrainedPart) -> nn.Module:
    """Return the network with only a part left to train, which always has the classifier, because it is new.

    Raise ModelError for a network that has no such part.
    """
    match part:
        case TrainedPart.HEAD:
            _freeze_but(model, _classifier(model))
        case TrainedPart.LAST_BLOCK:
            _freeze_but(model, _last_block(model))
        case TrainedPart.LORA:
            classifier = _classifier(model)
            adapters = with_adapters(model)
            _freeze(model)
            _thaw([*classifier, *adapters])
            return model
    _evaluate_what_is_frozen(model)
    return model


def _classifier(model: nn.Module) -> Parameters:
    """Return the parameters of timm's classifiers; of a network that is not timm's, of its last layer."""
    if hasattr(model, "get_classifier"):
        found = model.get_classifier()  # type: ignore[operator] # timm's networks have it
        layers = found if isinstance(found, tuple) else (found,)
        return list(chain.from_iterable(layer.parameters() for layer in layers))
    held = [list(module.parameters(recurse=False)) for module in model.modules()]
    return [parameters for parameters in held if parameters][-1]


def _last_block(model: nn.Module) -> Parameters:
    """Return the parameters of the last block or stage, as timm groups them, and of what follows it."""
    if not hasattr(model, "group_matcher"):
        raise ModelError(
            f"{type(model).__name__}: its last block is not known; leave out lastblock, or give it timm's "
            "method group_matcher"
        )
    from timm.models import group_parameters

    groups = group_parameters(model, model.group_matcher(coarse=True), reverse=False)  # type: ignore[operator]
    named = dict(model.named_parameters())
    last = sorted(groups)[-2:]  # the last group is what follows the blocks
    return [named[name] for group in last for name in groups[group]]


def _freeze(model: nn.Module) -> None:
    model.requires_grad_(requires_grad=False)


def _thaw(parameters: Parameters) -> None:
    for parameter in parameters:
        parameter.requires_grad_()


def _freeze_but(model: nn.Module, trained: Parameters) -> None:
    _freeze(model)
    _thaw(trained)


def _evaluate_what_is_frozen(module: nn.Module) -> None:
    """Keep modules without trained parameters in evaluation, whatever mode the network is put into.

    Each module by itself: activation checkpointing calls those in a stage and not the stage.
    """
    for child in module.children():
        if any(parameter.requires_grad for parameter in child.parameters()):
            _evaluate_what_is_frozen(child)
        else:
            for frozen in child.modules():
                frozen.register_forward_pre_hook(_evaluate)


def _evaluate(module: nn.Module, _inputs: object) -> None:
    module.training = False
