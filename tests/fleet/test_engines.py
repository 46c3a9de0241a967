"""Both engines, with members that find what a test wants: order, losses, faults and the end."""

import pickle
import queue
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from redl.data.datasets import DataOptions
from redl.errors import OptionError
from redl.execution.job import Job, RunOptions
from redl.execution.stamp import environment_here
from redl.fleet import dask_worker, local
from redl.fleet.cluster import Cluster
from redl.fleet.dask_engine import DaskEngine
from redl.fleet.events import Answered, Begun, Gone, Said, Told
from redl.fleet.local import LocalEngine
from redl.fleet.member import LostError
from redl.fleet.messages import Answer, Waits
from redl.fleet.seat import Seat, own_seat
from redl.fleet.task import Task
from redl.record.placement import HERE
from redl.study.profile import TINY
from tests.helpers.saved import finished


def task(seed):
    job = Job(case=finished(seed=seed).case, prepared=Path("p"), options=RunOptions(profile=TINY))
    return Task(job=job, below=Path.cwd(), data=DataOptions(cache=Path("cache")), fingerprint="f")


class Members:
    """Members of all seats; `fates` say, by seed, what they do with one attempt after another."""

    def __init__(self):
        self.fates, self.placements, self.ended = {}, [], threading.Event()

    def perform(self, text, tell, wanted=lambda: True):
        taken = pickle.loads(text)  # noqa: S301 - what the test has pickled itself
        self.placements.append((taken.job.case.seed, taken.job.placement))
        fates = self.fates.get(taken.job.case.seed, [])
        tell(Waits())
        match fates.pop(0) if fates else "answer":
            case "answer":
                return Answer(case=taken.case)
            case "lost":
                raise LostError("its worker ended by SIGKILL")
            case "stay":
                assert self.ended.wait(timeout=20)
                raise LostError("its run has ended")
            case error:
                raise error

    def stop(self):
        self.ended.set()

    close = stop


@pytest.fixture
def members(monkeypatch):
    """Members that are no processes, in place of those of both engines."""
    found = Members()

    def member(seat=None):
        one = type("Member", (), {"seat": seat})()
        one.perform, one.stop, one.close = found.perform, found.stop, found.close
        return one

    member.cache_info = lambda: type("Info", (), {"currsize": 1})
    monkeypatch.setattr(local, "Member", member)
    monkeypatch.setattr(dask_worker, "_member", member)
    return found


