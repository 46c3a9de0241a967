"""The plan: what the selected cases would take, in place of running them."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from redl.data.counting import count_images
from redl.errors import OptionError, RedlError
from redl.results.forecast.forecast import forecast, unknown_sorts
from redl.results.forecast.history import machine_of_workers, read_history, this_machine
from redl.results.forecast.measuring import OnSort, measure
from redl.results.forecast.text import forecast_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from redl.plugin.options.fleet import FleetOptions
    from redl.plugin.options.suite import SuiteOptions
    from redl.record import Counts
    from redl.study.case import Case


def _silently(done: int, total: int) -> None:
    """Show no progress."""


def plan(cases: Sequence[Case], options: SuiteOptions, *, width: int, on_sort: OnSort = _silently) -> str:
    """Return what cases would take, told from saved runs, and by measured steps where that was asked for.

    `on_sort` is called after each sort of case that was measured. Raise RedlError for a named run that is
    damaged, or a cluster that cannot be asked or measured.
    """
    asked = options.plan
    assert asked is not None, "a plan was asked for"
    if not cases:
        return "no case is selected, so there is nothing to plan\n"
    if asked.measures and options.fleet is not None and options.fleet.dask is not None:
        raise OptionError(
            "a cluster's machines are not measured from here; measure on one, by --redl-workers"
        )
    history = read_history(asked.runs, _machine(options.fleet), named=asked.named)
    sorts = unknown_sorts(cases, options.run, history) if asked.measures else []
    with _where(options.fleet):
        measured = measure(sorts, options.run, on_sort)
    found = forecast(
        cases,
        options.run,
        options.data,
        history,
        counted={name: _counted(name, options) for name in dict.fromkeys(case.dataset for case in cases)},
        measured=measured,
    )
    return forecast_text(found, width=width)


def _machine(fleet: FleetOptions | None) -> Mapping[str, object]:
    """Return what decides how fast a case trains: this machine, or what one of its workers has."""
    if fleet is None:
        return this_machine()
    if fleet.dask is None:
        from redl.fleet.seat import environment_on

        return machine_of_workers(environment_on(fleet.seats[0]))
    from redl.fleet.cluster import Cluster

    cluster = Cluster(fleet.dask, share=fleet.share)
    try:
        return machine_of_workers(cluster.environment())
    finally:
        cluster.client.close()


def _where(fleet: FleetOptions | None) -> AbstractContextManager[None]:
    """Return the context of what is measured: with workers, what one of them has."""
    if fleet is None or not fleet.seats:
        return nullcontext()
    from redl.fleet.seat import seated

    return seated(fleet.seats[0])


def _counted(dataset: str, options: SuiteOptions) -> Counts | str:
    """Return how many images a data set has, or in a line why that cannot be counted."""
    try:
        return count_images(dataset, options.run.profile, options.data)
    except (RedlError, OSError) as error:
        return str(error) if isinstance(error, RedlError) else type(error).__name__
