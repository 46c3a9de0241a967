"""Each worker has one GPU, each case's process sees that one and no other, and its record says which."""

import os
from pathlib import Path

import pytest

import tests.helpers
from tests.helpers.cluster import Cluster, needs_two_cores

pytestmark = pytest.mark.slow

TWO_GPUS = Path(tests.helpers.__file__).parent / "twogpus"
UUIDS = {"GPU-11111111-0000", "GPU-22222222-0000"}


@pytest.fixture
def two_gpus(monkeypatch):
    """Let the processes that a test starts find two GPUs by NVML; torch finds none, and computes as ever."""
    monkeypatch.setenv("DASK_DISTRIBUTED__DIAGNOSTICS__NVML", "False")  # which asks for more than UUIDs
    path = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(TWO_GPUS), *([path] if path else [])]))


@needs_two_cores
@pytest.mark.usefixtures("two_gpus")
@pytest.mark.parametrize("engine", ["workers", "dask"])
def test_two_workers_have_a_gpu_each(slow_cases, engine, tmp_path):
    cases = slow_cases(seconds=0.5)
    if engine == "workers":
        status, printed = cases.run("--redl-workers=auto")
    else:
        cluster = Cluster(tmp_path, workers=("--workers", "auto"))
        try:
            status, printed = cases.run(f"--redl-dask={cluster.address}")
        finally:
            cluster.close()
    assert 0 == status, printed
    devices = {record.placement.device for record in cases.records.values()}
    assert {"GPU 1 of 2", "GPU 2 of 2"} == devices
    assert UUIDS == {shown for _, shown in cases.trained}
    assert {1} == {record.placement.neighbours for record in cases.records.values()}


@pytest.mark.usefixtures("two_gpus")
def test_a_third_worker_is_refused_and_may_share(slow_cases):
    cases = slow_cases(seeds="1")
    status, printed = cases.run("--redl-workers=3")
    assert 4 == status
    assert "--redl-workers 3: 2 GPUs and" in printed
    assert [] == cases.trained
