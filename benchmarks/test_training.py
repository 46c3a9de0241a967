"""Train every model under every setting on every data set, and check scores and costs.

The cases come from `redl_case`; select with `-k`, e.g. `-k densenet` or `-k "8bit and not amp"`.
"""

from collections.abc import Callable

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from redl.execution.case_process import CaseProcess
from redl.plugin.options.suite import SuiteOptions
from redl.record import Record
from redl.results.checks import CaseCheck


@pytest.mark.benchmark(group="training")
def test_training(
    benchmark: BenchmarkFixture,
    redl_case_process: CaseProcess,
    redl_keep: Callable[[CaseProcess], Record],
    redl_check: Callable[[Record], CaseCheck],
) -> None:
    """A setting trains as expected, beats the majority class and stays within its baseline's tolerance."""
    redl_case_process.warm_up()
    benchmark.pedantic(redl_case_process.train, rounds=1, iterations=1)
    assert not redl_check(redl_keep(redl_case_process)).problems


@pytest.mark.benchmark(group="inference")
def test_inference(
    benchmark: BenchmarkFixture,
    redl_case_process: CaseProcess,
    redl_keep: Callable[[CaseProcess], Record],
    redl_options: SuiteOptions,
) -> None:
    """The trained model passes over the test images, several times."""
    record = redl_case_process.finish()
    assert record.inference is not None, record.reason
    benchmark.pedantic(
        redl_case_process.infer, rounds=redl_options.run.profile.inference_rounds, iterations=1
    )
    assert redl_keep(redl_case_process) == record
