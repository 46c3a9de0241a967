"""The pytest plugin: options, one parametrised fixture for every case, and the table at the end.

It holds no logic of the study and imports nothing heavy, so that collecting every case takes no torch.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs
import pytest

from redl.case import Case, Dataset, matrix
from redl.data.rsna import check_root
from redl.errors import OptionError, RedlError
from redl.profile import Profile, profile_named
from redl.progress import Progress
from redl.results.judgement import Judgement, baseline_of, judge
from redl.results.store import load_records

if TYPE_CHECKING:
    from redl.execution.trial import Trial
    from redl.record import Record

HALF_DTYPES = ("auto", "bfloat16", "float16")


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """Hold what the command line and the environment asked for."""

    profile: Profile
    rsna_root: Path | None
    cache: Path
    timeout_s: float
    half_dtype: str | None
    reference: Path | None


OPTIONS = pytest.StashKey[Options]()
JUDGEMENTS = pytest.StashKey[dict[str, Judgement]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add redl's options."""
    group = parser.getgroup("redl", "what resource-saving settings save and cost")
    group.addoption("--redl-profile", default="smoke", metavar="NAME", help="smoke (default), paper or tiny")
    group.addoption(
        "--redl-rsna-root",
        metavar="DIR",
        help="RSNA mammography as Kaggle hands it out (or REDL_RSNA_ROOT); without it, a phantom",
    )
    group.addoption(
        "--redl-cache", metavar="DIR", help="where phantoms and prepared images are kept (or REDL_CACHE)"
    )
    group.addoption(
        "--redl-timeout",
        metavar="SECONDS",
        default="86400",
        help="end a case that works longer (default: a day)",
    )
    group.addoption(
        "--redl-half-dtype",
        metavar="DTYPE",
        default="auto",
        help="16-bit weights: bfloat16, float16 or auto (default), float16 on CUDA and bfloat16 on a CPU",
    )
    group.addoption(
        "--redl-reference", metavar="FILE", help="saved run whose baselines serve where this run has none"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse options that cannot be used before anything runs."""
    try:
        config.stash[OPTIONS] = read_options(config)
    except RedlError as error:
        raise pytest.UsageError(str(error)) from error
    config.stash[JUDGEMENTS] = {}


def read_options(config: pytest.Config) -> Options:
    """Read redl's options; raise RedlError naming the one that cannot be used."""
    root = config.getoption("redl_rsna_root") or os.environ.get("REDL_RSNA_ROOT")
    cache = (
        config.getoption("redl_cache") or os.environ.get("REDL_CACHE") or platformdirs.user_cache_dir("redl")
    )
    reference = config.getoption("redl_reference")
    profile = profile_named(config.getoption("redl_profile"))
    half_dtype = config.getoption("redl_half_dtype")
    if half_dtype not in HALF_DTYPES:
        raise OptionError(f"--redl-half-dtype {half_dtype}: use one of {', '.join(HALF_DTYPES)}")
    if root is not None:
        check_root(Path(root))
    return Options(
        profile=profile,
        rsna_root=None if root is None else Path(root),
        cache=Path(cache),
        timeout_s=_seconds(config.getoption("redl_timeout")),
        half_dtype=None if half_dtype == "auto" else half_dtype,
        reference=_saved_reference(config, profile) if reference is None else Path(reference),
    )


def _saved_reference(config: pytest.Config, profile: Profile) -> Path | None:
    path = config.rootpath / "reports" / "reference" / f"{profile.name}.json"
    return path if path.exists() else None


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < float("inf"):
        raise OptionError(f"--redl-timeout {text}: give seconds above 0, as 3600")
    return seconds


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test of each case of the study for every test that takes `redl_case`, directly or not."""
    if "redl_case" in metafunc.fixturenames:
        profile = metafunc.config.stash[OPTIONS].profile
        cases = matrix(profile.name, profile.seeds)
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
def redl_prepared(redl_options: Options, redl_progress: Progress) -> Callable[[Dataset], Path]:
    """Return a function that prepares a data set and says where it lies."""

    @cache
    def prepared(dataset: Dataset) -> Path:
        from redl.execution.inputs import prepare

        options = redl_options
        with _one_line():
            try:
                return prepare(
                    dataset,
                    options.profile,
                    root=options.rsna_root,
                    cache=options.cache,
                    on_progress=redl_progress.counting(f"{dataset}: preparing images"),
                )
            except OSError as error:  # faults of the data themselves are DataErrors
                what = f"--redl-cache {options.cache}: {error.strerror}"
                raise OptionError(f"{what}; name a folder that can be written, with room") from error

    return prepared


@pytest.fixture(scope="session")
def redl_trial(
    redl_case: Case,
    redl_options: Options,
    redl_prepared: Callable[[Dataset], Path],
    redl_progress: Progress,
) -> Iterator[Trial]:
    """Run one case in a process of its own, which ends with the last test of the case."""
    from redl.execution.trial import Trial, start_case

    profile = redl_options.profile
    trial = Trial(
        redl_case,
        start_case(redl_case, profile, redl_prepared(redl_case.dataset), redl_options.half_dtype),
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
