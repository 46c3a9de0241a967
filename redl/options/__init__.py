"""Options: what the command line, the environment and pyproject.toml ask of the suite."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import pytest

from redl.case import Model, Study
from redl.execution.inputs import DataOptions
from redl.metering.assumptions import Assumptions
from redl.metering.gpus import computes_bfloat16
from redl.options.arguments import add_options
from redl.options.data import data_options
from redl.options.declared import Declared, declared_in
from redl.options.gate import GateOptions, VerdictOptions, gate_options, verdict_options
from redl.options.sizes import sized_profile, with_weights
from redl.options.values import choice, value, value_or_none
from redl.own import OwnModel, OwnSetting
from redl.profile import Profile

__all__ = ["Declared", "Options", "add_options", "read_options"]

HALF_DTYPES = ("auto", "bfloat16", "float16")


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """Hold what was asked for."""

    profile: Profile
    study: Study
    data: DataOptions
    own_models: dict[str, OwnModel]
    own_settings: dict[str, OwnSetting]
    timeout_s: float
    half_dtype: str | None
    plain: bool
    tf32: bool
    reference: Path | None
    save_reference: Path | None
    assumptions: Assumptions
    weights: Path | None
    gate: GateOptions | None
    verdict: VerdictOptions | None


def read_options(config: pytest.Config, brought: Declared) -> Options:
    """Read redl's options; raise RedlError naming the one that cannot be used.

    `brought` is what hooks brought of a user's own, which that of pyproject.toml joins.
    """
    profile, weights = with_weights(config, sized_profile(config))
    own = brought + declared_in(config.rootpath / "pyproject.toml")
    data = data_options(config, profile, own.folders)
    own_models, named = _models(own.models, config.getoption("redl_model"))
    half_dtype = choice(config, "half_dtype", HALF_DTYPES)
    given, save_reference = config.getoption("redl_reference"), config.getoption("redl_save_reference")
    reference = _own_reference(config, profile) if given is None else Path(given)
    return Options(
        profile=profile,
        study=Study(
            profile=profile.name,
            seeds=profile.seeds,
            scales=profile.scales,
            datasets=data.datasets,
            models=named or (*Model, *own_models),
            named=bool(named),
            own_settings=tuple(setting.name for setting in own.settings),
            bfloat16=computes_bfloat16(),
        ),
        data=data,
        own_models=own_models,
        own_settings={setting.name: setting for setting in own.settings},
        timeout_s=value(
            config, "timeout", float, "give seconds above 0, as 3600", lambda s: 0 < s < math.inf
        ),
        half_dtype=None if half_dtype == "auto" else half_dtype,
        plain=config.getoption("redl_plain"),
        tf32=config.getoption("redl_tf32"),
        reference=reference,
        save_reference=None if save_reference is None else Path(save_reference),
        assumptions=_assumptions(config),
        weights=weights,
        gate=gate_options(config, profile, reference),
        verdict=verdict_options(config),
    )


def _models(declared: tuple[OwnModel, ...], asked: list[str]) -> tuple[dict[str, OwnModel], tuple[str, ...]]:
    """Return the user's own networks by name, and the names of those that were asked for alone."""
    own = {model.name: model for model in declared}
    own |= {
        name: OwnModel(name=name, timm=name) for name in asked if name not in own and name not in list(Model)
    }
    return own, tuple(dict.fromkeys(asked))


def _assumptions(config: pytest.Config) -> Assumptions:
    return Assumptions(
        country=config.getoption("redl_country"),
        g_per_kwh=value_or_none(config, "carbon_intensity", float, "give grams of CO2eq a kWh, as 120"),
        pue=value(config, "pue", float, "give a factor of 1 or more, as 1.2"),
        cpu_tdp_w=value_or_none(config, "cpu_tdp", float, "give watts, as 65"),
    )


def _own_reference(config: pytest.Config, profile: Profile) -> Path | None:
    path = config.rootpath / "reports" / "reference" / f"{profile.name}.json"
    return path if path.exists() else None
