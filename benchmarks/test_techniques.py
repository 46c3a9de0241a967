"""What techniques save of the peak memory of training, with whole networks at the paper's 256 pixels.

Each case is trained for some steps in its own process, as the suite does it. Ratios to the baseline of the
same network are asserted; figures go into `extra_info`.
"""

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from redl.data.datasets import DataOptions, prepare_dataset
from redl.execution.case_process import CaseProcess, start_case
from redl.execution.job import Job, RunOptions
from redl.record import FinishedRecord
from redl.study.case import Case, Dataset, Model
from redl.study.profile import PAPER, Pretraining

PROFILE = replace(
    PAPER,
    epochs=1,
    patience=1,
    pretraining=Pretraining.NO,
    phantom_subjects=24,
    phantom_rows=256,
    inference_window_s=0.0,
    inference_rounds=1,
    latency_passes=3,
    images=40,
)
MISSED = pytest.mark.xfail(
    reason="gradients are cleared before the forward pass, which takes a sixth off ViT's baseline itself: "
    "seen are 0.975 and 0.417, and 0.88 and 0.38 of what it took before"
)
# The most that the last of each may take of the first one's peak.
COMPOSITIONS = [
    (Model.DENSENET, 4, "ckpt", 0.70),
    (Model.DENSENET, 4, "micro2", 0.70),
    (Model.DENSENET, 4, "amp+8bit+ckpt+micro2", 0.32),
    pytest.param(Model.VIT, 8, "ckpt", 0.90, marks=MISSED),
    pytest.param(Model.VIT, 8, "half+8bit+ckpt", 0.40, marks=MISSED),
    (Model.DENSENET, 4, "head", 0.22),
    (Model.DENSENET, 4, "lastblock", 0.27),
    (Model.VIT, 8, "lora", 0.50),
    (Model.VIT, 8, "head", 0.32),
    (Model.VIT, 8, "lion8bit", 0.72),
    (Model.VIT, 8, "sgd8bit", 0.72),
    (Model.VIT, 8, "adafactor", 0.66),
    (Model.VIT, 8, "half+lora+ckpt", 0.23),
]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prepare a small phantom."""
    return prepare_dataset(Dataset.RSNA, PROFILE, DataOptions(cache=tmp_path_factory.mktemp("cache")))


@cache
def train(model: Model, setting: str, batch_size: int, prepared: Path) -> FinishedRecord:
    """Run one case in its own process, once."""
    profile = replace(PROFILE, batch_size=batch_size)
    case = Case(dataset=Dataset.RSNA, model=model, setting=setting, seed=1, profile=profile.name)
    start = start_case(Job(case=case, prepared=prepared, options=RunOptions(profile=profile)))
    case_process = CaseProcess(case, start, timeout_s=1200, on_epoch=lambda _: None)
    try:
        return case_process.finish().finished()
    finally:
        case_process.close()


@pytest.mark.parametrize(("model", "batch_size", "setting", "most"), COMPOSITIONS)
def test_a_technique_saves_memory(
    model: Model, batch_size: int, setting: str, most: float, prepared: Path, benchmark: BenchmarkFixture
) -> None:
    """The peak is at most a share of the baseline's."""
    baseline = train(model, "baseline", batch_size, prepared)
    found = benchmark.pedantic(train, (model, setting, batch_size, prepared), rounds=1)
    before, after = peak_of(baseline), peak_of(found)
    benchmark.extra_info |= {
        "batch_size": batch_size,
        "baseline_peak_bytes": before,
        "peak_bytes": after,
        "ratio": after / before,
        "time_ratio": found.training.seconds_to_stop / baseline.training.seconds_to_stop,
    }
    assert after <= most * before


def peak_of(record: FinishedRecord) -> int:
    """Return the peak of training, where this system reports it."""
    if record.memory.train_peak_bytes is None:
        pytest.skip("this system does not report a process's resident peak")
    return record.memory.train_peak_bytes
