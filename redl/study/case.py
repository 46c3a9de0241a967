"""One case of the study: which model, trained how, on what, from which seed.

A case is a frozen value. Building one touches no device, file or environment variable,
so the whole matrix can be listed in milliseconds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from redl.errors import OptionError

# A part of an id has no "-", which separates the parts, and nothing that `-k` cannot spell.
_NAME = re.compile(r"[a-z][a-z0-9_.+]{,99}")


class Dataset(StrEnum):
    """Data sets of the study."""

    RSNA = "rsna"
    LIDC = "lidc"


class Model(StrEnum):
    """Networks of the study."""

    DENSENET = "densenet"
    SWIN = "swin"
    VIT = "vit"
    EFFICIENTNET = "efficientnet"
    MLP = "mlp"


class Setting(StrEnum):
    """Resource settings of the study.

    The first five are the paper's. HALF, half-precision weights with ordinary Adam, is known to diverge in
    float16. STABLE keeps the optimizer's state of embeddings and norms in 32 bits. The last two use bfloat16
    where the others use float16.
    """

    BASELINE = "baseline"
    AMP = "amp"
    EIGHT_BIT = "8bit"
    AMP_EIGHT_BIT = "amp+8bit"
    HALF_EIGHT_BIT = "half+8bit"
    HALF = "half"
    STABLE = "8bit+stable"
    AMP_BF16 = "amp_bf16"
    HALF_BF16 = "half_bf16"


class TrainedPart(StrEnum):
    """What is trained of a network that starts from pretrained weights, where that is not all of it."""

    HEAD = "head"
    LAST_BLOCK = "lastblock"
    LORA = "lora"


TRANSFORMERS = (Model.SWIN, Model.VIT)

RECOMPUTING = "ckpt"  # the technique, in a setting's name

# The MLP has two layers and no pretrained weights.
_NOT_OF_THE_MLP = {RECOMPUTING, *TrainedPart}

# The three settings of the paper's Figure 2C, and the network that it downsamples images for.
DOWNSAMPLED_SETTINGS = (Setting.BASELINE, Setting.AMP_EIGHT_BIT, Setting.HALF_EIGHT_BIT)
DOWNSAMPLED_MODELS = (Model.DENSENET,)


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One run of the study's matrix: a model on a data set under a setting, from one seed.

    `dataset`, `model` and `setting` are a Dataset, a Model and a Setting, or custom names; `downsample` is
    the side of the squares of pixels that are averaged into one.
    """

    dataset: str
    model: str
    setting: str
    seed: int
    downsample: int = 1
    profile: str

    @property
    def id(self) -> str:
        """Return the case's name, e.g. `rsna-densenet-amp+8bit-seed1`; downsampled, it ends in `-down4`."""
        return f"{self.dataset}-{self.model}-{self.setting}-seed{self.seed}{self._scale}"

    @property
    def cell(self) -> str:
        """Return what all seeds of the case share, e.g. `rsna-densenet-amp+8bit`."""
        return f"{self.dataset}-{self.model}-{self.setting}{self._scale}"

    @property
    def _scale(self) -> str:
        return "" if self.downsample == 1 else f"-down{self.downsample}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Study:
    """What the matrix of cases is made of.

    `models` are those of the study and custom ones, or, if `named`, only those that the user named.
    `custom_settings` are added to those of the study. `scales` are the downsampled ones, without 1.
    `bfloat16` adds the settings that differ from the others only on a device with both 16-bit formats.
    """

    profile: str
    seeds: tuple[int, ...]
    scales: tuple[int, ...] = ()
    datasets: tuple[str, ...] = tuple(Dataset)
    models: tuple[str, ...] = tuple(Model)
    named: bool = False
    custom_settings: tuple[str, ...] = ()
    bfloat16: bool = False

    def cases(self) -> list[Case]:
        """Return every case at full resolution once, a baseline before all that are compared with it."""
        return [
            Case(dataset=dataset, model=model, setting=setting, seed=seed, profile=self.profile)
            for dataset in self.datasets
            for model in self.models
            for seed in self.seeds
            for setting in self._settings_of(model)
        ]

    def downsampled_cases(self) -> list[Case]:
        """Return every downsampled case once: of the paper's network, or of those that the user named."""
        return [
            Case(
                dataset=dataset,
                model=model,
                setting=setting,
                seed=seed,
                downsample=scale,
                profile=self.profile,
            )
            for dataset in self.datasets
            for model in self.models
            if self.named or model in DOWNSAMPLED_MODELS
            for seed in self.seeds
            for scale in self.scales
            for setting in DOWNSAMPLED_SETTINGS
        ]

    def _settings_of(self, model: str) -> list[str]:
        left_out: set[Setting] = set()
        if model not in TRANSFORMERS:
            left_out.add(Setting.STABLE)
        if not self.bfloat16:
            left_out |= {Setting.AMP_BF16, Setting.HALF_BF16}
        return [
            setting
            for setting in (*Setting, *self.custom_settings)
            if setting not in left_out and not _is_useless(setting, model)
        ]


def _is_useless(setting: str, model: str) -> bool:
    """Return whether a model of the study has no use for a technique in a setting's name."""
    parts = set(setting.split("+"))
    if model == Model.MLP:
        return bool(parts & _NOT_OF_THE_MLP)
    return TrainedPart.LORA in parts and model in list(Model) and model not in TRANSFORMERS


def check_name(name: str, what: str, taken: type[StrEnum]) -> None:
    """Raise OptionError for a custom name that is taken, or cannot be a part of a case's id."""
    if not _NAME.fullmatch(name) or name in list(taken):
        raise OptionError(
            f"{what} {name!r}: begin with a small letter, continue with small letters, digits, _ . or +, "
            f"100 at most, and use none of {', '.join(taken)}"
        )
