"""Train on downsampled images under three settings, as the paper's Figure 2C: data quality as a resource.

At full size these are cases of `test_training`. The network is DenseNet unless `--redl-model` names others.
"""

from collections.abc import Callable

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from redl.execution.case_process import CaseProcess
from redl.record import Record
from redl.results.checks import CaseCheck


@pytest.mark.redl_downsampled
@pytest.mark.benchmark(group="downsampling")
def test_downsampling(
    benchmark: BenchmarkFixture,
    redl_case_process: CaseProcess,
    redl_keep: Callable[[CaseProcess], Record],
    redl_check: Callable[[Record], CaseCheck],
) -> None:
    """A setting trains on images of fewer pixels; the table shows the cost."""
    redl_case_process.warm_up()
    benchmark.pedantic(redl_case_process.train, rounds=1, iterations=1)
    assert not redl_check(redl_keep(redl_case_process)).problems
