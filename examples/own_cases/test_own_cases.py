"""Run the suite's cases, one's own among them, and judge them in one's own way."""

from collections.abc import Callable

from pytest_benchmark.fixture import BenchmarkFixture

from redl.execution.trial import Trial
from redl.record import Record


def test_training(
    benchmark: BenchmarkFixture, redl_trial: Trial, redl_keep: Callable[[Trial], Record]
) -> None:
    """A case trains to the end, and its record goes into pytest-benchmark's report."""
    redl_trial.warm_up()
    benchmark.pedantic(redl_trial.train, rounds=1, iterations=1)
    record = redl_keep(redl_trial)
    assert record.status == "completed", record.reason
