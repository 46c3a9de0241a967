"""Pretrained weights from your own file or from timm's hub cache, and what was really loaded."""

from __future__ import annotations

import hashlib
import pickle
import re
import warnings
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from huggingface_hub import try_to_load_from_cache
from safetensors import SafetensorError
from torch import nn

from redl.errors import ModelError
from redl.training.wrappers import Candidate, Weights, candidates

_SUFFIXES = (".safetensors", ".pth", ".pt", ".bin", ".ckpt", ".pth.tar")
_UNREADABLE = (
    SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, ValueError, OSError, LookupError,
    TypeError, AttributeError, AssertionError,
)  # fmt: skip
_UNFIT = (RuntimeError, LookupError, AttributeError, ValueError, TypeError, AssertionError)
_HUB_FILES = ("model.safetensors", "pytorch_model.bin")


def find_file(folder: Path, name: str) -> Path | None:
    """Return a network's file in a folder, e.g. `densenet121.safetensors`; None if it has no such file."""
    paths = (folder / f"{name}{suffix}" for suffix in _SUFFIXES)
    return next((path for path in paths if path.is_file()), None)


def load_file(file: Path, name: str, create: Callable[..., nn.Module]) -> nn.Module:
    """Return timm's network with exactly the weights in a file, whatever dicts and prefixes surround them.

    `create` builds the network with the options of `timm.create_model`. Its classifier stays new, and its
    input convolution is adapted by timm. Raise ModelError if a tensor is missing, superfluous or of another
    shape, and if the file has two different sets that fit, e.g. a model and its moving average.
    """
    with torch.device("meta"):
        network = create()
    outline = _Outline(shapes=_shapes(network.state_dict()), classifiers=_classifiers(network))
    state = torch.get_rng_state()
    attempts = []
    for candidate in candidates(_content(file), outline.names):
        torch.set_rng_state(state)  # each attempt, and what follows the last one, draws the same numbers
        attempts.append(_attempt(candidate, outline, create))
    if not attempts:
        raise ModelError(f"{file.name}: not a state dict, tensors by their names; save `model.state_dict()`")
    fits = [attempt for attempt in attempts if attempt.module is not None]
    if not fits:
        difference = min((attempt.differences for attempt in attempts), key=len)[0]
        raise ModelError(
            f"{file.name}: these are not the weights of {name}, {difference}; save those of this network"
        )
    for other in fits[1:]:
        if not outline.equal(fits[0], other):
            raise ModelError(
                f"{file.name}: `{fits[0].place}` and `{other.place}` both fit {name} and differ; save "
                "the one that you want as a file of its own"
            )
    assert fits[0].module is not None, "it fits"
    return fits[0].module


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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Attempt:
    """A network that was loaded from a place in the file, or how what is there differs from it."""

    place: str
    module: nn.Module | None
    differences: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Outline:
    """The tensors that a file must have: all but the classifiers and the batches that norms have counted."""

    shapes: dict[str, tuple[int, ...]]
    classifiers: tuple[str, ...]

    @property
    def names(self) -> set[str]:
        return {name for name in self.shapes if self.demands(name)}

    def demands(self, name: str) -> bool:
        return not name.startswith(self.classifiers) and not name.endswith("num_batches_tracked")

    def differences(self, shapes: dict[str, tuple[int, ...]]) -> list[str]:
        """Describe each tensor that is missing, of another shape, or not one of the network."""
        differences = []
        for name in filter(self.demands, {**self.shapes, **shapes}):
            match shapes.get(name), self.shapes.get(name):
                case None, _:
                    differences.append(f"`{name}` is missing")
                case _, None:
                    differences.append(f"`{name}` is not one of its tensors")
                case found, wanted if found != wanted:
                    differences.append(f"`{name}` is {found} in the file and {wanted} in the network")
        return differences

    def equal(self, one: _Attempt, other: _Attempt) -> bool:
        """Return whether two loaded networks have the same weights."""
        assert one.module is not None
        assert other.module is not None
        weights = other.module.state_dict()
        return all(
            torch.equal(tensor, weights[name])
            for name, tensor in one.module.state_dict().items()
            if self.demands(name)
        )


def _attempt(candidate: Candidate, outline: _Outline, create: Callable[..., nn.Module]) -> _Attempt:
    """Load what may be the weights, and compare what timm made of them, tensor by tensor."""
    module = None
    overlay = {"state_dict": dict(candidate.weights)}
    with _observed() as loads:
        try:
            module = create(pretrained=True, pretrained_cfg_overlay=overlay)
        except _UNFIT:
            loads = loads or [_shapes(candidate.weights)]
    differences = [one for shapes in loads for one in outline.differences(shapes)]
    if module is None or differences or not loads:
        return _Attempt(
            place=candidate.place, module=None, differences=differences or ["timm cannot load them"]
        )
    return _Attempt(place=candidate.place, module=module)


@contextmanager
def _observed() -> Iterator[list[dict[str, tuple[int, ...]]]]:
    """Collect the shapes of what is loaded inside the block; timm only logs what is missing."""
    loads: list[dict[str, tuple[int, ...]]] = []
    load = nn.Module.load_state_dict

    def load_and_collect(module: nn.Module, weights: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - torch's own
        loads.append(_shapes(weights))
        return load(module, weights, *args, **options)

    nn.Module.load_state_dict = load_and_collect  # type: ignore[assignment, method-assign]
    try:
        yield loads
    finally:
        nn.Module.load_state_dict = load  # type: ignore[method-assign]


def _shapes(weights: Weights) -> dict[str, tuple[int, ...]]:
    return {name: tuple(one.shape) for name, one in weights.items()}


def _classifiers(module: nn.Module) -> tuple[str, ...]:
    """Return how the names of the last layers start, which are always new."""
    named = module.pretrained_cfg["classifier"]  # type: ignore[index] # timm's own
    return tuple(f"{layer}." for layer in ((named,) if isinstance(named, str) else named))


def _content(path: Path) -> object:
    """Read a file, of a torch file only tensors and plain values; raise ModelError if that is impossible."""
    try:
        return _read(path)
    except _UNREADABLE as error:
        unsafe = re.search(r"GLOBAL (\S+) was not an allowed", str(error))
        reason = (
            f"it holds {unsafe[1]}, and only tensors are safe to unpickle" if unsafe else type(error).__name__
        )
        raise ModelError(
            f"{path.name}: no weights can be read from it ({reason}); save `model.state_dict()`, preferably "
            "as safetensors"
        ) from error


def _read(path: Path) -> object:
    if path.suffix == ".safetensors":
        return safetensors.torch.load_file(path)
    # timm's trainer saves its arguments, a plain namespace
    with warnings.catch_warnings(action="ignore"), torch.serialization.safe_globals([Namespace]):
        return torch.load(path, map_location="cpu", weights_only=True)
