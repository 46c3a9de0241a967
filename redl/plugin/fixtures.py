"""The fixtures: a case, the process that it runs in, what keeps its record, and the energy of any block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from redl.errors import OptionError, RedlError
from redl.plugin.session import SESSION, RedlSession
from redl.study.case import Case

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

    from redl.execution.case_process import CaseProcess
    from redl.execution.job import Job
    from redl.fleet.fleet import Fleet
    from redl.plugin.answered import AnsweredCase
    from redl.plugin.carbon import Carbon
    from redl.plugin.options.suite import SuiteOptions
    from redl.plugin.progress import Progress
    from redl.plugin.resume import TakenOver
    from redl.record import Record
    from redl.results.checks import CaseCheck


@pytest.fixture(scope="session")
def redl_session(pytestconfig: pytest.Config) -> RedlSession:
    """Return the state of this run."""
    return pytestconfig.stash[SESSION]


@pytest.fixture(scope="session")
def redl_options(redl_session: RedlSession) -> SuiteOptions:
    """Return redl's options."""
    with _one_line():
        return redl_session.options


@pytest.fixture(scope="session")
def redl_progress(pytestconfig: pytest.Config) -> Progress:
    """Return the display of how far a long step has come."""
    from redl.plugin.progress import Progress

    return Progress(pytestconfig)


@pytest.fixture(scope="session")
def redl_prepared(redl_options: SuiteOptions, redl_progress: Progress) -> Callable[[str], Path]:
    """Return a function that prepares a data set and returns its folder."""

    @cache
    def prepared_once(dataset: str) -> Path:
        from redl.data.confidential import confidential
        from redl.data.datasets import prepare_dataset

        profile, data = redl_options.run.profile, redl_options.data
        with _one_line(), confidential(dataset):
            try:
                return prepare_dataset(dataset, profile, data, on_progress=redl_progress.counting)
            except OSError as error:  # faults of the data themselves are DataErrors
                what = f"--redl-cache {data.cache}: {error.strerror}"
                raise OptionError(f"{what}; name a folder that can be written, with room") from error

    return prepared_once


@pytest.fixture(scope="session")
def redl_resumed(
    redl_session: RedlSession,
    redl_fleet: Fleet | None,  # noqa: ARG001 - whose machine decides what can be taken over
    redl_prepared: Callable[[str], Path],
    redl_progress: Progress,
) -> Mapping[str, TakenOver]:
    """Return the cases that are taken over from an earlier run, by id, and say how many they are."""
    with _one_line():
        redl_session.begin(lambda dataset: _fingerprint(redl_prepared(dataset)))
    if redl_session.safekeeping.words:
        redl_progress.say(redl_session.safekeeping.words)
    return redl_session.safekeeping.taken


