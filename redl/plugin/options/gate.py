"""Options of the gate: what a run is compared with and by which rules, and the margin of its verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from redl.errors import OptionError
from redl.plugin.options.values import pyproject_of, spelled
from redl.results.gate.baseline import find_baseline, find_run, load_base
from redl.results.gate.rule import Rule, rules_from
from redl.results.metric import Metric, metric_named
from redl.results.noninferiority.margin import read_margin
from redl.results.reference import Reference, load_reference
from redl.results.store import Run
from redl.study.profile import Profile

BARE = ""  # --redl-compare without a value: the baseline of the profile


@dataclass(frozen=True, kw_only=True, slots=True)
class GateOptions:
    """The run to compare with, which is read before this one can be saved, the rules, and the noise."""

    base: Run
    reference: Reference | None
    rules: tuple[Rule, ...]
    other_machine: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class VerdictOptions:
    """The margin of non-inferiority, fixed beforehand, its metric, and whether seed variances are pooled."""

    margin: float
    metric: Metric
    pool_seeds: bool


def gate_options(config: pytest.Config, profile: Profile, reference: Path | None) -> GateOptions | None:
    """Return the gate's options, with its baseline and reference read; None without --redl-compare.

    Raise RedlError for a baseline that cannot be used, and for rules without one.
    """
    named: str | None = config.getoption("redl_compare")
    given: list[str] = config.getoption("redl_fail")
    if named is None:
        if given:
            raise OptionError(
                f"--redl-fail={given[0]}: needs --redl-compare, which gives the run to compare with"
            )
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
    """Return the options of verdicts; None without --redl-verdict.

    Raise OptionError for a margin or a metric that cannot be used, and for pooling without a margin.
    """
    margin: str | None = config.getoption("redl_verdict")
    named: str = config.getoption("redl_verdict_metric") or Metric.ACCURACY
    metric = metric_named(named, option=spelled("verdict_metric"))
    pool_seeds: bool = config.getoption("redl_verdict_pool_seeds")
    if margin is None:
        if pool_seeds:
            raise OptionError(
                f"{spelled('verdict_pool_seeds')}: needs --redl-verdict, which gives the margin"
            )
        return None
    return VerdictOptions(
        margin=read_margin(margin, option=spelled("verdict")), metric=metric, pool_seeds=pool_seeds
    )


def reports_of(config: pytest.Config) -> Path:
    """Return where runs are saved: pytest-benchmark's storage if that is a folder, else reports/."""
    storage: str = config.getoption("benchmark_storage", default="")
    folder = Path(storage.removeprefix("file://"))
    named = storage.startswith("file://") and folder.name != ".benchmarks"
    return config.rootpath / (folder if named else "reports")
