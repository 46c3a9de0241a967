"""Handing out: all selected cases go to the workers once the selection is known, the longest first."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from redl.errors import RedlError
from redl.plugin.session import RedlSession
from redl.study.case import Case

if TYPE_CHECKING:
    from redl.execution.job import Job
    from redl.fleet.events import OnEvent
    from redl.fleet.fleet import Engine, Fleet
    from redl.plugin.options.fleet import FleetOptions
    from redl.plugin.options.suite import SuiteOptions
    from redl.plugin.progress import Progress
    from redl.plugin.resume import TakenOver


@pytest.fixture(scope="session")
def redl_fleet(
    redl_session: RedlSession, redl_options: SuiteOptions, redl_progress: Progress
) -> Iterator[Fleet | None]:
    """Return the workers, without any case yet; None where cases run one at a time, here."""
    options = redl_options.fleet
    if options is None:
        yield None
        return
    from redl.fleet.fleet import Fleet

    try:
        fleet = Fleet(lambda on_event: _engine(options, on_event), redl_progress)
    except RedlError as error:
        pytest.exit(str(error), returncode=pytest.ExitCode.USAGE_ERROR)
    redl_session.fleet = fleet
    yield fleet
    with redl_session.interruption.shield():
        fleet.close()


@pytest.fixture(scope="session")
def redl_handed_out(
    pytestconfig: pytest.Config,
    redl_fleet: Fleet | None,
    redl_session: RedlSession,
    redl_options: SuiteOptions,
    redl_resumed: Mapping[str, TakenOver],
    redl_job: Callable[[Case], Job],
) -> Fleet | None:
    """Return the workers, which have all cases that are to run."""
    if redl_fleet is None:
        return None
    from redl.deployment.runtime import missing_packages
    from redl.fleet.task import Task

    lacking = missing_packages()  # whose tests are skipped
    wanted = [one for one in redl_session.wanted.values() if one.case.id not in redl_resumed]
    tasks = {
        one.case.id: Task(
            job=redl_job(one.case),
            below=Path.cwd(),
            data=redl_options.data,
            fingerprint=redl_session.stamps[one.case.id].data,
            servings=tuple(each for each in one.servings if each.runtime.needs_torch or not lacking),
            keeps_exports=redl_options.deployment.exports is not None,
        )
        for one in sorted(wanted, key=lambda one: one.case.id)
    }
    expected = _expected([one.case for one in wanted], redl_options, pytestconfig, redl_fleet)
    redl_fleet.submit([tasks[case] for case in sorted(expected, key=expected.__getitem__, reverse=True)])
    return redl_fleet


def _engine(options: FleetOptions, on_event: OnEvent) -> Engine:
    if options.dask is None:
        from redl.fleet.local import LocalEngine

        return LocalEngine(options.seats, shared=options.share, on_event=on_event)
    from redl.fleet.cluster import Cluster
    from redl.fleet.dask_engine import DaskEngine

    return DaskEngine(Cluster(options.dask, share=options.share), on_event=on_event)


def _expected(
    cases: Sequence[Case], options: SuiteOptions, config: pytest.Config, fleet: Fleet
) -> dict[str, float]:
    """Return the seconds that saved runs tell of each case; others may be long, so they come first."""
    from redl.plugin.options.gate import reports_of
    from redl.results.forecast.forecast import forecast
    from redl.results.forecast.history import machine_of_workers, read_history

    paths = sorted(reports_of(config).glob("*/[0-9][0-9][0-9][0-9]*_*.json"))
    history = read_history(paths, machine_of_workers(fleet.environment()))
    found = forecast(cases, options.run, options.data, history).expected
    return {one.case.id: math.inf if one.cost is None else one.cost.seconds for one in found}
