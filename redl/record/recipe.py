"""The recipe of a record: what was trained, and how."""

from __future__ import annotations

from redl.record.strict import Amount, Count, Line, Number, Section, Whole, Word


class Pretrained(Section, frozen=True, kw_only=True):
    """Which pretrained weights were requested, and which were loaded."""

    requested: bool
    loaded: bool
    source: Line | None
    sha256: Word | None


class Flags(Section, frozen=True, kw_only=True):
    """Numerical switches that affect speed and repeatability."""

    tf32: bool
    cudnn_benchmark: bool
    deterministic: bool


class FastPath(Section, frozen=True, kw_only=True):
    """What was done for speed, alike for all settings: it changes how things are computed, never what.

    `resident` keeps the images on the device, `channels_last` is the memory format of convolutions, `fused`
    ordinary Adam in one kernel.
    """

    resident: bool
    channels_last: bool
    fused: bool


class Recipe(Section, frozen=True, kw_only=True):
    """What was trained, and how; `optimizer_state_bits` counts parameters by the width of their state.

    `network` is timm's name or that of a custom network; `reduced` says that it was made small for a laptop.
    `overrides` are the sizes that differ from the profile's. Images of `image_size` were downsampled, then
    enlarged again to `input_size` for a network that accepts no smaller ones. `recomputing` says that
    activations were computed again in the backward pass. A batch went through the network in pieces of
    `micro_batch` images; None: whole, as in older records. `trained_part` was trained, None: the whole
    network; `trained_parameters` counts what was trained, None in older records.
    """

    network: Word
    reduced: bool
    overrides: dict[Word, Line | Whole | Number | bool | None]
    input_size: Count
    epochs: Count
    patience: Count
    batch_size: Count
    learning_rate: Amount
    image_size: Count
    weights_dtype: Word
    autocast_dtype: Word | None
    grad_scaler: bool
    optimizer: Word
    optimizer_state_bits: dict[Word, Count]
    pretrained: Pretrained
    flags: Flags
    fast_path: FastPath
    recomputing: bool = False
    micro_batch: Count | None = None
    trained_part: Word | None = None
    trained_parameters: Count | None = None
