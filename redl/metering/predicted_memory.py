"""Predicted memory of weights, gradients and optimizer state, and why a setting saves little of the peak.

The prediction is by tensor, because bitsandbytes treats small ones differently. It leaves out activations and
work space, which depend on the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeVar

from redl.record import PredictedMemory

# bitsandbytes keeps state of smaller tensors in 32 bits (its `min_8bit_size`).
_LEAST_8BIT = 4096

# Block of bitsandbytes' 8-bit optimizers: one 32-bit scale for each 256 elements of each moment.
_BLOCK = 256

# A setting that saves less than this share of the training peak saves little.
_LITTLE = 0.1


class Parameter(Protocol):
    """A parameter's size, as a tensor on any device has it."""

    @property
    def requires_grad(self) -> bool:
        """Return whether it is trained."""

    def numel(self) -> int:
        """Return the number of elements."""

    def element_size(self) -> int:
        """Return the bytes of an element."""


P = TypeVar("P", bound=Parameter)


def two_moments(parameter: Parameter) -> int:
    """Return how many elements Adam's state of a parameter has."""
    return 2 * parameter.numel()


def predicted_memory(
    parameters: Iterable[P],
    *,
    state_width: Callable[[P], int] | None,
    state_elements: Callable[[P], int] = two_moments,
) -> PredictedMemory:
    """Predict the bytes of weights, gradients and the optimizer's state.

    `state_width` returns in how many bits the state of a parameter is kept, and `state_elements` how many
    elements it has; the former is None for an unknown optimizer. bitsandbytes adds to 8 bits a 32-bit scale
    for each started block of 256 elements of each moment (Dettmers et al. 2022, arXiv 2110.02861).
    """
    held = list(parameters)
    trained = [parameter for parameter in held if parameter.requires_grad]
    weights, gradients = _bytes(held), _bytes(trained)
    state = None if state_width is None else _state_bytes(trained, state_width, state_elements)
    return PredictedMemory(
        weights=weights,
        gradients=gradients,
        optimizer_state=state,
        total=None if state is None else weights + gradients + state,
    )


def explanation(
    parameters: Iterable[P],
    *,
    half: bool,
    autocast: bool,
    state_width: Callable[[P], int] | None,
    train_peak_bytes: int | None,
    state_elements: Callable[[P], int] = two_moments,
) -> str | None:
    """Return one line that says where the memory is, if a setting should save little of the training peak.

    Return None if the setting changes nothing that should save memory, if the optimizer is unknown, if the
    peak was not measured, and if the setting should save a tenth of it or more. The expected saving is
    relative to the same network in float32 with 32-bit Adam.
    """
    held = list(parameters)
    baseline = sum((16 if parameter.requires_grad else 4) * parameter.numel() for parameter in held)
    predicted = predicted_memory(held, state_width=state_width, state_elements=state_elements).total
    if state_width is None or predicted is None or not train_peak_bytes:
        return None
    trained = [parameter for parameter in held if parameter.requires_grad]
    eight_bit = any(state_width(parameter) == 8 for parameter in held)
    saved = baseline - predicted
    if not (half or autocast or eight_bit) or saved >= _LITTLE * train_peak_bytes:
        return None
    clauses = []
    if half or eight_bit:
        clauses.append(
            f"with {_tricks(half=half, eight_bit=eight_bit)}, weights, gradients and optimizer state should "
            f"take {_mb(saved)} less than the baseline's {_mb(baseline)}, which is "
            f"{saved / train_peak_bytes:.1%} of the training peak: activations and work space take the rest"
        )
    if eight_bit:
        clauses.append(_wide_tensors(trained, state_width))
    if autocast:
        kept = "weights and gradients" if eight_bit else "weights, gradients and optimizer state"
        clauses.append(f"autocast keeps {kept} in float32, only activations shrink")
    return "; ".join(clauses)


def _bytes(parameters: Iterable[Parameter]) -> int:
    return sum(parameter.numel() * parameter.element_size() for parameter in parameters)


def _state_bytes(
    trained: Sequence[P], state_width: Callable[[P], int], state_elements: Callable[[P], int]
) -> int:
    total = 0
    for parameter in trained:
        count, elements, width = parameter.numel(), state_elements(parameter), state_width(parameter)
        scales = elements // count * -(-count // _BLOCK) if width == 8 else 0
        total += elements * width // 8 + 4 * scales
    return total


def _tricks(*, half: bool, eight_bit: bool) -> str:
    tricks = {"16-bit weights": half, "8-bit optimizer state": eight_bit}
    return " and ".join(name for name, used in tricks.items() if used)


def _wide_tensors(trained: Sequence[P], state_width: Callable[[P], int]) -> str:
    wide = [parameter.numel() for parameter in trained if state_width(parameter) > 8]
    others = "" if max(wide, default=0) < _LEAST_8BIT else ", and embeddings and norms"
    return (
        f"{sum(wide)} of {sum(parameter.numel() for parameter in trained)} parameters, tensors under "
        f"{_LEAST_8BIT} elements{others}, keep their state in 32 bits"
    )


def _mb(count: int) -> str:
    return f"{count / 1e6:.0f} MB"
