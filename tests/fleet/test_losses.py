"""What is lost when a worker, a scheduler or a run dies: no finished case, and nothing trains on."""

import os
import signal

import pytest

from tests.helpers.cluster import Cluster, gone_within, worker_above
from tests.helpers.slowcases import SlowCases

pytestmark = pytest.mark.slow


WORKERS = {"workers": "redl.fleet.member", "dask": "spawn_main"}  # how their processes' commands read


@pytest.fixture(params=WORKERS)
def engine(request):
    return request.param


@pytest.fixture
def where(engine, request):
    """Return the options of a run on two workers: of this machine, or of a cluster."""
    if engine == "workers":
        return ["--redl-workers=2", "--redl-share"]
    return [f"--redl-dask={request.getfixturevalue('cluster').address}", "--redl-share"]


def test_a_case_whose_worker_is_killed_runs_again_and_the_rest_goes_on(slow_cases, engine, where):
    cases: SlowCases = slow_cases(seconds=1.5)
    run = cases.start(*where)
    first, other = cases.training(at_least=2, run=run)
    os.kill(worker_above(first, WORKERS[engine]), signal.SIGKILL)
    assert gone_within([first], 2)
    assert not gone_within([other], 0)
    cases.wait_in_each_step(0)
    printed, _ = run.communicate(timeout=200)
    assert 0 == run.returncode, printed
    records = cases.records
    attempts = sorted((record.placement.attempt, len(record.earlier_attempts)) for record in records.values())
    assert [(1, 0), (1, 0), (1, 0), (2, 1)] == attempts
    (lost,) = (record for record in records.values() if record.placement.attempt == 2)
    assert ("killed", "its worker was lost") == (
        lost.earlier_attempts[0].status,
        lost.earlier_attempts[0].reason,
    )


def test_after_ctrl_c_nothing_trains_and_the_run_resumes(slow_cases, where):
    cases: SlowCases = slow_cases(seconds=0.05)
    run = cases.start(*where)
    cases.training(at_least=1, run=run)
    while cases.trained < 3:
        assert run.poll() is None
    cases.wait_in_each_step(30)
    training = cases.training(at_least=2, run=run)
    os.kill(run.pid, signal.SIGINT)
    assert gone_within(training, 5)
    printed, _ = run.communicate(timeout=60)
    assert 2 == run.returncode, printed
    finished = cases.trained - 2
    cases.wait_in_each_step(0)
    status, printed = cases.run(*where, "--redl-resume")
    assert 0 == status, printed
    assert 4 == len(cases.records)
    assert 4 - finished == cases.trained - finished - 2


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_of_a_run_that_is_killed_nothing_trains_on(slow_cases, where, number):
    cases: SlowCases = slow_cases(seconds=30)
    run = cases.start(*where)
    training = cases.training(at_least=2, run=run)
    os.kill(run.pid, number)
    assert gone_within(training, 5)
    run.communicate(timeout=60)


def test_a_run_whose_scheduler_is_killed_says_so_and_resumes_with_another(slow_cases, cluster, tmp_path):
    cases: SlowCases = slow_cases(seconds=0.05)
    run = cases.start(f"--redl-dask={cluster.address}", "--redl-share")
    cases.training(run=run)
    while cases.trained < 3:
        assert run.poll() is None
    cases.wait_in_each_step(30)
    training = cases.training(at_least=2, run=run)
    cluster.scheduler.kill()
    printed, _ = run.communicate(timeout=90)
    assert 1 == run.returncode, printed
    assert "the Dask scheduler does not answer any more; what has finished is kept" in printed
    assert gone_within(training, 5)
    finished = cases.trained - 2
    assert finished > 0
    cases.wait_in_each_step(0)
    (tmp_path / "next").mkdir()
    following = Cluster(tmp_path / "next")
    try:
        status, printed = cases.run(f"--redl-dask={following.address}", "--redl-share", "--redl-resume")
    finally:
        following.close()
    assert 0 == status, printed
    assert 4 == len(cases.records)
    assert 4 - finished == cases.trained - finished - 2