@pytest.fixture(scope="session")
def redl_job(
    redl_session: RedlSession,
    redl_options: SuiteOptions,
    redl_prepared: Callable[[str], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[Case], Job]:
    """Return a function that prepares the data of a case, notes its stamp, and returns its job."""
    from redl.execution.job import Job

    exports = redl_options.deployment.exports or tmp_path_factory.getbasetemp() / "redl-exports"

    def job_of(case: Case) -> Job:
        with _one_line():
            prepared = redl_prepared(case.dataset)
            stamp = redl_session.stamp_of(case, _fingerprint(prepared))
        epochs = redl_session.safekeeping.epochs_of(case.id, stamp)
        redl_session.stamps[case.id], redl_session.epochs[case.id] = stamp, epochs
        exports.mkdir(parents=True, exist_ok=True)
        return Job(
            case=case,
            prepared=prepared,
            options=redl_options.run,
            epochs=epochs,
            exports=exports / case.id,
        )

    return job_of


@pytest.fixture(scope="session")
def redl_case_process(
    redl_case: Case,
    redl_session: RedlSession,
    redl_resumed: Mapping[str, TakenOver],
    redl_handed_out: Fleet | None,
    redl_job: Callable[[Case], Job],
    redl_options: SuiteOptions,
    redl_progress: Progress,
) -> Iterator[CaseProcess | AnsweredCase | TakenOver]:
    """Run one case in a process of its own, which ends with the last test of the case.

    A case that is taken over from an earlier run has a stand-in that answers what was found there, and one
    that workers run, one that waits for them.
    """
    if redl_case.id in redl_resumed:
        yield redl_resumed[redl_case.id]
        return
    if redl_handed_out is not None:
        from redl.plugin.answered import AnsweredCase

        yield AnsweredCase(redl_case, redl_handed_out, redl_session.clock)
    else:
        with _process(redl_job(redl_case), redl_session, redl_options, redl_progress) as case_process:
            yield case_process
    _forget_epochs(redl_case, redl_session)


@pytest.fixture
def redl_keep(
    request: pytest.FixtureRequest,
    benchmark: BenchmarkFixture,
    redl_session: RedlSession,
    record_testsuite_property: Callable[[str, object], None],
) -> Iterator[Callable[[CaseProcess], Record]]:
    """Return a function that finishes a case and keeps its record with the test's benchmark.

    The record is in the journal when the function returns, and so are the predictions, which are saved with
    the first test of a case that keeps them.
    """
    import msgspec

    from redl.results.gate.figure import figures_of
    from redl.results.store import KEY, PREDICTIONS_KEY, STAMP_KEY

    redl_session.record_property = record_testsuite_property
    with _one_line():
        redl_session.begin()
    kept: list[str] = []

    def keep(case_process: CaseProcess) -> Record:
        predictions = case_process.predictions()
        record = case_process.finish()
        case = record.case.id
        with redl_session.interruption.shield():
            benchmark.extra_info[KEY] = record.to_json()
            redl_session.records[case] = record
            if predictions is not None and case not in redl_session.predictions:
                benchmark.extra_info[PREDICTIONS_KEY] = predictions.to_json()
                redl_session.predictions[case] = predictions
            if case in redl_session.stamps:
                benchmark.extra_info[STAMP_KEY] = msgspec.to_builtins(redl_session.stamps[case])
            redl_session.safekeeping.commit(benchmark, case)
            kept.append(case)
        request.node.user_properties.extend(figures_of(record).items())
        return record

    yield keep
    if kept:  # the test may have said more since
        with redl_session.interruption.shield():
            redl_session.safekeeping.commit(benchmark, kept[-1])


@pytest.fixture(scope="session")
def redl_check(redl_session: RedlSession, redl_options: SuiteOptions) -> Callable[[Record], CaseCheck]:
    """Return a function that checks a record against others of this run and the reference's bands."""
    from redl.results.checks import check_case, companion_of
    from redl.results.reference import load_reference

    checks = redl_session.checks
    with _one_line():
        path = None if redl_options.save_reference else redl_options.reference
        reference = load_reference(path) if path else None

    def check(record: Record) -> CaseCheck:
        companion = companion_of(record.case, (checked.record for checked in checks.values()))
        band = reference.band_of(record.case) if reference else None
        checks[record.case.id] = check_case(record, redl_options.run.profile, companion, band)
        return checks[record.case.id]

    return check


@pytest.fixture
def carbon(request: pytest.FixtureRequest, redl_session: RedlSession) -> Carbon:
    """Return a meter of the energy of any block, whose figures go into the benchmark's `extra_info`."""
    from redl.plugin.carbon import Carbon

    benchmark = request.getfixturevalue("benchmark") if "benchmark" in request.fixturenames else None
    extra_info = {} if benchmark is None else benchmark.extra_info
    with _one_line():
        return Carbon(redl_session.assumptions, extra_info, request.node.user_properties)


@contextmanager
def _process(
    job: Job, session: RedlSession, options: SuiteOptions, progress: Progress
) -> Iterator[CaseProcess]:
    """Yield the process of a case, as a child of this one, which has its GPU to itself."""
    from redl.deployment.files import exporting
    from redl.execution.case_process import CaseProcess, start_case
    from redl.fleet.gpu_lock import gpu_lock
    from redl.fleet.seat import first_gpu

    session.jobs[job.case.id] = job
    waits = f"{job.case.id}: waits for its GPU, where another run's case computes"
    assert job.exports is not None, "every job of a run has a folder for them"
    with (
        gpu_lock(first_gpu(), lambda: progress.say(waits)),
        exporting(job.exports, kept=options.deployment.exports is not None),
    ):
        case_process = CaseProcess(
            job.case,
            start_case(job),
            timeout_s=job.options.timeout_s,
            retries=job.options.retries,
            on_epoch=progress.epochs(job.case.id, job.options.profile.of(job.case.model)),
        )
        yield case_process
        case_process.close()


def _forget_epochs(case: Case, session: RedlSession) -> None:
    """Delete the epochs of a case that has found what it was run for."""
    from redl.execution.epoch_folder import remove_epochs

    kept, epochs = session.records.get(case.id), session.epochs.get(case.id)
    if epochs is not None and kept is not None and kept.metrics is not None:
        remove_epochs(epochs)


@cache
def _fingerprint(prepared: Path) -> str:
    from redl.data.cache.entry import open_prepared

    return open_prepared(prepared).fingerprint


@contextmanager
def _one_line() -> Iterator[None]:
    """Exit with a one-line message for errors that users can fix."""
    try:
        yield
    except RedlError as error:
        pytest.exit(str(error), returncode=pytest.ExitCode.USAGE_ERROR)
