"""One case of the study: which model, trained how, on what, from which seed.

A case is a frozen value. Building one touches no device, file or environment variable,
so the whole matrix can be listed in milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Dataset(StrEnum):
    """Name a data set of the study."""

    RSNA = "rsna"
    LIDC = "lidc"


class Model(StrEnum):
    """Name a network of the study."""

    DENSENET = "densenet"


class Setting(StrEnum):
    """Name a resource setting: the paper's five, and half-precision weights with ordinary Adam."""

    BASELINE = "baseline"
    AMP = "amp"
    EIGHT_BIT = "8bit"
    AMP_EIGHT_BIT = "amp+8bit"
    HALF_EIGHT_BIT = "half+8bit"
    HALF = "half"

    @property
    def autocast(self) -> bool:
        """Tell whether the forward pass runs under automatic mixed precision."""
        return self in {Setting.AMP, Setting.AMP_EIGHT_BIT}

    @property
    def eight_bit(self) -> bool:
        """Tell whether the optimizer keeps its state in 8 bits."""
        return self in {Setting.EIGHT_BIT, Setting.AMP_EIGHT_BIT, Setting.HALF_EIGHT_BIT}

    @property
    def half(self) -> bool:
        """Tell whether the weights themselves are 16-bit."""
        return self in {Setting.HALF_EIGHT_BIT, Setting.HALF}


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """Hold one cell of the study's matrix; `dataset` is one of Dataset, or a user's own."""

    dataset: str
    model: Model
    setting: Setting
    seed: int
    downsample: int = 1
    profile: str

    @property
    def id(self) -> str:
        """Spell the case as `rsna-densenet-amp+8bit-seed1`; a downsampled one ends in `-down4`."""
        scale = "" if self.downsample == 1 else f"-down{self.downsample}"
        return f"{self.dataset}-{self.model}-{self.setting}-seed{self.seed}{scale}"


def matrix(profile: str, seeds: tuple[int, ...], datasets: tuple[str, ...] = tuple(Dataset)) -> list[Case]:
    """List every case of the study once; a model's baseline comes first, for the others compare with it."""
    return [
        Case(dataset=dataset, model=model, setting=setting, seed=seed, profile=profile)
        for dataset in datasets
        for model in Model
        for seed in seeds
        for setting in Setting
    ]
