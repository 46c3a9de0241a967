"""Starting workers of a Dask cluster: one for each seat of this machine, or by ssh or srun on others."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from redl.fleet.seat import Seat, seated

_PATIENCE_S = 10.0
_ALONE = "1"  # worker: srun has given each of its tasks a seat


@contextmanager
def seated_workers(address: str, seats: Sequence[Seat]) -> Iterator[tuple[subprocess.Popen[bytes], ...]]:
    """Start a worker on each seat, and end all of them with the block.

    They are not bounded in memory, of which Dask sees only its own process and not that of a case.
    """
    command = [
        *(sys.executable, "-P", "-m", "distributed.cli.dask_worker", address),
        *("--nworkers", "1", "--nthreads", "1", "--memory-limit", "0", "--no-dashboard"),
        *("--death-timeout", "60"),
    ]
    with _ended_at_last(_started(command, seats)) as workers:
        yield workers


@contextmanager
def workers_elsewhere(commands: Sequence[Sequence[str]]) -> Iterator[tuple[subprocess.Popen[bytes], ...]]:
    """Start what starts workers elsewhere, and end it with the block."""
    with _ended_at_last(tuple(subprocess.Popen(command) for command in commands)) as started:  # noqa: S603
        yield started


def by_ssh(host: str, address: str, options: Sequence[str]) -> list[str]:
    """Return the command that starts workers on a host by the same Python, in the same folder if there."""
    there = shlex.join(_workers(address, options))
    here = shlex.quote(str(Path.cwd()))
    return ["ssh", "-o", "BatchMode=yes", host, f"cd {here} 2>/dev/null; exec {there}"]


def by_srun(address: str) -> list[str]:
    """Return the command that starts a worker in each task of an allocation, on the seat of that task."""
    return ["srun", "--kill-on-bad-exit=0", *_workers(address, ("--workers", _ALONE))]


def wait(workers: Sequence[subprocess.Popen[bytes]]) -> int:
    """Wait until all workers have ended, and return the first status that is not 0."""
    statuses = [worker.wait() for worker in workers]
    return next((status for status in statuses if status), 0)


def _workers(address: str, options: Sequence[str]) -> list[str]:
    return [sys.executable, "-P", "-m", "redl", "workers", address, *options]


def _started(command: Sequence[str], seats: Sequence[Seat]) -> tuple[subprocess.Popen[bytes], ...]:
    started = []
    for seat in seats:
        with seated(seat):
            started.append(subprocess.Popen(command))  # noqa: S603 - our own words
    return tuple(started)


@contextmanager
def _ended_at_last(
    started: tuple[subprocess.Popen[bytes], ...],
) -> Iterator[tuple[subprocess.Popen[bytes], ...]]:
    try:
        yield started
    finally:
        for one in started:
            if one.poll() is None:
                one.send_signal(signal.SIGTERM)
        for one in started:
            try:
                one.wait(timeout=_PATIENCE_S)
            except subprocess.TimeoutExpired:
                one.kill()
                one.wait()
