"""One case of the study: which model, trained how, on what, from which seed.

A case is a frozen value. Building one touches no device, file or environment variable,
so the whole matrix can be listed in milliseconds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from redl.errors import OptionError

# What a part of an id may hold: no "-", which parts them, and nothing that `-k` could not spell.
_NAME = re.compile(r"[a-z][a-z0-9_.+]*")


class Dataset(StrEnum):
    """Name a data set of the study."""

    RSNA = "rsna"
    LIDC = "lidc"


class Model(StrEnum):
    """Name a network of the study."""

    DENSENET = "densenet"
    SWIN = "swin"
    VIT = "vit"
    EFFICIENTNET = "efficientnet"
    MLP = "mlp"


class Setting(StrEnum):
    """Name a resource setting.

    The first five are the paper's. HALF, half-precision weights with ordinary Adam, is known to diverge in
    float16. STABLE keeps the optimizer's state of embeddings and norms in 32 bits. The last two are bfloat16
    where the others are float16.
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


TRANSFORMERS = (Model.SWIN, Model.VIT)

# The three settings of the paper's Figure 2C, and the network that it downsamples images for.
DOWNSAMPLED_SETTINGS = (Setting.BASELINE, Setting.AMP_EIGHT_BIT, Setting.HALF_EIGHT_BIT)
DOWNSAMPLED_MODELS = (Model.DENSENET,)


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """Hold one cell of the study's matrix.

    `dataset`, `model` and `setting` are one of Dataset, Model and Setting, or a user's own; `downsample` is
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
        """Spell the case as `rsna-densenet-amp+8bit-seed1`; a downsampled one ends in `-down4`."""
        return f"{self.dataset}-{self.model}-{self.setting}-seed{self.seed}{self._scale}"

    @property
    def cell(self) -> str:
        """Spell what all seeds of the case share, `rsna-densenet-amp+8bit`."""
        return f"{self.dataset}-{self.model}-{self.setting}{self._scale}"

    @property
    def _scale(self) -> str:
        return "" if self.downsample == 1 else f"-down{self.downsample}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Study:
    """Hold what the matrix of cases is made of.

    `models` are all of the study and a user's own, unless the user named some, which `named` tells;
    `custom_settings` join those of the study. `scales` are the downsampled ones, without 1. `bfloat16` adds
    the settings that differ from the others only where there are both 16-bit formats.
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
        """List every case at full resolution once; a baseline comes before all that compares with it."""
        return [
            Case(dataset=dataset, model=model, setting=setting, seed=seed, profile=self.profile)
            for dataset in self.datasets
            for model in self.models
            for seed in self.seeds
            for setting in self._settings_of(model)
        ]

    def downsampled_cases(self) -> list[Case]:
        """List every downsampled case once: of the paper's network, or of those that the user named."""
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
        return [setting for setting in (*Setting, *self.custom_settings) if setting not in left_out]


def check_name(name: str, what: str, taken: type[StrEnum]) -> None:
    """Raise OptionError for a name of a user's own that a case's id or `-k` could not hold."""
    if not _NAME.fullmatch(name) or name in list(taken):
        raise OptionError(
            f"{what} {name!r}: begin with a small letter, go on with those, digits, _ . and +, and take "
            f"none of {', '.join(taken)}"
        )
