"""What redl needs of pytest-benchmark beyond its hooks: the times of a test, and where a run is saved."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from pytest_benchmark.session import BenchmarkSession
from pytest_benchmark.stats import Stats
from pytest_benchmark.storage.file import FileStorage
from pytest_benchmark.utils import safe_dumps

from redl.results.journal import Entry, Header

_NAME = "run"  # of a run that is saved as --benchmark-json only


class SavedStats(Stats):
    """Times of a test as they were saved; those of each round may be missing."""

    stddev_outliers = iqr_outliers = 0  # properties, which no attribute could replace

    def __init__(self, figures: Mapping[str, Any]) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # has no annotations
        vars(self).update({name: figures[name] for name in self.fields})
        self.data = list(figures.get("data", ()))

    def __bool__(self) -> bool:
        """Return True: a test without times was not saved."""
        return True


def benchmark_session(config: pytest.Config) -> BenchmarkSession:
    """Return pytest-benchmark's session."""
    session: BenchmarkSession = config._benchmarksession  # type: ignore[attr-defined] # noqa: SLF001
    return session


def folder_of_runs(config: pytest.Config) -> tuple[str, Path] | None:
    """Return the folder that this run will be saved in, and the option that chose it; None if it is not."""
    session = benchmark_session(config)
    if session.disabled:
        return None
    if (session.save or session.autosave) and isinstance(session.storage, FileStorage):
        return "--benchmark-storage", session.storage.path / session.machine_id
    return json_folder(config)


def json_folder(config: pytest.Config) -> tuple[str, Path] | None:
    """Return the folder of --benchmark-json, and the option; None without one, or for what is no file."""
    path = _json_path(benchmark_session(config))
    if path is None or (path.exists() and not path.is_file()):
        return None
    return "--benchmark-json", path.resolve().parent


def _json_path(session: BenchmarkSession) -> Path | None:
    """Return the file of --benchmark-json, which pytest-benchmark before 5.3 opens with its options."""
    asked: Any = session.json
    return None if asked is None else Path(asked.name if hasattr(asked, "write") else asked)


def replace_saving(
    config: pytest.Config,
    numbered: Callable[[str, bytes], None],
    whole: Callable[[Path, bytes], None],
    kept: Callable[[], Iterable[Entry]],
) -> None:
    """Let these save a run in place of pytest-benchmark, which overwrites runs saved at the same moment.

    `numbered` takes the name of a run of the storage, `whole` the file of --benchmark-json. What
    is `kept` of tests that this run has not come to is saved with the others. A run that was interrupted
    before any test had finished gets no number.
    """
    session = benchmark_session(config)

    def save(output: Mapping[str, Any], name: str) -> None:
        if output["benchmarks"] or list(kept()):
            numbered(name, _text(output, kept()))

    if isinstance(session.storage, FileStorage):
        session.storage.save = save  # type: ignore[method-assign]
    if json_path := _json_path(session):
        session.save_json = lambda output: whole(json_path, _text(output, kept()))  # type: ignore[method-assign]


def drop_untimed(config: pytest.Config) -> None:
    """Leave out tests that were interrupted before their first time, on which saving all others breaks."""
    session = benchmark_session(config)
    session.benchmarks[:] = [one for one in session.benchmarks if one]


def header_of(config: pytest.Config, selection: Mapping[str, Any]) -> Header:
    """Return what the saved run will say besides its benchmarks."""
    session = benchmark_session(config)
    machine, hook = session.get_machine_info(), config.hook  # type: ignore[no-untyped-call]
    commit = hook.pytest_benchmark_generate_commit_info(config=config)
    hook.pytest_benchmark_update_commit_info(config=config, commit_info=commit)
    output = hook.pytest_benchmark_generate_json(
        config=config, benchmarks=[], include_data=False, machine_info=machine, commit_info=commit
    )
    run = {name: value for name, value in output.items() if name != "benchmarks"}
    return Header(name=session.save or session.autosave or _NAME, run=_plain(run | dict(selection)))


def entry_of(benchmark: BenchmarkFixture, case: str) -> Entry | None:
    """Return what a saved run will say of a test; None for one without times."""
    if not benchmark.stats or benchmark.has_error:
        return None
    return Entry(case=case, benchmark=_plain(benchmark.stats.as_dict(include_data=True)))


def restore(benchmark: BenchmarkFixture, entry: Entry) -> None:
    """Give a test the times that it had, and all else that it said."""
    benchmark.extra_info.update(entry.benchmark["extra_info"])
    if benchmark.stats is not None:
        benchmark.stats.stats = SavedStats(entry.benchmark["stats"])
        benchmark.stats.iterations = entry.benchmark["stats"]["iterations"]


def _text(output: Mapping[str, Any], kept: Iterable[Entry]) -> bytes:
    there = {one["fullname"] for one in output["benchmarks"]}
    rest = [entry.benchmark for entry in kept if entry.test not in there]
    output = {**output, "benchmarks": [*output["benchmarks"], *rest]}
    return safe_dumps(output, ensure_ascii=True, indent=4).encode()  # type: ignore[no-any-return, no-untyped-call]


def _plain(output: Mapping[str, Any]) -> dict[str, Any]:
    """Return values as JSON would give them back."""
    plain: dict[str, Any] = json.loads(safe_dumps(output))  # type: ignore[no-untyped-call]
    return plain
