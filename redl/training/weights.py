"""Pretrained weights from your own file or from timm's hub cache, and what was really loaded."""

from __future__ import annotations

import hashlib
import pickle
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import try_to_load_from_cache
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from redl.errors import ModelError

Weights = dict[str, torch.Tensor]

_SUFFIXES = (".safetensors", ".pth", ".pt", ".bin")
_HUB_FILES = ("model.safetensors", "pytorch_model.bin")


def find_file(folder: Path, name: str) -> Path | None:
    """Return a network's file in a folder, e.g. `densenet121.safetensors`; None if it has no such file."""
    candidates = (folder / f"{name}{suffix}" for suffix in _SUFFIXES)
    return next((path for path in candidates if path.is_file()), None)


def read_file(path: Path) -> Weights:
    """Read a state dict, from a torch file only tensors; raise ModelError for any other content."""
    try:
        found = _read(path)
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, ValueError, OSError) as error:
        raise ModelError(
            f"{path.name}: no weights can be read from it ({type(error).__name__}); save a state dict, "
            "preferably as safetensors"
        ) from error
    weights = found.get("state_dict", found) if isinstance(found, dict) else None
    if not isinstance(weights, dict) or not all(isinstance(one, torch.Tensor) for one in weights.values()):
        raise ModelError(f"{path.name}: not a state dict, tensors by their names; save `model.state_dict()`")
    return weights


@contextmanager
def unloaded() -> Iterator[list[str]]:
    """Collect the names of tensors that loading inside the block leaves unchanged, which timm only logs."""
    names: list[str] = []
    load = nn.Module.load_state_dict

    def load_and_collect(module: nn.Module, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - torch's own
        result = load(module, *args, **options)
        names.extend(name for name in result.missing_keys if not name.endswith("num_batches_tracked"))
        return result

    nn.Module.load_state_dict = load_and_collect  # type: ignore[assignment, method-assign]
    try:
        yield names
    finally:
        nn.Module.load_state_dict = load  # type: ignore[method-assign]


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hub_checksum(hub_id: str) -> str | None:
    """Return the SHA-256 of a network's file in the hub's cache; None if it is not there."""
    for name in _HUB_FILES:
        try:
            path = try_to_load_from_cache(hub_id, name)
        except ValueError:  # not a possible name on the hub
            return None
        if isinstance(path, str):
            return checksum(Path(path))
    return None


def _read(path: Path) -> Any:  # noqa: ANN401 - whatever is in the file
    if path.suffix == ".safetensors":
        return load_file(path)
    with warnings.catch_warnings(action="ignore"):  # about old pickles
        return torch.load(path, map_location="cpu", weights_only=True)
