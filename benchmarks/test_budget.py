"""Find the largest batch that trains within each budget of memory: `--redl-budgets=4GB,8GB`.

Each trial is a training of two steps in its own process, which the cap may end. What does not fit is an
outcome and fails no test.
"""

from collections.abc import Callable

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from redl.record.budget import Fit


@pytest.mark.benchmark(group="budget")
def test_budget(benchmark: BenchmarkFixture, redl_fit: Callable[[], Fit]) -> None:
    """The search ends: one image more is refused, or the smallest batch is, or the largest to try fits."""
    fit = benchmark.pedantic(redl_fit, rounds=1)
    assert fit.is_proven or fit.batch_size is None or fit.refused is None
