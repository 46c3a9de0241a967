"""A job: all that a process needs to run one case."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from redl.case import Case
from redl.metering.assumptions import Assumptions
from redl.own import OwnModel, OwnSetting
from redl.profile import Profile


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """Hold a case, its sizes, its prepared images, and what the user said about it.

    `own_model` and `own_setting` say what a name means that is not the study's. `half_dtype` names the 16-bit
    weights of a setting that has them; None leaves the choice to the device. `weights` is a folder of
    pretrained weights that come before timm's hub. `plain` turns off what is done for speed; `tf32` lets a
    GPU round the factors of float32 products.
    """

    case: Case
    profile: Profile
    prepared: Path
    own_model: OwnModel | None = None
    own_setting: OwnSetting | None = None
    half_dtype: str | None = None
    weights: Path | None = None
    plain: bool = False
    tf32: bool = False
    assumptions: Assumptions = field(default_factory=Assumptions)
