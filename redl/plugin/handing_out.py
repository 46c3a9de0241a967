"""Handing out: all selected cases go to the workers once the selection is known, the longest first."""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from redl.errors import RedlError
from redl.plugin.session import RedlSession
from redl.study.case import Case

if TYPE_CHECKING:
    from redl.execution.job import Job
    from redl.execution.stamp import Value
    from redl.fleet.events import OnEvent
    from redl.fleet.fleet import Engine, Fleet
    from redl.fleet.task import Task
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
    redl_resumed: Mapping[str, TakenOver],
    redl_job: Callable[[Case], Job],
) -> Fleet | None:
    """Return the workers, which have all cases that are to run."""
    if redl_fleet is None:
        return None
    from redl.plugin.options.gate import reports_of

    tasks = tasks_of(redl_session, redl_resumed, redl_job)
    expected = expected_seconds(
        [task.job.case for task in tasks],
        redl_session.options,
        reports_of(pytestconfig),
        redl_fleet.environment(),
    )
    redl_fleet.submit(sorted(tasks, key=lambda task: expected[task.case], reverse=True))
    return redl_fleet


def tasks_of(session: RedlSession, resumed: Container[str], job_of: Callable[[Case], Job]) -> list[Task]:
    """Return the tasks of the cases whose process some tests want, but for those that are taken over."""
    from redl.deployment.runtime import missing_packages
    from redl.fleet.task import Task

    lacking, options = missing_packages(), session.options  # the tests of what is lacking are skipped
    return [
        Task(
            job=job_of(one.case),
            below=Path.cwd(),
            data=options.data,
            fingerprint=session.stamps[one.case.id].data,
            servings=tuple(each for each in one.servings if each.runtime.needs_torch or not lacking),
            keeps_exports=options.deployment.exports is not None,
        )
        for one in session.wanted.values()
        if one.case.id not in resumed
    ]


def expected_seconds(
    cases: Sequence[Case], options: SuiteOptions, reports: Path, environment: Mapping[str, Value]
) -> dict[str, float]:
    """Return the seconds that saved runs of such workers tell of each case; infinite where none does.

    What is not known may be long, so it begins first.
    """
    from redl.results.forecast.forecast import forecast
    from redl.results.forecast.history import machine_of_workers, read_history

    paths = sorted(reports.glob("*/[0-9][0-9][0-9][0-9]*_*.json"))
    history = read_history(paths, machine_of_workers(environment))
    found = forecast(cases, options.run, options.data, history).expected
    return {one.case.id: math.inf if one.cost is None else one.cost.seconds for one in found}


def _engine(options: FleetOptions, on_event: OnEvent) -> Engine:
    if options.dask is None:
        from redl.fleet.local import LocalEngine

        return LocalEngine(options.seats, shared=options.share, on_event=on_event)
    from redl.fleet.cluster import Cluster
    from redl.fleet.dask_engine import DaskEngine

    return DaskEngine(Cluster(options.dask, share=options.share), on_event=on_event)
