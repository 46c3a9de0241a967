"""Workers on other machines are started by ssh and srun, for which scripts stand in that run here."""

import os
import signal
import subprocess
import sys

import pytest

from redl.cli import main
from redl.fleet.seat import Seat
from redl.fleet.starting import by_srun, by_ssh, seated_workers, wait, workers_elsewhere

STAND_IN = """#!/bin/sh
echo "$@" >> {log}
{then}
"""


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Return a function that puts a command of this name first on the path, which notes its arguments."""
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    def put(name, then="exit 0"):
        path = tmp_path / name
        path.write_text(STAND_IN.format(log=tmp_path / f"{name}.log", then=then))
        path.chmod(0o755)
        return tmp_path / f"{name}.log"

    return put


def test_ssh_starts_them_on_each_host_by_the_same_python(stand_in):
    log = stand_in("ssh")
    assert 0 == main(["workers", "tls://head:8786", "--ssh=node1,node2", "--workers=2", "--share"])
    words = f"exec {sys.executable} -P -m redl workers tls://head:8786 --workers 2 --share"
    lines = sorted(log.read_text().splitlines())
    assert [True, True] == [line.endswith(words) for line in lines]
    assert ["-o BatchMode=yes node1", "-o BatchMode=yes node2"] == [line.split(" cd ")[0] for line in lines]


def test_a_folder_with_a_space_is_quoted(tmp_path, monkeypatch):
    (tmp_path / "my project").mkdir()
    monkeypatch.chdir(tmp_path / "my project")
    assert f"cd '{tmp_path}/my project' 2>/dev/null" in by_ssh("node", "tls://head:1", ())[-1]


def test_srun_starts_one_in_each_task(stand_in, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "1")
    log = stand_in("srun")
    assert 0 == main(["workers", "tls://head:8786", "--slurm"])
    words = f"--kill-on-bad-exit=0 {sys.executable} -P -m redl workers tls://head:8786 --workers 1"
    assert words == log.read_text().strip()
    assert words.split() == by_srun("tls://head:8786")[1:]


def test_srun_outside_of_an_allocation_is_refused(capsys, monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    assert 2 == main(["workers", "tls://head:8786", "--slurm"])
    assert "--slurm: this is no allocation of SLURM" in capsys.readouterr().err


@pytest.fixture
def started(monkeypatch):
    """Let a process that ends at once stand in for each worker; return the commands of the workers."""
    commands, start = [], subprocess.Popen

    def stand_in(command):
        commands.append(command)
        return start([sys.executable, "-c", ""])

    monkeypatch.setattr("redl.fleet.starting.subprocess.Popen", stand_in)
    return commands


def test_it_starts_a_worker_with_one_thread_on_each_seat_and_says_where(started, capsys):
    before = signal.getsignal(signal.SIGTERM)
    assert 0 == main(["workers", "tcp://127.0.0.1:9", "--workers=3", "--share"])
    assert "3 workers for tcp://127.0.0.1:9: processors " in capsys.readouterr().err
    assert 3 == len(started)
    assert "-m distributed.cli.dask_worker tcp://127.0.0.1:9 --nworkers 1 --nthreads 1" in " ".join(
        started[0]
    )
    assert before == signal.getsignal(signal.SIGTERM)


def test_without_dask_it_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr("redl.cli.workers.package_version", lambda name: None)
    assert 2 == main(["workers", "tcp://127.0.0.1:9"])
    assert "distributed is not installed; run pip install 'redl[dask]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--workers=0"], "--workers 0: give a whole number above 0, or auto"),
        (["--workers=100000"], "have room for"),
        (["--ssh=,"], "--ssh: give the names of machines"),
    ],
)
def test_what_cannot_be_started_is_refused_in_one_line(capsys, options, words):
    assert 2 == main(["workers", "tcp://127.0.0.1:9", *options])
    assert words in capsys.readouterr().err


def test_a_scheduler_that_anybody_can_reach_is_refused(capsys):
    assert 2 == main(["workers", "tcp://10.0.0.1:8786"])
    assert "redl workers tcp://10.0.0.1:8786: whoever reaches this scheduler" in capsys.readouterr().err


def test_the_first_status_that_is_not_0_counts(stand_in):
    stand_in("good")
    stand_in("bad", then="exit 3")
    with workers_elsewhere([["good"], ["bad"]]) as started:
        assert 3 == wait(started)


def test_what_was_started_ends_with_the_block(stand_in):
    stand_in("long", then="exec sleep 60")
    with workers_elsewhere([["long"]]) as (process,):
        assert process.poll() is None
    assert process.poll() is not None


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system pins no process")
def test_each_is_on_the_processors_of_its_seat_and_this_process_where_it_was():
    before = os.sched_getaffinity(0)
    seats = [Seat(processors=(number,)) for number in sorted(before)]
    with seated_workers("tcp://127.0.0.1:9", seats) as started:
        assert [{number} for number in sorted(before)] == [os.sched_getaffinity(one.pid) for one in started]
    assert before == os.sched_getaffinity(0)
