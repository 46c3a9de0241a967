"""The options of the suite, read once and checked together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import pytest

from redl.data.datasets import DataOptions
from redl.data.options import OPTIONS, data_options
from redl.errors import OptionError
from redl.execution.declared import Declared, declared_in
from redl.execution.job import RunOptions
from redl.metering.assumptions import Assumptions
from redl.metering.gpus import computes_bfloat16
from redl.plugin.options.deployment import DeploymentOptions, deployment_options
from redl.plugin.options.fleet import FleetOptions, fleet_options
from redl.plugin.options.gate import GateOptions, VerdictOptions, gate_options, verdict_options
from redl.plugin.options.planning import PlanOptions, plan_options
from redl.plugin.options.sizes import sized_profile, with_weights
from redl.plugin.options.values import choice, pyproject_of, value_or_none
from redl.results.reference import find_reference
from redl.study.case import Model, Setting, Study
from redl.study.custom import CustomModel
from redl.study.size import bytes_of
from redl.study.technique import compose

HALF_DTYPES = ("auto", "bfloat16", "float16")


@dataclass(frozen=True, kw_only=True, slots=True)
class SuiteOptions:
    """Options of the suite: which cases, on which data, run how, and checked against what."""

    study: Study
    data: DataOptions
    run: RunOptions
    fleet: FleetOptions | None
    deployment: DeploymentOptions
    budgets: tuple[int, ...]
    most_batch: int | None
    reference: Path | None
    save_reference: Path | None
    gate: GateOptions | None
    verdict: VerdictOptions | None
    report: Path | None
    resume: str | None
    plan: PlanOptions | None

    @property
    def folders(self) -> tuple[tuple[Path, str], ...]:
        """Return the folders that are to be written, with their options."""
        named = {"--redl-report": self.report, "--redl-exports": self.deployment.exports}
        return tuple((folder, flag) for flag, folder in named.items() if folder is not None)


def read_options(config: pytest.Config, brought: Declared) -> SuiteOptions:
    """Read redl's options; raise RedlError naming the one that cannot be used.

    `brought` comes from hooks; what pyproject.toml declares is added.
    """
    profile, weights = with_weights(config, sized_profile(config))
    own = brought + declared_in(pyproject_of(config))
    custom_models, named = _models(own.models, config.getoption("redl_model"))
    data = data_options(
        {option.suite_name: config.getoption(f"redl_{option.suite_name}") for option in OPTIONS},
        {option.suite_name: option.suite_flag for option in OPTIONS},
        spacing_mm=profile.patch_spacing_mm,
        folders=own.folders,
    )
    half_dtype = choice(config, "half_dtype", HALF_DTYPES, default="auto")
    timeout_s = value_or_none(
        config, "timeout", float, "give seconds above 0, e.g. 3600", lambda s: 0 < s < math.inf
    )
    retries = value_or_none(config, "retries", int, "give a number of 0 or more, e.g. 2", lambda n: n >= 0)
    settle_s = value_or_none(
        config, "settle", float, "give seconds of 0 or more, e.g. 30", lambda s: 0 <= s < math.inf
    )
    given, save_reference = config.getoption("redl_reference"), config.getoption("redl_save_reference")
    report = config.getoption("redl_report")
    reports = config.rootpath / "reports"
    reference = find_reference(profile.name, reports) if given is None else Path(given)
    custom_settings = (*(setting.name for setting in own.settings), *_composed(config))
    return SuiteOptions(
        study=Study(
            profile=profile.name,
            seeds=profile.seeds,
            scales=profile.scales,
            datasets=data.datasets,
            models=named or (*Model, *custom_models),
            named=bool(named),
            custom_settings=custom_settings,
            bfloat16=computes_bfloat16(),
        ),
        data=data,
        run=RunOptions(
            profile=profile,
            custom_models=custom_models,
            custom_settings={setting.name: setting for setting in own.settings},
            **({} if timeout_s is None else {"timeout_s": timeout_s}),
            retries=retries or 0,
            settle_s=settle_s or 0.0,
            half_dtype=None if half_dtype == "auto" else half_dtype,
            weights=weights,
            plain=config.getoption("redl_plain"),
            tf32=config.getoption("redl_tf32"),
            assumptions=read_assumptions(config),
        ),
        fleet=fleet_options(config),
        deployment=deployment_options(config, (*Setting, *custom_settings)),
        budgets=_budgets(config),
        most_batch=value_or_none(
            config, "most_batch", int, "give a whole number above 1, e.g. 64", lambda number: number > 1
        ),
        reference=reference,
        save_reference=None if save_reference is None else Path(save_reference),
        gate=gate_options(config, profile, reference),
        verdict=verdict_options(config),
        report=None if report is None else Path(report),
        resume=config.getoption("redl_resume"),
        plan=plan_options(config),
    )


def read_assumptions(config: pytest.Config) -> Assumptions:
    """Read what no sensor can measure; raise OptionError for a value that cannot be used."""
    pue = value_or_none(config, "pue", float, "give a factor of 1 or more, e.g. 1.2")
    return Assumptions(
        country=config.getoption("redl_country"),
        g_per_kwh=value_or_none(config, "carbon_intensity", float, "give grams of CO2eq per kWh, e.g. 120"),
        pue=1.0 if pue is None else pue,
        cpu_tdp_w=value_or_none(config, "cpu_tdp", float, "give watts, e.g. 65"),
    )


def _budgets(config: pytest.Config) -> tuple[int, ...]:
    """Return the caps in bytes; raise OptionError for one that is no size."""
    asked = [text for text in (config.getoption("redl_budgets") or "").split(",") if text]
    return tuple(dict.fromkeys(bytes_of(text, option="--redl-budgets") for text in asked))


def _composed(config: pytest.Config) -> list[str]:
    """Return the settings that are to be trained too; raise OptionError for one that is none."""
    asked = [name for name in (config.getoption("redl_settings") or "").split(",") if name]
    for name in asked:
        try:
            compose(name)
        except OptionError as error:
            raise OptionError(f"--redl-settings: {error}") from None
    return [name for name in dict.fromkeys(asked) if name not in list(Setting)]


def _models(
    declared: tuple[CustomModel, ...], asked: list[str]
) -> tuple[dict[str, CustomModel], tuple[str, ...]]:
    """Return custom networks by name, and the names of the requested ones, if any."""
    own = {model.name: model for model in declared}
    own |= {
        name: CustomModel(name=name, timm=name)
        for name in asked
        if name not in own and name not in list(Model)
    }
    return own, tuple(dict.fromkeys(asked))
