"""The plan: what the selected cases would take, in place of running them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redl.data.counting import count_images
from redl.errors import RedlError
from redl.results.forecast.forecast import forecast, unknown_sorts
from redl.results.forecast.history import read_history, this_machine
from redl.results.forecast.measuring import OnSort, measure
from redl.results.forecast.text import forecast_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redl.plugin.options.suite import SuiteOptions
    from redl.record import Counts
    from redl.study.case import Case


def _silently(done: int, total: int) -> None:
    """Show no progress."""


def plan(cases: Sequence[Case], options: SuiteOptions, *, width: int, on_sort: OnSort = _silently) -> str:
    """Return what cases would take, told from saved runs, and by measured steps where that was asked for.

    `on_sort` is called after each sort of case that was measured. Raise RecordError for a named run that is
    damaged.
    """
    asked = options.plan
    assert asked is not None, "a plan was asked for"
    if not cases:
        return "no case is selected, so there is nothing to plan\n"
    history = read_history(asked.runs, this_machine(), named=asked.named)
    sorts = unknown_sorts(cases, options.run, history) if asked.measures else []
    found = forecast(
        cases,
        options.run,
        options.data,
        history,
        counted={name: _counted(name, options) for name in dict.fromkeys(case.dataset for case in cases)},
        measured=measure(sorts, options.run, on_sort),
    )
    return forecast_text(found, width=width)


def _counted(dataset: str, options: SuiteOptions) -> Counts | str:
    """Return how many images a data set has, or in a line why that cannot be counted."""
    try:
        return count_images(dataset, options.run.profile, options.data)
    except (RedlError, OSError) as error:
        return str(error) if isinstance(error, RedlError) else type(error).__name__
