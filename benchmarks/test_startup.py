"""What redl costs those who do not use it: the start of other projects' pytest runs, and `import redl`.

Both are differences taken in one run: the two ways are started in turns, and of each the shortest counts.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

PAIRS = 7
MOST_PYTEST_S, MOST_IMPORT_S = 0.1, 0.05


@pytest.mark.benchmark(group="start-up")
def test_the_start_of_a_strangers_pytest_run(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """With redl installed, pytest starts in another project for at most 0.1 s of processor time more."""
    tmp_path.joinpath("test_mine.py").write_text("def test_mine(): pass\n")
    bare = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:redl"]
    _compare(benchmark, bare, bare[:-2], cwd=tmp_path, most_s=MOST_PYTEST_S)


@pytest.mark.benchmark(group="start-up")
def test_import_redl(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """`import redl` takes at most 50 ms longer than the interpreter's own start."""
    bare = [sys.executable, "-c", "pass"]
    _compare(benchmark, bare, [sys.executable, "-c", "import redl"], cwd=tmp_path, most_s=MOST_IMPORT_S)


def _compare(
    benchmark: BenchmarkFixture, bare: Sequence[str], with_redl: Sequence[str], *, cwd: Path, most_s: float
) -> None:
    def in_turns() -> tuple[list[float], list[float]]:
        pairs = [(_processor_s(bare, cwd), _processor_s(with_redl, cwd)) for _ in range(PAIRS)]
        return [first for first, _ in pairs], [second for _, second in pairs]

    without, beside = benchmark.pedantic(in_turns, rounds=1, iterations=1, warmup_rounds=1)
    benchmark.extra_info |= {
        "without_s": without,
        "with_s": beside,
        "more_s": min(beside) - min(without),
        "ratio": min(beside) / min(without),
    }
    assert benchmark.extra_info["more_s"] <= most_s


def _processor_s(command: Sequence[str], cwd: Path) -> float:
    """Return the processor time that a command took, in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=cwd, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - written above
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
