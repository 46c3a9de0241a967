"""The overhead of the harness: redl's loop, a case's process, its meters and the collection of tests.

Each is a ratio, or a sum of seconds, from one run. Two ways are timed in turns, and the shortest time of each
counts: the work is the same every time, so whatever makes a run longer is due to the machine.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.noted_case import start_noted
from benchmarks.turns import in_child
from redl.study.case import Case, Dataset, Model, Setting
from redl.study.profile import TINY

ROOT = Path(__file__).parent.parent
MOST_FIT, MOST_FIXED_S, MOST_METERS, MOST_COLLECTING = 1.02, 0.5, 1.01, 1.5
FIT_PAIRS, METER_PAIRS, COLLECTIONS = 9, 8, 5
SETTINGS = (Setting.BASELINE, Setting.AMP, Setting.EIGHT_BIT) * 2  # of the cases; the first one warms up

Report = Callable[..., None]


@pytest.fixture
def report(benchmark: BenchmarkFixture, pytestconfig: pytest.Config) -> Report:
    """Return a function that puts figures into the benchmark's entry and, uncaptured, on the screen."""
    reporter: Any = pytestconfig.pluginmanager.get_plugin("terminalreporter")
    capture: Any = pytestconfig.pluginmanager.get_plugin("capturemanager")

    def show(**figures: float | list[float]) -> None:
        benchmark.extra_info |= figures
        with capture.global_and_fixture_disabled():
            reporter.ensure_newline()
            reporter.write_line("  ".join(f"{name} {_rounded(figure)}" for name, figure in figures.items()))

    return show


@pytest.mark.benchmark(group="harness")
def test_a_case_costs_little_beside_its_work(
    benchmark: BenchmarkFixture, report: Report, tmp_path: Path
) -> None:
    """Process, model, meters and record of a case take half a second after the first case."""
    from redl.data.datasets import DataOptions, prepare_dataset

    prepared = prepare_dataset(Dataset.RSNA, TINY, DataOptions(cache=tmp_path))

    def cases() -> list[float]:
        return [
            _fixed_s(setting, prepared, tmp_path / f"{number}.json")
            for number, setting in enumerate(SETTINGS)
        ]

    first, *others = benchmark.pedantic(cases, rounds=1)
    report(fixed_s=median(others), fixed_each_s=others, fixed_first_s=first)
    assert median(others) <= MOST_FIXED_S


@pytest.mark.benchmark(group="harness")
def test_fit_takes_hardly_longer_than_a_bare_loop(benchmark: BenchmarkFixture, report: Report) -> None:
    """Redl's loop does the same work as plain PyTorch, to the last bit of the loss, in the same time."""
    turns = benchmark.pedantic(in_child, args=("time_fit", FIT_PAIRS, 2), rounds=1)
    ratio = turns.ratio("fit", "bare")
    report(fit_over_bare=ratio, bare_s=turns.seconds["bare"], fit_s=turns.seconds["fit"])
    assert all(turns.same.values())
    assert turns.losses["fit"] == turns.losses["bare"]
    assert ratio <= MOST_FIT


@pytest.mark.benchmark(group="harness")
def test_meters_take_hardly_any_time(benchmark: BenchmarkFixture, report: Report) -> None:
    """Training takes as long with every meter of a case as with none."""
    turns = benchmark.pedantic(in_child, args=("time_meters", METER_PAIRS, 1), rounds=1)
    ratio = turns.ratio("metered", "unmetered")
    seconds = turns.seconds
    report(metered_over_unmetered=ratio, unmetered_s=seconds["unmetered"], metered_s=seconds["metered"])
    assert turns.losses["metered"] == turns.losses["unmetered"]
    assert ratio <= MOST_METERS


@pytest.mark.benchmark(group="harness")
def test_collecting_the_paper_matrix_takes_hardly_longer_than_an_empty_suite(
    benchmark: BenchmarkFixture, report: Report, tmp_path: Path
) -> None:
    """Listing every case of the study takes little more than pytest's own start, and imports no torch."""
    (tmp_path / "test_empty.py").touch()
    matrix, empty = ROOT / "benchmarks", tmp_path

    def in_turns() -> tuple[list[float], list[float]]:
        times = [(_collect(matrix), _collect(empty)) for _ in range(COLLECTIONS + 1)][1:]
        return [ours for ours, _ in times], [theirs for _, theirs in times]

    ours, theirs = benchmark.pedantic(in_turns, rounds=1)
    ratio = min(ours) / min(theirs)
    report(collecting_over_empty=ratio, matrix_s=ours, empty_s=theirs)
    assert ratio <= MOST_COLLECTING


def _rounded(figure: float | list[float]) -> str:
    return ", ".join(f"{one:.3f}" for one in (figure if isinstance(figure, list) else [figure]))


def _fixed_s(setting: Setting, prepared: Path, notes: Path) -> float:
    """Run one case as the suite does, and return its seconds outside of training and evaluation."""
    from redl.execution.case_process import CaseProcess, start_case
    from redl.execution.job import Job, RunOptions

    case = Case(dataset=Dataset.RSNA, model=Model.DENSENET, setting=setting, seed=1, profile=TINY.name)
    start = partial(
        start_noted, start_case(Job(case=case, prepared=prepared, options=RunOptions(profile=TINY))), notes
    )
    began = time.perf_counter()
    case_process = CaseProcess(case, start, timeout_s=600, on_epoch=lambda _: None)
    record = case_process.finish()
    case_process.close()
    wall_s = time.perf_counter() - began
    assert record.training is not None, record.reason
    return wall_s - sum(map(float, notes.read_text().split()))


def _collect(folder: Path) -> float:
    """Collect a folder's tests in a new pytest process; return how long that took."""
    options = f"--collect-only -q --redl-profile=paper -p pytester -p no:cacheprovider --rootdir={ROOT}"
    script = "import sys, pytest; pytest.main(sys.argv[1:]); sys.exit('torch' in sys.modules)"
    command = [sys.executable, "-c", script, str(folder), *options.split(), f"-c={ROOT / 'pyproject.toml'}"]
    began = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    seconds = time.perf_counter() - began
    assert done.returncode == 0, f"torch was imported, or pytest failed: {done.stdout}{done.stderr}"
    return seconds
