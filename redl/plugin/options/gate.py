"""The gate: what a run is compared with, by which rules, as the command line and pyproject.toml say."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from redl.errors import OptionError
from redl.plugin.options.values import choice, pyproject_of, value_or_none
from redl.results.gate.baseline import find_baseline, find_run, load_base
from redl.results.gate.rule import Rule, rules_from
from redl.results.metric import Metric
from redl.results.reference import Reference, load_reference
from redl.results.store import Run
from redl.study.profile import Profile

BARE = ""  # --redl-compare without a value: the baseline of the profile


@dataclass(frozen=True, kw_only=True, slots=True)
class GateOptions:
    """Hold the run to compare with, read before this one can be saved, the rules, and what is noise."""

    base: Run
    reference: Reference | None
    rules: tuple[Rule, ...]
    other_machine: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class VerdictOptions:
    """Hold the margin of non-inferiority, fixed beforehand, and what it is of."""

    margin: float
    metric: Metric


def gate_options(config: pytest.Config, profile: Profile, reference: Path | None) -> GateOptions | None:
    """Read the gate's options, its baseline and the reference; None without --redl-compare.

    Raise RedlError for a baseline that cannot be used, and for rules without one.
    """
    named: str | None = config.getoption("redl_compare")
    given: list[str] = config.getoption("redl_fail")
    if named is None:
        if given:
            raise OptionError(f"--redl-fail={given[0]}: needs --redl-compare, the run to compare with")
        return None
    reports = reports_of(config)
    path = find_baseline(profile.name, reports) if named == BARE else find_run(named, reports)
    return GateOptions(
        base=load_base(path),
        reference=None if reference is None else load_reference(reference),
        rules=tuple(rules_from(given, pyproject_of(config))),
        other_machine=config.getoption("redl_other_machine"),
    )


def verdict_options(config: pytest.Config) -> VerdictOptions | None:
    """Read the margin of non-inferiority and its metric; None without --redl-verdict."""
    remedy = "give a margin above 0 and below 1, as 0.02"
    margin = value_or_none(config, "verdict", float, remedy, lambda margin: 0 < margin < 1)
    metric = Metric(choice(config, "verdict_metric", tuple(Metric), default=Metric.ACCURACY))
    return None if margin is None else VerdictOptions(margin=margin, metric=metric)


def reports_of(config: pytest.Config) -> Path:
    """Return where runs are saved: pytest-benchmark's storage, where that is a folder, else reports/."""
    storage: str = config.getoption("benchmark_storage", default="")
    folder = Path(storage.removeprefix("file://"))
    named = storage.startswith("file://") and folder.name != ".benchmarks"
    return config.rootpath / (folder if named else "reports")
