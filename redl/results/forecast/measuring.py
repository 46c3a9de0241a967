"""Measuring: the rates of cases that no saved run tells, by a few steps of each sort."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from redl.errors import ModelError
from redl.execution.job import RunOptions
from redl.execution.pace import PaceJob, measure_pace
from redl.results.forecast.history import Sort
from redl.results.forecast.rate import Rate, rate_measured

OnSort = Callable[[int, int], None]  # measured, in all


def measure(sorts: Iterable[Sort], options: RunOptions, on_sort: OnSort) -> dict[Sort, Rate | str]:
    """Return the rate of each sort of case, or in a line why it could not be measured."""
    wanted, found = list(sorts), {}
    for number, sort in enumerate(wanted, start=1):
        found[sort] = _measured(sort, options)
        on_sort(number, len(wanted))
    return found


def _measured(sort: Sort, options: RunOptions) -> Rate | str:
    job = PaceJob(model=sort.model, setting=sort.setting, downsample=sort.downsample, options=options)
    try:
        return rate_measured(measure_pace(job))
    except ModelError as error:
        return str(error)
