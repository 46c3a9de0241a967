"""Run the suite's cases and your own, and check them in your own way."""

from collections.abc import Callable

from pytest_benchmark.fixture import BenchmarkFixture

from redl.execution.case_process import CaseProcess
from redl.record import Record


def test_training(
    benchmark: BenchmarkFixture, redl_case_process: CaseProcess, redl_keep: Callable[[CaseProcess], Record]
) -> None:
    """A case trains to the end, and its record goes into pytest-benchmark's report."""
    redl_case_process.warm_up()
    benchmark.pedantic(redl_case_process.train, rounds=1, iterations=1)
    record = redl_keep(redl_case_process)
    assert record.status == "completed", record.reason
