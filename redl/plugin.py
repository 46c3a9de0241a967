"""The pytest plugin: options, one parametrised fixture for every case, and the table at the end.

It holds no logic of the study and imports nothing heavy, so that collecting every case takes no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from redl import hooks
from redl.case import Case, matrix
from redl.errors import OptionError, RedlError
from redl.options import Options, add_options, read_options
from redl.progress import Progress
from redl.results.judgement import Judgement, baseline_of, judge
from redl.results.store import load_records

if TYPE_CHECKING:
    from redl.carbon import Carbon
    from redl.execution.trial import Trial
    from redl.record import Record

OPTIONS = pytest.StashKey[Options]()
JUDGEMENTS = pytest.StashKey[dict[str, Judgement]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add redl's options."""
    add_options(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Let a conftest.py add to the suite."""
    pluginmanager.add_hookspecs(hooks)


def pytest_configure(config: pytest.Config) -> None:
    """Refuse options that cannot be used before anything runs."""
    try:
        folders = [one for some in config.hook.pytest_redl_datasets(config=config) for one in some]
        config.stash[OPTIONS] = read_options(config, folders)
    except RedlError as error:
        raise pytest.UsageError(str(error)) from error
    config.stash[JUDGEMENTS] = {}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test of each case of the study for every test that takes `redl_case`, directly or not."""
    if "redl_case" in metafunc.fixturenames:
        options = metafunc.config.stash[OPTIONS]
        cases = matrix(options.profile.name, options.profile.seeds, options.data.datasets)
        # Session scope groups all tests of a case, so that they share its one process.
        metafunc.parametrize("redl_case", cases, ids=[case.id for case in cases], scope="session")


@pytest.fixture(scope="session")
def redl_options(pytestconfig: pytest.Config) -> Options:
    """Return redl's options."""
    return pytestconfig.stash[OPTIONS]


@pytest.fixture(scope="session")
def redl_progress(pytestconfig: pytest.Config) -> Progress:
    """Return what tells the user how far a long step has come."""
    return Progress(pytestconfig)


@pytest.fixture(scope="session")
def redl_prepared(redl_options: Options, redl_progress: Progress) -> Callable[[str], Path]:
    """Return a function that prepares a data set and says where it lies."""

    @cache
    def prepared_once(dataset: str) -> Path:
        from redl.execution.inputs import prepare_dataset

        profile, data = redl_options.profile, redl_options.data
        with _one_line():
            try:
                return prepare_dataset(dataset, profile, data, on_progress=redl_progress.counting)
            except OSError as error:  # faults of the data themselves are DataErrors
                what = f"--redl-cache {data.cache}: {error.strerror}"
                raise OptionError(f"{what}; name a folder that can be written, with room") from error

    return prepared_once


@pytest.fixture(scope="session")
def redl_trial(
    redl_case: Case,
    redl_options: Options,
    redl_prepared: Callable[[str], Path],
    redl_progress: Progress,
) -> Iterator[Trial]:
    """Run one case in a process of its own, which ends with the last test of the case."""
    from redl.execution.job import Job
    from redl.execution.trial import Trial, start_case

    profile = redl_options.profile
    job = Job(
        case=redl_case,
        profile=profile,
        prepared=redl_prepared(redl_case.dataset),
        half_dtype=redl_options.half_dtype,
        weights=redl_options.weights,
        assumptions=redl_options.assumptions,
    )
    trial = Trial(
        redl_case,
        start_case(job),
        timeout_s=redl_options.timeout_s,
        on_epoch=redl_progress.epochs(redl_case.id, profile),
    )
    yield trial
    trial.close()


@pytest.fixture(scope="session")
def redl_judge(pytestconfig: pytest.Config, redl_options: Options) -> Callable[[Record], Judgement]:
    """Return a function that judges a record beside this run's baseline, else the reference's."""
    judgements = pytestconfig.stash[JUDGEMENTS]
    with _one_line():
        reference = load_records(redl_options.reference) if redl_options.reference else []

    def judged(record: Record) -> Judgement:
        records = [judgement.record for judgement in judgements.values()] + reference
        judgement = judge(record, redl_options.profile, baseline_of(record.case, records))
        judgements[record.case.id] = judgement
        return judgement

    return judged


@pytest.fixture
def carbon(request: pytest.FixtureRequest, redl_options: Options) -> Carbon:
    """Return what meters the energy of blocks of any test into its benchmark's `extra_info`."""
    from redl.carbon import Carbon

    benchmark = request.getfixturevalue("benchmark") if "benchmark" in request.fixturenames else None
    extra_info = {} if benchmark is None else benchmark.extra_info
    return Carbon(redl_options.assumptions, extra_info, request.node.user_properties)


@contextmanager
def _one_line() -> Iterator[None]:
    """End the session with one line, and no traceback, for a fault that the user can mend."""
    try:
        yield
    except RedlError as error:
        pytest.exit(str(error), returncode=pytest.ExitCode.USAGE_ERROR)


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_machine_info(config: pytest.Config, machine_info: dict[str, Any]) -> None:
    """Keep the host's name out of the reports that redl's cases go into."""
    if config.stash[JUDGEMENTS]:
        machine_info["node"] = ""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print what the cases scored and cost, as the paper's Table 1 does."""
    if judgements := list(config.stash[JUDGEMENTS].values()):
        from redl.results.tables import table_1

        terminalreporter.section("redl")
        terminalreporter.write(table_1(judgements, width=max(terminalreporter._tw.fullwidth, 120)))  # noqa: SLF001
