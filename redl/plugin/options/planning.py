"""Options of the plan: which saved runs it is told from, and whether what they lack is measured."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from redl.plugin.options.gate import reports_of
from redl.results.gate.baseline import find_run

ALL = ""  # --redl-plan without a value: every saved run
MEASURE = "measure"  # the same, and a few steps of what no run tells


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanOptions:
    """Saved runs, the newest last, and whether they were named, so that each must be readable.

    `measures` says that cases which the runs do not tell are measured by a few steps.
    """

    runs: tuple[Path, ...]
    named: bool
    measures: bool = False


def plan_options(config: pytest.Config) -> PlanOptions | None:
    """Return the saved runs that a plan is told from; None without --redl-plan.

    Raise OptionError for a run that is not there.
    """
    asked: str | None = config.getoption("redl_plan")
    if asked is None:
        return None
    reports = reports_of(config)
    measures, named = asked == MEASURE, asked not in {ALL, MEASURE}
    if named:
        return PlanOptions(runs=tuple(find_run(one, reports) for one in asked.split(",")), named=True)
    runs = tuple(sorted(reports.glob("*/[0-9][0-9][0-9][0-9]*_*.json")))
    return PlanOptions(runs=runs, named=False, measures=measures)
