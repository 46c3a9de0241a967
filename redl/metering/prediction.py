"""Predicted memory of weights, gradients and optimizer state, and why a setting saves little of the peak.

The prediction is by tensor, for bitsandbytes treats small ones differently, and leaves out activations and
work space, which depend on the batch.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from redl.case import Setting
from redl.record import PredictedMemory

# bitsandbytes keeps state of smaller tensors in 32 bits (its `min_8bit_size`).
_LEAST_8BIT = 4096

# Block of bitsandbytes' 8-bit optimizers: one 32-bit scale for each 256 elements of each moment.
_BLOCK = 256

# A setting that spares less than this share of the training peak saves little.
_LITTLE = 0.1


class Parameter(Protocol):
    """Tell a parameter's size, as a tensor on any device does."""

    @property
    def requires_grad(self) -> bool:
        """Tell whether it is trained."""

    def numel(self) -> int:
        """Return the number of elements."""

    def element_size(self) -> int:
        """Return the bytes of an element."""


def predicted_memory(parameters: Iterable[Parameter], *, eight_bit: bool) -> PredictedMemory:
    """Predict the bytes of weights, gradients and Adam's two moments.

    torch's Adam keeps its state in the parameter's format. bitsandbytes keeps 8 bits and a 32-bit scale for
    each started block of 256 elements (Dettmers et al. 2022, arXiv 2110.02861), and 32 bits for tensors
    under 4096 elements.
    """
    held = list(parameters)
    trained = [parameter for parameter in held if parameter.requires_grad]
    weights, gradients = _bytes(held), _bytes(trained)
    state = sum(_state_bytes(parameter) for parameter in trained) if eight_bit else 2 * gradients
    return PredictedMemory(
        weights=weights, gradients=gradients, optimizer_state=state, total=weights + gradients + state
    )


def explanation(
    setting: Setting, parameters: Iterable[Parameter], *, train_peak_bytes: int | None
) -> str | None:
    """Say in one line where the memory is, if the setting should spare little of the training peak.

    Return None for the baseline, for a peak that was not measured, and for one of which the setting should
    spare a tenth or more. What it should spare is against the same network in float32 with 32-bit Adam.
    """
    held = list(parameters)
    baseline = sum((16 if parameter.requires_grad else 4) * parameter.numel() for parameter in held)
    saved = baseline - predicted_memory(held, eight_bit=setting.eight_bit).total
    if setting is Setting.BASELINE or not train_peak_bytes or saved >= _LITTLE * train_peak_bytes:
        return None
    clauses = []
    if setting.half or setting.eight_bit:
        clauses.append(
            f"with {_tricks(setting)}, weights, gradients and optimizer state should take {_mb(saved)} less "
            f"than the baseline's {_mb(baseline)}, which is {saved / train_peak_bytes:.1%} of the training "
            "peak: activations and work space take the rest"
        )
    if setting.eight_bit:
        clauses.append(_small_tensors(held))
    if setting.autocast:
        kept = "weights and gradients" if setting.eight_bit else "weights, gradients and optimizer state"
        clauses.append(f"autocast keeps {kept} in float32, only activations shrink")
    return "; ".join(clauses)


def _bytes(parameters: Iterable[Parameter]) -> int:
    return sum(parameter.numel() * parameter.element_size() for parameter in parameters)


def _state_bytes(parameter: Parameter) -> int:
    count = parameter.numel()
    started_blocks = -(-count // _BLOCK)
    return 2 * (4 * count if count < _LEAST_8BIT else count + 4 * started_blocks)


def _tricks(setting: Setting) -> str:
    tricks = {"16-bit weights": setting.half, "8-bit optimizer state": setting.eight_bit}
    return " and ".join(name for name, used in tricks.items() if used)


def _small_tensors(parameters: Iterable[Parameter]) -> str:
    counts = [parameter.numel() for parameter in parameters if parameter.requires_grad]
    small = sum(count for count in counts if count < _LEAST_8BIT)
    return (
        f"{small} of {sum(counts)} parameters lie in tensors under {_LEAST_8BIT} elements, "
        "whose state stays in 32 bits"
    )


def _mb(count: int) -> str:
    return f"{count / 1e6:.0f} MB"
