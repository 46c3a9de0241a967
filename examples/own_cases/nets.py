"""A custom network: a small convolutional one for images of any size."""

from torch import nn


def small_net(image_size: int) -> nn.Module:  # noqa: ARG001 - it takes every size
    """Build a network (N, 1, H, W) -> (N, 1) logits."""
    return nn.Sequential(
        nn.Conv2d(1, 8, kernel_size=3, stride=2),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 1),
    )
