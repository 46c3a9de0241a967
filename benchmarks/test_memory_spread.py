"""How exact measured memory is: its spread over equal runs, and whether a saving that is predicted is seen.

Everything is measured in fresh processes, as the suite does it. Figures go into `extra_info`.
"""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from statistics import median, stdev

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from redl.data.datasets import DataOptions, prepare_dataset
from redl.execution.case_process import CaseProcess, start_case
from redl.execution.job import Job, RunOptions
from redl.record import Memory
from redl.results.gate.noise import CPU_INFERENCE_SPREAD, CPU_SPREAD
from redl.study.case import Case, Dataset, Model, Setting
from redl.study.profile import SMOKE

RUNS = 10
SETTINGS = [Setting.BASELINE, Setting.AMP, Setting.EIGHT_BIT, Setting.HALF_EIGHT_BIT]
PROFILE = replace(
    SMOKE, epochs=1, patience=1, phantom_subjects=100, inference_window_s=0.0, latency_passes=3
)  # some seven steps

NETWORK, BATCH, STEPS = "vit_base_patch32_plus_256", 8, 2
# Float32 temporaries of a step on a CPU, bytes for each element of the largest tensor: torch's Adam has a
# root and a quotient; bitsandbytes has both, both moments and a copy of the gradient.
WORK_SPACE = {False: 8, True: 20}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prepare a small phantom."""
    return prepare_dataset(Dataset.RSNA, PROFILE, DataOptions(cache=tmp_path_factory.mktemp("cache")))


def memory_of(setting: Setting, prepared: Path) -> Memory:
    """Run one case in its own process."""
    case = Case(dataset=Dataset.RSNA, model=Model.DENSENET, setting=setting, seed=1, profile=PROFILE.name)
    start = start_case(Job(case=case, prepared=prepared, options=RunOptions(profile=PROFILE)))
    case_process = CaseProcess(case, start, timeout_s=600, on_epoch=lambda _: None)
    try:
        record = case_process.finish()
    finally:
        case_process.close()
    assert record.memory is not None, record.reason
    return record.memory


def spread_of(found: list[int | None]) -> dict[str, float]:
    """Describe how peaks in bytes lie apart."""
    peaks = [peak for peak in found if peak is not None]
    if not peaks:
        pytest.skip("this system does not report a process's resident peak")
    return {
        "min_bytes": min(peaks),
        "median_bytes": median(peaks),
        "max_bytes": max(peaks),
        "stdev_bytes": stdev(peaks),
        "spread": (max(peaks) - min(peaks)) / median(peaks),
    }


@pytest.mark.benchmark(group="memory")
def test_spread_of_equal_runs(benchmark: BenchmarkFixture, prepared: Path) -> None:
    """Peaks of the same case lie no further apart than the bounds that gates on memory must allow."""

    def repeated() -> dict[str, list[Memory]]:
        return {setting: [memory_of(setting, prepared) for _ in range(RUNS)] for setting in SETTINGS}

    for setting, found in benchmark.pedantic(repeated, rounds=1, iterations=1).items():
        benchmark.extra_info[setting] = {
            "train": spread_of([memory.train_peak_bytes for memory in found]),
            "inference": spread_of([memory.inference_peak_bytes for memory in found]),
        }
    assert all(found["train"]["spread"] < CPU_SPREAD for found in benchmark.extra_info.values())
    assert all(found["inference"]["spread"] < CPU_INFERENCE_SPREAD for found in benchmark.extra_info.values())


def train_vit(*, eight_bit: bool) -> dict[str, int]:
    """Return in bytes what a network and its optimizer state hold, and the peaks of a later step's parts."""
    import timm
    import torch

    from redl.metering.memory import MemoryMeter
    from redl.metering.predicted_memory import predicted_memory
    from redl.training.optimizers import adam, adam_8bit, import_library, state_width

    import_library(eight_bit=True)
    images, labels = torch.rand(BATCH, 1, 256, 256), torch.ones(BATCH, 1)
    meter = MemoryMeter(torch.device("cpu"))
    model = timm.create_model(NETWORK, in_chans=1, num_classes=1)
    optimizer = (adam_8bit if eight_bit else adam)(model, 1e-5)
    for _ in range(STEPS):
        with meter.phase() as passes:
            optimizer.zero_grad(set_to_none=True)
            logits = model(images)
            loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, labels)
            loss.backward()
            del loss, logits
        with meter.phase() as step:
            optimizer.step()
    moments = {"exp_avg", "exp_avg_sq", "state1", "state2", "absmax1", "absmax2"}
    return {
        "predicted": predicted_memory(model.parameters(), state_width=state_width(optimizer)).total,
        "state": sum(s[name].nbytes for s in optimizer.state.values() for name in moments & s.keys()),
        "largest": max(parameter.numel() for parameter in model.parameters()),
        "forward_backward_peak": passes.peak.allocated_bytes,
        "step_peak": step.peak.allocated_bytes,
    }


@pytest.mark.benchmark(group="memory")
def test_eight_bit_saving(benchmark: BenchmarkFixture) -> None:
    """8-bit state saves what is predicted, of which its step, the peak, loses some to work space."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["redl.execution.preload"])

    def train_both() -> list[dict[str, int]]:
        with ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=1) as pool:
            return [pool.submit(train_vit, eight_bit=eight_bit).result() for eight_bit in (False, True)]

    ordinary, narrow = benchmark.pedantic(train_both, rounds=1, iterations=1)
    saved = {name: figure - narrow[name] for name, figure in ordinary.items()}
    benchmark.extra_info |= {"adam_bytes": ordinary, "adam8bit_bytes": narrow, "saved_bytes": saved}

    lost = (WORK_SPACE[True] - WORK_SPACE[False]) * ordinary["largest"]
    slack = CPU_SPREAD * saved["predicted"]
    assert saved["predicted"] == saved["state"]
    assert abs(saved["predicted"] - saved["forward_backward_peak"]) < slack
    assert abs(saved["predicted"] - lost - saved["step_peak"]) < slack
