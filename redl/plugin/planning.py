"""The plan: what the selected cases would take, in place of running them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redl.results.forecast.forecast import forecast
from redl.results.forecast.history import read_history, this_machine
from redl.results.forecast.text import forecast_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redl.plugin.options.suite import SuiteOptions
    from redl.study.case import Case


def plan(cases: Sequence[Case], options: SuiteOptions, *, width: int) -> str:
    """Return what cases would take, told from saved runs.

    Raise RecordError for a named run that is damaged.
    """
    asked = options.plan
    assert asked is not None, "a plan was asked for"
    if not cases:
        return "no case is selected, so there is nothing to plan\n"
    history = read_history(asked.runs, this_machine(), named=asked.named)
    return forecast_text(forecast(cases, options.run, options.data, history), width=width)
