"""A real Dask cluster on loopback: a scheduler and two workers, each a process that can be killed."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from redl.fleet.seat import AUTO, seats

ROOT = Path(__file__).parents[2]


needs_two_cores = pytest.mark.skipif(
    len(seats(AUTO, share=False)) < 2, reason="two workers need two cores, and memory for their cases"
)


class Cluster:
    """A scheduler, and `redl workers` with two workers, or with none."""

    def __init__(self, folder, *, workers=("--workers", "2", "--share"), protocol="tcp"):
        self.folder, self.started = folder, []
        self.scheduler = self._start(
            "scheduler", "-m", "distributed.cli.dask_scheduler", *_PRIVATE, "--protocol", protocol
        )
        self.address = self._wait_for("scheduler", r"(\w+://127\.0\.0\.1:\d+)")
        if workers is not None:
            self.started.append(self._start("workers", "-m", "redl", "workers", self.address, *workers))

    def start_worker(self, *words):
        """Start a worker as Dask itself starts one."""
        command = ("-m", "distributed.cli.dask_worker", self.address, "--no-dashboard", *words)
        self.started.append(self._start("worker", *command))

    def _start(self, name, *words):
        with (self.folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen([sys.executable, *words], cwd=self.folder, stdout=log, stderr=log)

    def _wait_for(self, name, words):
        end = time.monotonic() + 30
        while time.monotonic() < end:
            if found := re.search(words, (self.folder / f"{name}.log").read_text()):
                return found[1]
            time.sleep(0.05)
        raise AssertionError((self.folder / f"{name}.log").read_text())

    def close(self):
        """End all of its processes."""
        processes = [*self.started, self.scheduler]
        for process in processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in processes:
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


_PRIVATE = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard")


def worker_above(pid, words):
    """Return which process above that of a case has a command with these words."""
    return next(one.pid for one in psutil.Process(pid).parents() if words in " ".join(one.cmdline()))


def gone_within(pids, seconds):
    """Return whether all of these processes are gone, or are by then."""
    end = time.monotonic() + seconds
    while living := [pid for pid in pids if lives(pid)]:
        if time.monotonic() > end:
            return living == []
        time.sleep(0.02)
    return True


def lives(pid):
    """Return whether a process runs."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
