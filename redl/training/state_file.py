"""The state file: nested dicts and lists of tensors and plain values, in one file that is never executed.

It is a safetensors file. The structure is JSON in its header, and each tensor comes back with the strides it
had: 8-bit state is laid out in memory as its parameter is.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import msgspec
import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open

_KEY = "redl"

State = dict[str, Any]


class UnsavableError(Exception):
    """A state holds what a file cannot, or the file cannot be written; the message says what or why."""


class UnreadableError(Exception):
    """A file holds no state; the message says why."""


def write_state(path: Path, state: State) -> None:
    """Write a state, which is on the disk when this returns; raise UnsavableError.

    Tensors on a CPU are not copied, but for those that share memory with others in part.
    """
    packing = _Packing()
    with torch.no_grad():
        header = msgspec.json.encode(packing.packed(state))
    try:
        safetensors.torch.save_file(packing.tensors, path, {_KEY: header.decode()})
        with path.open("rb") as file:
            os.fsync(file.fileno())
    except OSError as error:
        raise UnsavableError((error.strerror or type(error).__name__).lower()) from error
    except SafetensorError as error:  # which is also what it makes of a full disk
        raise UnsavableError(str(error)) from error


def read_state(path: Path) -> State:
    """Return the state in a file, its tensors on the CPU; raise UnreadableError."""
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
            header = (file.metadata() or {})[_KEY]
        state: State = _unpacked(msgspec.json.decode(header), tensors)
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, RecursionError, RuntimeError) as error:
        raise UnreadableError(f"no state of a training ({type(error).__name__})") from error
    return state


class _Packing:
    """The tensors of a state that is written; each is collected once, and described in a few bytes."""

    def __init__(self) -> None:
        self.tensors: dict[str, torch.Tensor] = {}
        self._seen: dict[int, list[tuple[torch.Tensor, msgspec.Raw]]] = {}

    def packed(self, value: object) -> object:
        """Return a value as JSON can hold it."""
        match value:
            case torch.Tensor():
                return self._described(value)
            case dict():
                return {"dict": [[self.packed(part) for part in pair] for pair in value.items()]}
            case list() | tuple():
                kind = "tuple" if isinstance(value, tuple) else "list"
                return {kind: [self.packed(part) for part in value]}
            case float() if not math.isfinite(value):
                return {"float": str(value)}
            case None | bool() | int() | float() | str():
                return value
            case _:
                raise UnsavableError(f"a value of the type {type(value).__name__} cannot be kept")

    def _described(self, tensor: torch.Tensor) -> msgspec.Raw:
        seen = self._seen.setdefault(tensor.data_ptr(), [])
        for other, words in seen:
            alike = other.shape == tensor.shape and other.stride() == tensor.stride()
            if alike and other.dtype == tensor.dtype:
                return words
        words = msgspec.Raw(msgspec.json.encode({"tensor": self._collected(tensor)}))
        seen.append((tensor, words))
        return words

    def _collected(self, tensor: torch.Tensor) -> list[Any]:
        """Collect a tensor in the order of its memory; return its name, shape and strides."""
        name = str(len(self.tensors))
        order = sorted(range(tensor.dim()), key=tensor.stride().__getitem__, reverse=True)
        if not tensor.permute(order).is_contiguous():  # it has gaps
            tensor, order = tensor.contiguous(), list(range(tensor.dim()))
        if tensor.untyped_storage().nbytes() != tensor.nbytes:  # others may share it
            tensor = tensor.clone()
        flat = tensor if tensor.is_contiguous() else tensor.permute(order)
        self.tensors[name] = flat.cpu()
        return [name, tensor.shape, tensor.stride()]


def _unpacked(value: Any, tensors: dict[str, torch.Tensor]) -> Any:  # noqa: ANN401 - any JSON value
    match value:
        case {"tensor": [str(name), [*shape], [*strides]]}:
            return tensors[name].view(-1).as_strided(shape, strides)
        case {"dict": [*pairs]}:
            return {_unpacked(key, tensors): _unpacked(part, tensors) for key, part in pairs}
        case {"list": [*parts]}:
            return [_unpacked(part, tensors) for part in parts]
        case {"tuple": [*parts]}:
            return tuple(_unpacked(part, tensors) for part in parts)
        case {"float": str(text)}:
            return float(text)
        case dict() | list():
            raise ValueError("no structure of a state")
        case plain:
            return plain
