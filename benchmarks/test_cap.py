"""Whether a cap holds: trials a little below and a little above what a network takes, one after another."""

from dataclasses import replace
from statistics import median

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from redl.execution.job import ProbeJob, RunOptions
from redl.execution.trial import try_batch
from redl.record.budget import Trial
from redl.study.profile import PAPER, Pretraining

OPTIONS = RunOptions(profile=replace(PAPER, image_size=64, pretraining=Pretraining.NO))
RUNS = 20  # at each cap
MOST_OVER = 5e6  # bytes


@pytest.mark.benchmark(group="cap")
def test_a_cap_tells_what_fits_from_what_does_not(benchmark: BenchmarkFixture) -> None:
    """Of 20 trainings each at 0.95 and 1.05 of the known peak none is told wrongly, or ended late."""
    known = median(peak for peak in (_peak_of(_tried(None)) for _ in range(3)) if peak)

    def in_turns() -> dict[float, list[Trial]]:
        shares: dict[float, list[Trial]] = {0.95: [], 1.05: []}
        for _ in range(RUNS):
            for share, trials in shares.items():
                trials.append(_tried(round(share * known)))
        return shares

    found = benchmark.pedantic(in_turns, rounds=1)
    over = [trial.over_bytes for trial in found[0.95] if trial.over_bytes is not None]
    benchmark.extra_info |= {
        "known_peak_bytes": known,
        "refused_at_0.95": sum(not trial.fits for trial in found[0.95]),
        "fits_at_1.05": sum(trial.fits for trial in found[1.05]),
        "most_over_bytes": max(over),
    }
    assert [trial.fits for trial in found[0.95]] == [False] * RUNS
    assert [trial.fits for trial in found[1.05]] == [True] * RUNS
    assert len(over) == RUNS
    assert max(over) <= MOST_OVER


def _tried(cap_bytes: int | None) -> Trial:
    return try_batch(
        ProbeJob(model="densenet", setting="baseline", batch_size=16, cap_bytes=cap_bytes, options=OPTIONS)
    )


def _peak_of(trial: Trial) -> int:
    if trial.probe is None or trial.probe.peak_bytes is None:
        pytest.skip("this system does not report a process's resident peak")
    return trial.probe.peak_bytes
