"""The pytest plugin: options, one parametrised fixture for every case, and the table at the end.

It holds no logic of the study and imports nothing heavy, so that collecting every case takes no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from redl import hooks
from redl.case import Case
from redl.ending import Ending, Kept, endings
from redl.errors import OptionError, RedlError
from redl.options import Declared, Options, add_options, read_options
from redl.progress import Progress
from redl.results.gate.quantity import figures_of
from redl.results.judgement import Judgement, companion_of, judge
from redl.results.printed import PrintedRow, load_printed
from redl.results.reference import load_reference
from redl.results.store import KEY, PREDICTIONS_KEY, SELECTION_KEY, selection
from redl.selection import add_keywords, close_numbers

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

    from redl.carbon import Carbon
    from redl.execution.trial import Trial
    from redl.record import Record

OPTIONS = pytest.StashKey[Options]()
PRINTED = pytest.StashKey[Sequence[PrintedRow]]()
JUDGEMENTS = pytest.StashKey[dict[str, Judgement]]()
KEPT = pytest.StashKey[Kept]()
ENDINGS = pytest.StashKey[list[Ending]]()
PROPERTY = pytest.StashKey[Callable[[str, object], None]]()  # of the JUnit report


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add redl's options."""
    add_options(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Let a conftest.py add to the suite."""
    pluginmanager.add_hookspecs(hooks)


def pytest_configure(config: pytest.Config) -> None:
    """Refuse options that cannot be used before anything runs."""
    config.addinivalue_line("markers", "redl_downsampled: run the downsampled cases in place of the others")
    try:
        config.stash[OPTIONS] = read_options(config, _brought(config))
        config.stash[PRINTED] = load_printed(config.rootpath / "reports" / "paper")
    except RedlError as error:
        raise pytest.UsageError(str(error)) from error
    config.stash[JUDGEMENTS], config.stash[KEPT], config.stash[ENDINGS] = {}, Kept(), []
    config.option.keyword = close_numbers(config.option.keyword)


def _brought(config: pytest.Config) -> Declared:
    """Ask every conftest.py for what it brings."""
    hook = config.hook
    return Declared(
        folders=tuple(chain.from_iterable(hook.pytest_redl_datasets(config=config))),
        models=tuple(chain.from_iterable(hook.pytest_redl_models(config=config))),
        settings=tuple(chain.from_iterable(hook.pytest_redl_settings(config=config))),
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test of each case of the study for every test that takes `redl_case`, directly or not.

    One that is marked `redl_downsampled` takes the downsampled cases in place of the others.
    """
    if "redl_case" in metafunc.fixturenames:
        study = metafunc.config.stash[OPTIONS].study
        downsampled = metafunc.definition.get_closest_marker("redl_downsampled")
        cases = study.downsampled_cases() if downsampled else study.cases()
        # Session scope groups all tests of a case, so that they share its one process.
        metafunc.parametrize("redl_case", cases, ids=[case.id for case in cases], scope="session")


@pytest.hookimpl(tryfirst=True)  # before `-k` is applied
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let `-k seed1` mean that seed alone, and run what is downsampled after what it is compared with."""
    for item in items:
        if case := _case(item):
            add_keywords(item, case)
    items.sort(key=lambda item: (case := _case(item)) is not None and case.downsample > 1)


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Note which cases were left out on purpose."""
    for item in items:
        if case := _case(item):
            item.config.stash[KEPT].left_out.add(case.id)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Note which cases are to run."""
    kept = session.config.stash[KEPT]
    kept.collected |= {case.id for item in session.items if (case := _case(item))}


def _case(item: pytest.Item) -> Case | None:
    callspec = getattr(item, "callspec", None)
    return None if callspec is None else callspec.params.get("redl_case")


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
        own_model=redl_options.own_models.get(redl_case.model),
        own_setting=redl_options.own_settings.get(redl_case.setting),
        half_dtype=redl_options.half_dtype,
        weights=redl_options.weights,
        plain=redl_options.plain,
        tf32=redl_options.tf32,
        assumptions=redl_options.assumptions,
    )
    trial = Trial(
        redl_case,
        start_case(job),
        timeout_s=redl_options.timeout_s,
        on_epoch=redl_progress.epochs(redl_case.id, profile.of(redl_case.model)),
    )
    yield trial
    trial.close()


@pytest.fixture
def redl_keep(
    request: pytest.FixtureRequest,
    benchmark: BenchmarkFixture,
    record_testsuite_property: Callable[[str, object], None],
) -> Callable[[Trial], Record]:
    """Return a function that finishes a trial and keeps what it found with the test's benchmark.

    The answers for each image go with the first test of a case that keeps them.
    """
    kept = request.config.stash[KEPT]
    request.config.stash[PROPERTY] = record_testsuite_property

    def keep(trial: Trial) -> Record:
        predictions = trial.predictions()
        record = trial.finish()
        benchmark.extra_info[KEY] = record.to_json()
        kept.records[record.case.id] = record
        if predictions is not None and record.case.id not in kept.predictions:
            benchmark.extra_info[PREDICTIONS_KEY] = predictions.to_json()
            kept.predictions[record.case.id] = predictions
        request.node.user_properties.extend(figures_of(record).items())
        return record

    return keep


@pytest.fixture(scope="session")
def redl_judge(pytestconfig: pytest.Config, redl_options: Options) -> Callable[[Record], Judgement]:
    """Return a function that judges a record beside others of this run, and by the reference's bands."""
    judgements = pytestconfig.stash[JUDGEMENTS]
    with _one_line():
        path = None if redl_options.save_reference else redl_options.reference
        reference = load_reference(path) if path else None

    def judged(record: Record) -> Judgement:
        companion = companion_of(record.case, (judged.record for judged in judgements.values()))
        band = reference.band_of(record.case) if reference else None
        judgement = judge(record, redl_options.profile, companion, band)
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
    judged, kept = config.stash[JUDGEMENTS], config.stash[KEPT].records
    if judged or kept:
        machine_info["node"] = ""


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_json(config: pytest.Config, output_json: dict[str, Any]) -> None:
    """Say in a saved run which cases were to run, so that a comparison misses one that did not."""
    kept = config.stash[KEPT]
    if kept.records:
        output_json[SELECTION_KEY] = selection(kept.collected, kept.deselected)


@pytest.hookimpl(tryfirst=True)  # before the JUnit report is written
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the reference and come to the endings that were asked for; fail where that cannot be done."""
    config = session.config
    if OPTIONS not in config.stash or config.option.collectonly:
        return
    for ending in endings(config.stash[OPTIONS], config.stash[KEPT], width=_width(config)):
        config.stash[ENDINGS].append(ending)
        for name, words in ending.properties.items():
            config.stash.get(PROPERTY, lambda *_: None)(name, words)
        # A run that failed before goes on saying how.
        session.exitstatus = session.exitstatus or ending.status


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print what the cases scored and cost, as the paper's tables do."""
    if judgements := list(config.stash[JUDGEMENTS].values()):
        from redl.results.tables import tables

        terminalreporter.section("redl")
        terminalreporter.write(tables(judgements, width=_width(config), printed=config.stash[PRINTED]))
    for ending in config.stash[ENDINGS]:
        terminalreporter.write(ending.text, red=ending.status != pytest.ExitCode.OK)


def _width(config: pytest.Config) -> int:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return max(reporter._tw.fullwidth if reporter else 0, 120)  # noqa: SLF001 - pytest tells it nowhere else
