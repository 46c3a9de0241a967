"""Train on downsampled images under three settings, as the paper's Figure 2C: data quality as a resource.

At full size these are cases of `test_training`. By default it is DenseNet's; `--redl-model` names others.
"""

from collections.abc import Callable

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from redl.execution.trial import Trial
from redl.record import Record
from redl.results.judgement import Judgement


@pytest.mark.redl_downsampled
@pytest.mark.benchmark(group="downsampling")
def test_downsampling(
    benchmark: BenchmarkFixture,
    redl_trial: Trial,
    redl_keep: Callable[[Trial], Record],
    redl_judge: Callable[[Record], Judgement],
) -> None:
    """A setting trains on images of fewer pixels; what that costs is in the table."""
    redl_trial.warm_up()
    benchmark.pedantic(redl_trial.train, rounds=1, iterations=1)
    assert not redl_judge(redl_keep(redl_trial)).problems
