"""A custom setting: SGD, which keeps one moment, on a network whose norms are frozen."""

import torch
from torch import nn

from redl.training.settings import TrainingSetup


def frugal(device: torch.device) -> TrainingSetup:  # noqa: ARG001 - the same everywhere
    """State what the setting does."""
    return TrainingSetup(optimizer=sgd, change=freeze_norms)


def sgd(model: nn.Module, learning_rate: float) -> torch.optim.Optimizer:
    """Build SGD with momentum over what is not frozen."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return torch.optim.SGD(trained, lr=10 * learning_rate, momentum=0.9)


def freeze_norms(model: nn.Module) -> nn.Module:
    """Freeze scale and shift of every batch norm."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.requires_grad_(requires_grad=False)
    return model
