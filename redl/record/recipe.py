"""The recipe of a record: what was trained and how, each a plain data class."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Pretrained:
    """Tell which weights were asked for and which were really loaded."""

    requested: bool
    loaded: bool
    source: str | None
    sha256: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Flags:
    """Hold the numerical switches that decide speed and repeatability."""

    tf32: bool
    cudnn_benchmark: bool
    deterministic: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class FastPath:
    """Tell what was done for speed, the same for all settings: never what is computed, only how.

    `resident` keeps the images on the device, `channels_last` is the memory format of convolutions, `fused`
    ordinary Adam in one kernel.
    """

    resident: bool
    channels_last: bool
    fused: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """Tell what was trained and how; `optimizer_state_bits` counts parameters by their state's width.

    `network` is timm's name, or whose own it is; `reduced` says that it was made small for a laptop.
    `overrides` are the sizes that are not the profile's own. Images of `image_size` were downsampled, then
    enlarged again to `input_size` for a network that takes no smaller ones.
    """

    network: str
    reduced: bool
    overrides: dict[str, str | int | float | bool | None]
    input_size: int
    epochs: int
    patience: int
    batch_size: int
    learning_rate: float
    image_size: int
    weights_dtype: str
    autocast_dtype: str | None
    grad_scaler: bool
    optimizer: str
    optimizer_state_bits: dict[str, int]
    pretrained: Pretrained
    flags: Flags
    fast_path: FastPath
