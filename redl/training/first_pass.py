"""The first pass of a network, and remedies for sizes and shapes that cannot work."""

from __future__ import annotations

import re
from pathlib import Path

import torch
from torch import nn

from redl.errors import ModelError
from redl.study.custom import CustomModel
from redl.study.profile import Profile
from redl.training.loop import predict
from redl.training.models import build
from redl.training.networks import network_of
from redl.training.precision import Precision
from redl.training.settings import TrainingSetup

_OF_SIZE = re.compile(r"\b(size|shapes)\b")


def try_model(model: str, custom: CustomModel | None, *, profile: Profile, weights: Path | None) -> None:
    """Build a model with the weights that it would start from, and pass two blank images through it.

    Raise RedlError if it could not be trained as the profile asks.
    """
    size, device = profile.image_size, torch.device("cpu")
    network = network_of(model, custom, image_size=size, reduced=profile.reduced)
    module, _ = build(network, image_size=size, pretraining=profile.pretraining, weights=weights)
    check_batch_size(network.name, module, profile.batch_size)
    blank = torch.zeros((2, 1, size, size), dtype=torch.uint8)
    first_pass(network.name, module, blank, precision=Precision.of(TrainingSetup(), device), batch_size=2)


def first_pass(
    name: str, model: nn.Module, images: torch.Tensor, *, precision: Precision, batch_size: int
) -> None:
    """Pass uint8 images (N, 1, H, W) through a model, which leaves it and the random stream as they were.

    Raise ModelError if the model cannot take images of this size, or returns anything but logits (N, 1).
    """
    try:
        logits = predict(model, images, precision=precision, batch_size=batch_size)
    except RuntimeError as error:
        if isinstance(error, torch.OutOfMemoryError) or not _OF_SIZE.search(str(error)):
            raise
        raise ModelError(
            f"model {name}: it cannot take images of {images.shape[-1]} pixels; choose another "
            f"--redl-image-size, usually a larger one ({str(error).splitlines()[0]})"
        ) from error
    if logits.shape != (len(images), 1):
        shape = ", ".join(map(str, ("N", *logits.shape[1:])))
        raise ModelError(f"model {name}: it returns the shape ({shape}); return one logit per image, (N, 1)")


def check_batch_size(name: str, model: nn.Module, batch_size: int) -> None:
    """Raise ModelError for batches of one image if the model has batch norm.

    The statistics of a single image say nothing about others; PyTorch even raises where each channel has only
    one value.
    """
    if batch_size == 1 and has_batch_norm(model):
        raise ModelError(
            f"model {name}: it has batch norm, which needs more than one image; use a --redl-batch-size, or "
            "pieces of it, of 2 or more"
        )


def has_batch_norm(model: nn.Module) -> bool:
    """Return whether a model normalises over its batches."""
    return any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in model.modules())  # noqa: SLF001 - of all dimensions
