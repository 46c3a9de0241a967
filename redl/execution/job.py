"""A job: all that a process needs to run one case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from redl.metering.assumptions import Assumptions
from redl.record import HERE, Placement
from redl.study.case import Case
from redl.study.custom import CustomModel, CustomSetting
from redl.study.profile import Profile


@dataclass(frozen=True, kw_only=True, slots=True)
class RunOptions:
    """How the cases of a run are trained and measured, the same for all of them.

    `custom_models` and `custom_settings` define the names that are not the study's. `half_dtype` names the
    16-bit weights of a setting that has them; None leaves the choice to the device. `weights` is a folder of
    pretrained weights, tried before timm's hub. `plain` turns off what is done for speed; `tf32` lets a GPU
    round the factors of float32 products. `settle_s` is how long each measured phase waits before it begins.
    `timeout_s` bounds the working time of one case; `retries` is how often one is run again whose process was
    killed.
    """

    profile: Profile
    custom_models: Mapping[str, CustomModel] = field(default_factory=dict)
    custom_settings: Mapping[str, CustomSetting] = field(default_factory=dict)
    half_dtype: str | None = None
    weights: Path | None = None
    plain: bool = False
    tf32: bool = False
    assumptions: Assumptions = field(default_factory=Assumptions)
    retries: int = 0
    settle_s: float = 0.0
    timeout_s: float = 86400.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A case, the folder of its prepared images, and the options of its run.

    Its epochs are kept in the folder `epochs`, and it goes on after the last of those that are there; None
    keeps nothing. Its trained weights can be exported to the folder `exports`. `placement` says where
    it runs.
    """

    case: Case
    prepared: Path
    options: RunOptions
    epochs: Path | None = None
    exports: Path | None = None
    placement: Placement = HERE


@dataclass(frozen=True, kw_only=True, slots=True)
class ProbeJob:
    """A batch of noise that is to be trained on for some steps, under a cap if there is one."""

    model: str
    setting: str
    batch_size: int
    cap_bytes: int | None
    options: RunOptions
