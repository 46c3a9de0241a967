"""What is lost when a worker, a scheduler or a run dies: no finished case, and nothing trains on."""

import os
import signal

import pytest

from tests.helpers.cluster import Cluster, gone_within, worker_above

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
    cases = slow_cases(seconds=1.5)
    run = cases.start(*where)
    first, other = cases.held(run)
    os.kill(worker_above(first, WORKERS[engine]), signal.SIGKILL)
    assert gone_within([first], 2)
    assert not gone_within([other], 0)
    cases.release()
    printed, _ = run.communicate(timeout=200)
    assert 0 == run.returncode, printed
    records = cases.records.values()
    attempts = sorted((record.placement.attempt, len(record.earlier_attempts)) for record in records)
    assert [(1, 0), (1, 0), (1, 0), (2, 1)] == attempts
    (lost,) = (record.earlier_attempts[0] for record in records if record.placement.attempt == 2)
    assert ("killed", "its worker was lost") == (lost.status, lost.reason)


def test_after_ctrl_c_nothing_trains_and_the_run_resumes(slow_cases, where):
    cases = slow_cases(free=2, seconds=30)
    run = cases.start(*where)
    training = cases.held(run, after=2)
    os.kill(run.pid, signal.SIGINT)
    assert gone_within(training, 5)
    printed, _ = run.communicate(timeout=60)
    assert 2 == run.returncode, printed
    cases.release()
    status, printed = cases.run(*where, "--redl-resume")
    assert 0 == status, printed
    assert (4, 6) == (len(cases.records), len(cases.trained))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_of_a_run_that_is_killed_nothing_trains_on(slow_cases, where, number):
    cases = slow_cases(seconds=30)
    run = cases.start(*where)
    training = cases.held(run)
    os.kill(run.pid, number)
    assert gone_within(training, 5)
    run.communicate(timeout=60)


def test_a_run_whose_scheduler_is_killed_says_so_and_resumes_with_another(slow_cases, cluster, tmp_path):
    cases = slow_cases(free=2, seconds=30)
    run = cases.start(f"--redl-dask={cluster.address}", "--redl-share")
    training = cases.held(run, after=2)
    cluster.scheduler.kill()
    printed, _ = run.communicate(timeout=90)
    assert 1 == run.returncode, printed
    assert "the Dask scheduler does not answer any more; what has finished is kept" in printed
    assert gone_within(training, 5)
    cases.release()
    (tmp_path / "next").mkdir()
    following = Cluster(tmp_path / "next")
    try:
        status, printed = cases.run(f"--redl-dask={following.address}", "--redl-share", "--redl-resume")
    finally:
        following.close()
    assert 0 == status, printed
    assert (4, 6) == (len(cases.records), len(cases.trained))


def test_a_run_that_stops_at_a_failure_ends_its_workers(slow_cases):
    cases = slow_cases(seconds=60)
    run = cases.start("--redl-workers=2", "--redl-share", "--redl-timeout=6", "-x")
    training = cases.held(run)
    printed, _ = run.communicate(timeout=100)
    assert 1 == run.returncode, printed
    assert "stopping after 1 failures" in printed
    assert gone_within(training, 5)
    assert len(cases.trained) <= 4
    assert 1 == len(cases.benchmarks)
