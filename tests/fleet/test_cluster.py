"""Which clusters a run refuses, before it has handed out anything."""

import dask
import msgspec
import pytest

from redl.errors import OptionError
from redl.execution.stamp import environment_here
from redl.fleet.cluster import Cluster, check_private
from redl.fleet.messages import Hello
from redl.fleet.seat import SeatError
from tests.helpers.cluster import Cluster as RealCluster


@pytest.mark.parametrize(
    "address",
    ["tcp://127.0.0.1:8786", "127.0.0.1:8786", "localhost:8786", "tcp://[::1]:8786", "tls://node:8786"],
)
def test_loopback_and_tls_are_private(address):
    check_private(address, "--redl-dask")


@pytest.mark.parametrize(
    "address",
    ["tcp://10.0.0.7:8786", "node:8786", "tcp://127.0.0.1.example.org:8786", "tcp://1127.0.0.1:1", ""],
)
def test_other_addresses_are_refused(address):
    with pytest.raises(OptionError, match="whoever reaches this scheduler can run code there; use tls://"):
        check_private(address, "--redl-dask")


def test_other_addresses_are_private_if_dasks_own_setting_says_so():
    with dask.config.set({"distributed.comm.require-encryption": False}):
        check_private("tcp://10.0.0.7:8786", "--redl-dask")


def hello(**changes):
    words = {"node": "n", "environment": environment_here(), "processors": (0, 1), "gpu": None, "threads": 1}
    return Hello(**(words | changes))


class Answering:
    """A scheduler's client whose workers say what a test wants."""

    def __init__(self, **workers):
        self.answers = workers

    def nthreads(self):
        return dict.fromkeys(self.answers, 1)

    def run(self, function, workers, on_error):
        answers = {name: self.answers[name] for name in workers}
        return {
            name: msgspec.json.encode(answer) if isinstance(answer, Hello) else answer
            for name, answer in answers.items()
        }


@pytest.fixture
def cluster():
    """Return a function that makes a cluster of workers, without connecting to anything."""

    def of(*, share=False, **workers):
        found = Cluster.__new__(Cluster)
        found.client, found._share = Answering(**workers), share
        found._hellos, found._nodes, found.refused, found._environment = {}, [], {}, {}
        return found

    return of


def unlike(**changes):
    return environment_here() | changes


@pytest.mark.parametrize(
    ("worker", "words"),
    [
        (hello(threads=8), "8 threads, and would run as many cases; give it --nthreads 1"),
        (hello(environment=unlike(redl="0.0.1")), "a worker has redl 0.0.1, and this run"),
        (hello(environment=unlike(python="3.9.1")), "a worker has python 3.9.1, and this run"),
        (SeatError("4 GPUs for one worker"), "4 GPUs for one worker"),
        (ImportError("no redl"), "cannot be used (ImportError); install redl[dask] where it runs"),
    ],
)
def test_a_worker_that_cannot_be_used_says_why(cluster, worker, words):
    found = cluster(a=worker)
    assert () == found.workers()
    assert words in found.refused["a"]


@pytest.mark.parametrize(
    ("name", "value"), [("cpu", "another"), ("torch", "2.0"), ("gpus", "A100"), ("usable_cores", 99)]
)
def test_workers_that_differ_are_not_used_together(cluster, name, value):
    found = cluster(a=hello(), b=hello(node="m", environment=unlike(**{name: value})))
    assert ("a",) == found.workers()
    assert f"its workers differ ({name})" in found.refused["b"]


def test_workers_with_the_same_processors_are_not_used_together(cluster):
    found = cluster(a=hello(), b=hello(processors=(1, 2)))
    assert ("a",) == found.workers()
    assert "two of its workers have the same GPU or processors" in found.refused["b"]


def test_they_are_if_they_may_share_which_their_placement_says(cluster):
    found = cluster(share=True, a=hello(), b=hello())
    assert ("a", "b") == found.workers()
    assert found.placement("a").shared


def test_processors_of_other_nodes_are_others(cluster):
    assert ("a", "b") == cluster(a=hello(), b=hello(node="m")).workers()


def test_a_worker_that_joins_later_is_asked_and_one_that_went_is_forgotten(cluster):
    found = cluster(a=hello())
    assert ("a",) == found.workers()
    found.client = Answering(b=hello(node="m"))
    assert ("b",) == found.workers()


def test_one_of_another_kind_is_not_used_when_all_of_the_first_kind_are_gone(cluster):
    found = cluster(a=hello())
    found.workers()
    found.client = Answering(b=hello(environment=unlike(cpu="another")))
    assert () == found.workers()
    assert "its workers differ (cpu)" in found.refused["b"]
    assert environment_here() == found.environment()


def test_a_placement_names_no_node_and_counts_the_neighbours(cluster):
    found = cluster(a=hello(node="secret"), b=hello(node="secret", processors=(2,)), c=hello(node="other"))
    found.workers()
    of = [found.placement(name) for name in "abc"]
    assert ["node 1", "node 1", "node 2"] == [one.node for one in of]
    assert [1, 1, 0] == [one.neighbours for one in of]
    assert "processors 0-1" == of[0].device


def test_without_a_scheduler_the_run_ends_in_one_line():
    with pytest.raises(OptionError, match=r"--redl-dask tcp://127.0.0.1:9: no scheduler answers"):
        Cluster("tcp://127.0.0.1:9", share=False)


@pytest.mark.slow
def test_without_a_worker_it_says_how_to_start_some(tmp_path, monkeypatch):
    monkeypatch.setattr("redl.fleet.cluster._FIRST_WORKER_S", 1.0)
    real = RealCluster(tmp_path, workers=None)
    try:
        with pytest.raises(OptionError, match="no worker has joined it; start some by `redl workers tcp://"):
            Cluster(real.address, share=False)
    finally:
        real.close()


@pytest.mark.slow
def test_a_worker_with_two_threads_is_refused_by_a_run(slow_cases, tmp_path):
    cases = slow_cases(seeds="1")
    real = RealCluster(tmp_path, workers=None)
    real.start_worker("--nthreads", "2", "--nworkers", "1")
    try:
        status, printed = cases.run(f"--redl-dask={real.address}")
    finally:
        real.close()
    assert 4 == status
    assert f"--redl-dask {real.address}: a worker has 2 threads" in printed
    assert [] == cases.trained
