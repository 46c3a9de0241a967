"""The fixtures: a case, the process that it runs in, what keeps its record, and the energy of any block."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from redl.errors import ModelError, OptionError, RedlError
from redl.plugin.session import SESSION, RedlSession
from redl.study.case import Case

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

    from redl.deployment.runtime import Serving
    from redl.execution.case_process import CaseProcess
    from redl.plugin.carbon import Carbon
    from redl.plugin.options.suite import SuiteOptions
    from redl.plugin.progress import Progress
    from redl.plugin.resume import TakenOver
    from redl.record import Record
    from redl.record.deployment import Deployment
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
    redl_session: RedlSession, redl_prepared: Callable[[str], Path], redl_progress: Progress
) -> Mapping[str, TakenOver]:
    """Return the cases that are taken over from an earlier run, by id, and say how many they are."""
    with _one_line():
        redl_session.begin(lambda dataset: _fingerprint(redl_prepared(dataset)))
    if redl_session.safekeeping.words:
        redl_progress.say(redl_session.safekeeping.words)
    return redl_session.safekeeping.taken


@pytest.fixture(scope="session")
def redl_exports(
    redl_options: SuiteOptions, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Case], AbstractContextManager[Path]]:
    """Return a function whose context is the folder of a case's exported files.

    At its end all of them are deleted, or only those of patients and of this machine.
    """
    from redl.deployment.files import Files

    @contextmanager
    def folder(case: Case) -> Iterator[Path]:
        kept = redl_options.deployment.exports
        found = (kept or tmp_path_factory.getbasetemp() / "redl-exports") / case.id
        Files(folder=found).clear()
        yield found
        shutil.rmtree(Files(folder=found).work if kept else found, ignore_errors=True)

    return folder


@pytest.fixture(scope="session")
def redl_case_process(
    redl_case: Case,
    redl_session: RedlSession,
    redl_options: SuiteOptions,
    redl_prepared: Callable[[str], Path],
    redl_resumed: Mapping[str, TakenOver],
    redl_exports: Callable[[Case], AbstractContextManager[Path]],
    redl_progress: Progress,
) -> Iterator[CaseProcess | TakenOver]:
    """Run one case in a process of its own, which ends with the last test of the case.

    A case that is taken over from an earlier run has a stand-in that answers what was found there.
    """
    from redl.execution.case_process import CaseProcess, start_case
    from redl.execution.epoch_folder import remove_epochs
    from redl.execution.job import Job
    from redl.execution.stamp import stamp_of

    if redl_case.id in redl_resumed:
        yield redl_resumed[redl_case.id]
        return
    run = redl_options.run
    with _one_line():
        prepared = redl_prepared(redl_case.dataset)
        stamp = stamp_of(redl_case, run, _fingerprint(prepared))
    redl_session.stamps[redl_case.id] = stamp
    epochs = redl_session.safekeeping.epochs_of(redl_case.id, stamp)
    with redl_exports(redl_case) as exports:
        job = Job(case=redl_case, prepared=prepared, options=run, epochs=epochs, exports=exports)
        redl_session.jobs[redl_case.id] = job
        case_process = CaseProcess(
            redl_case,
            start_case(job),
            timeout_s=run.timeout_s,
            retries=run.retries,
            on_epoch=redl_progress.epochs(redl_case.id, run.profile.of(redl_case.model)),
        )
        yield case_process
        case_process.close()
    kept = redl_session.records.get(redl_case.id)
    if epochs is not None and kept is not None and kept.metrics is not None:
        remove_epochs(epochs)


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


@pytest.fixture
def redl_deploy(
    request: pytest.FixtureRequest, redl_serving: Serving, redl_session: RedlSession
) -> Callable[[CaseProcess | TakenOver], Deployment]:
    """Return a function that measures the trained network of a case in the runtime of this test.

    What it finds goes into the benchmark's `extra_info`. The test is skipped if a package is not installed.
    """
    from redl.deployment.deploying import Deployed
    from redl.deployment.runtime import check_installed
    from redl.plugin.resume import TakenOver
    from redl.record.deployment import Deployment
    from redl.results.store import DEPLOYMENT_KEY

    try:
        check_installed(redl_serving.runtime)
    except OptionError as error:
        pytest.skip(str(error))
    benchmark: BenchmarkFixture = request.getfixturevalue("benchmark")

    def deploy(case_process: CaseProcess | TakenOver) -> Deployment:
        case = case_process.case.id
        if isinstance(case_process, TakenOver):
            found = Deployment.from_json(case_process.extra_info(benchmark.fullname)[DEPLOYMENT_KEY])
        else:
            case_process.export()
            predictions, record = case_process.predictions(), case_process.finish()
            if predictions is None or record.metrics is None:
                pytest.fail(f"{case}: there is no trained network ({record.reason})", pytrace=False)
            try:
                job = redl_session.jobs[case]
                found = Deployed(job=job, record=record, answered=predictions).measure(redl_serving)
            except ModelError as error:
                pytest.fail(str(error), pytrace=False)
        benchmark.extra_info[DEPLOYMENT_KEY] = found.to_json()
        redl_session.deployments[f"{case}-{redl_serving.name}"] = found
        return found

    return deploy


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
