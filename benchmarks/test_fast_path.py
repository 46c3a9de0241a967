"""What the fast path gains on a GPU: the same cases with and without it, in turns in one run."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from redl.execution.case_process import CaseProcess, start_case
from redl.execution.job import Job, RunOptions
from redl.metering.energy import SensorError
from redl.metering.gpus import visible_gpus
from redl.plugin.options.suite import SuiteOptions
from redl.record import Record
from redl.study.case import Case, Dataset, Model, Setting

SETTINGS = (Setting.BASELINE, Setting.AMP, Setting.AMP_EIGHT_BIT, Setting.HALF_EIGHT_BIT)
PAIRS = 3
MOST = 1.02  # of the plain time: what gains nothing must cost nothing


@pytest.mark.benchmark(group="fast path")
@pytest.mark.parametrize("setting", SETTINGS)
def test_the_fast_path_is_no_slower(
    benchmark: BenchmarkFixture,
    setting: Setting,
    redl_options: SuiteOptions,
    redl_prepared: Callable[[str], Path],
) -> None:
    """A case trains no slower with the fast path than without; the shortest of three times counts."""
    if not _has_gpu():
        pytest.skip("the fast path is for GPUs, and there is none")
    profile = replace(redl_options.run.profile, epochs=1)
    case = Case(dataset=Dataset.RSNA, model=Model.DENSENET, setting=setting, seed=1, profile=profile.name)
    fast = Job(case=case, prepared=redl_prepared(Dataset.RSNA), options=RunOptions(profile=profile))

    def in_turns() -> dict[bool, list[float]]:
        seconds: dict[bool, list[float]] = {False: [], True: []}
        for pair in range(PAIRS):
            for plain in (False, True) if pair % 2 else (True, False):
                options = RunOptions(profile=profile, plain=plain)
                seconds[plain].append(_train_seconds(replace(fast, options=options)))
        return seconds

    seconds = benchmark.pedantic(in_turns, rounds=1, iterations=1)
    benchmark.extra_info |= {"fast_seconds": seconds[False], "plain_seconds": seconds[True]}
    benchmark.extra_info["fast_over_plain"] = min(seconds[False]) / min(seconds[True])
    assert benchmark.extra_info["fast_over_plain"] <= MOST


def _train_seconds(job: Job) -> float:
    case_process = CaseProcess(job.case, start_case(job), timeout_s=600, on_epoch=lambda _: None)
    try:
        record: Record = case_process.finish()
    finally:
        case_process.close()
    assert record.training is not None, record.reason
    return record.training.seconds_to_stop


def _has_gpu() -> bool:
    try:
        return bool(visible_gpus())
    except SensorError:
        return False
