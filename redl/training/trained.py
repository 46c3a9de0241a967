"""Trained weights as a file, by which a network leaves the process that trained it."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn


def trained_file(folder: Path, network: str) -> Path:
    """Return where the weights of a network lie; `--redl-weights` finds them in such a folder too."""
    return folder / f"{network}.safetensors"


def save_trained(model: nn.Module, folder: Path, network: str) -> Path:
    """Write a model's weights and running statistics, in their own formats, and return the file."""
    # Copies, because a file cannot hold one tensor under two names.
    tensors = {
        name: tensor.detach().to("cpu", memory_format=torch.contiguous_format, copy=True)
        for name, tensor in model.state_dict().items()
    }
    folder.mkdir(parents=True, exist_ok=True)
    file = trained_file(folder, network)
    save_file(tensors, file)
    return file


def load_trained(model: nn.Module, file: Path) -> None:
    """Load what `save_trained` wrote into a model of the same structure, in the model's own formats."""
    model.load_state_dict(load_file(file))