@contextmanager
def local_cluster(workers=1):
    """Yield the address of a scheduler in this process, with so many workers."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=False,
        protocol="tcp",
        dashboard_address=":0",
    ) as cluster:
        yield cluster.scheduler_address


@pytest.fixture(params=["workers", "dask"])
def engine(request, members):
    """An engine with one worker, and the queue of what it tells."""
    events = queue.Queue()
    if request.param == "workers":
        opened = LocalEngine([own_seat()], shared=False, on_event=events.put)
        yield opened, events
        opened.close()
        return
    with local_cluster() as address:
        opened = DaskEngine(Cluster(address, share=False), on_event=events.put)
        yield opened, events
        opened.close()


def until(events, kind, number=1):
    """Return what was told until so many of a kind were."""
    found = []
    while sum(isinstance(event, kind) for event in found) < number:
        found.append(events.get(timeout=20))
    return found


def test_cases_begin_in_order_and_their_answers_are_told(engine):
    opened, events = engine
    opened.submit([task(2), task(1)])
    told = until(events, Answered, 2)
    cases = [task(2).case, task(1).case]
    assert cases == [event.case for event in told if isinstance(event, Begun)]
    assert cases == [event.answer.case for event in told if isinstance(event, Answered)]
    assert cases == [event.case for event in told if isinstance(event, Told)]


def test_a_lost_case_is_run_again_as_the_next_attempt(engine, members):
    opened, events = engine
    members.fates[1] = ["lost"]
    opened.submit([task(1), task(2)])
    told = until(events, Answered, 2)
    begun = [event.case for event in told if isinstance(event, Begun)]
    assert [task(1).case, task(1).case, task(2).case] == begun
    assert [(1, 1), (1, 2), (2, 1)] == [(seed, one.attempt) for seed, one in members.placements]


def test_a_case_that_takes_three_workers_with_it_is_given_up(engine, members):
    opened, events = engine
    members.fates[1] = ["lost"] * 5
    opened.submit([task(1), task(2)])
    first, second = (event for event in until(events, Answered, 2) if isinstance(event, Answered))
    assert (None, "its worker ended by SIGKILL") == (first.answer, first.lost)
    assert task(2).case == second.answer.case
    assert 3 + 1 == len(members.placements)


def test_the_placement_says_how_long_a_case_waited(engine, members):
    opened, events = engine
    opened.submit([task(1)])
    until(events, Answered)
    ((_, placement),) = members.placements
    assert (0, False, "node 1") == (placement.neighbours, placement.shared, placement.node)
    assert placement.engine in {"workers", "dask"}
    assert placement.queued_seconds >= HERE.queued_seconds
    assert placement.device


def test_the_end_stops_what_runs_and_nothing_more_is_told(engine, members):
    opened, events = engine
    members.fates[1] = ["stay"]
    opened.submit([task(1), task(2)])
    until(events, Told)
    opened.close()
    assert members.ended.wait(timeout=5)  # a cluster hears of it a moment later
    time.sleep(0.1)
    assert events.empty()
    assert [1] == [seed for seed, _ in members.placements]


def test_without_a_worker_a_run_says_how_to_start_some(monkeypatch):
    monkeypatch.setattr("redl.fleet.cluster._FIRST_WORKER_S", 0.2)
    with (
        local_cluster(workers=0) as address,
        pytest.raises(OptionError, match="no worker has joined it; start some by `redl workers tcp://"),
    ):
        Cluster(address, share=False)


def test_workers_in_one_process_are_refused_unless_they_may_share():
    with local_cluster(workers=2) as address:
        with pytest.raises(OptionError, match="two of its workers have the same GPU or processors"):
            Cluster(address, share=False)
        shared = Cluster(address, share=True)
        assert 2 == len(shared.workers())
        assert shared.environment() == environment_here()
        shared.client.close()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError("closed"), "the Dask scheduler does not answer any more"),
        (RuntimeError("odd\nand more"), "the run on Dask failed (RuntimeError: odd)"),
    ],
)
def test_a_scheduler_that_fails_ends_a_run_on_dask_in_words(members, monkeypatch, error, words):
    events = queue.Queue()

    def fail(self):
        raise error

    with local_cluster() as address:
        cluster = Cluster(address, share=False)
        monkeypatch.setattr(Cluster, "workers", fail)
        opened = DaskEngine(cluster, on_event=events.put)
        assert words == until(events, Gone)[-1].reason
        opened.close()


def test_a_worker_that_joins_and_cannot_be_used_is_told_of(members):
    events = queue.Queue()
    with local_cluster() as address:
        cluster = Cluster(address, share=False)
        opened = DaskEngine(cluster, on_event=events.put)
        cluster.refused["tcp://other"] = "it has 8 threads"
        said = until(events, Said)[-1].words
        opened.close()
    assert "a worker that joined (tcp://other) is not used: it has 8 threads" == said


def test_an_odd_error_of_a_worker_of_dask_is_a_loss(members):
    events = queue.Queue()
    members.fates[1] = [ValueError("odd")] * 3
    with local_cluster() as address:
        opened = DaskEngine(Cluster(address, share=False), on_event=events.put)
        opened.submit([task(1)])
        lost = until(events, Answered)[-1]
        opened.close()
    assert (None, "its worker could not take it (ValueError)") == (lost.answer, lost.lost)


def test_an_error_that_nobody_foresaw_ends_the_local_engine_in_words(members):
    events = queue.Queue()
    opened = LocalEngine([own_seat()], shared=False, on_event=events.put)
    members.fates[1] = [RuntimeError("odd\nand more")]
    opened.submit([task(1)])
    gone = until(events, Gone)[-1]
    opened.close()
    assert "a worker of this machine failed (RuntimeError: odd)" == gone.reason


def test_two_seats_are_neighbours_and_what_they_share_is_said(members):
    events = queue.Queue()
    seats = [Seat(processors=(0,)), Seat(processors=(1,))]
    opened = LocalEngine(seats, shared=True, on_event=events.put)
    opened.submit([task(1)])
    until(events, Answered)
    ((_, placement),) = members.placements
    assert (1, True) == (placement.neighbours, placement.shared)
    assert 1 == opened.environment()["usable_cores"]
    opened.close()
