"""Train every model under every setting on every data set, and judge what it scored and cost.

The cases come from `redl_case`; select with `-k`, as `-k densenet` or `-k "8bit and not amp"`.
"""

from collections.abc import Callable

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from redl.execution.trial import Trial
from redl.plugin.options.suite import SuiteOptions
from redl.record import Record
from redl.results.judgement import Judgement


@pytest.mark.benchmark(group="training")
def test_training(
    benchmark: BenchmarkFixture,
    redl_trial: Trial,
    redl_keep: Callable[[Trial], Record],
    redl_judge: Callable[[Record], Judgement],
) -> None:
    """A setting trains as it must, beats the majority class and stays within its baseline's tolerance."""
    redl_trial.warm_up()
    benchmark.pedantic(redl_trial.train, rounds=1, iterations=1)
    assert not redl_judge(redl_keep(redl_trial)).problems


@pytest.mark.benchmark(group="inference")
def test_inference(
    benchmark: BenchmarkFixture,
    redl_trial: Trial,
    redl_keep: Callable[[Trial], Record],
    redl_options: SuiteOptions,
) -> None:
    """The trained model passes over the test images, several times."""
    record = redl_trial.finish()
    assert record.inference is not None, record.reason
    benchmark.pedantic(redl_trial.infer, rounds=redl_options.run.profile.inference_rounds, iterations=1)
    assert redl_keep(redl_trial) == record
