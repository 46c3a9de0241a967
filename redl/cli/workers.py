"""The command `redl workers`: start the workers of a Dask cluster."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from redl.errors import OptionError
from redl.metering.machine import package_version

if TYPE_CHECKING:
    from redl.fleet.seat import Seat


def add(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    parser = commands.add_parser("workers", help="start the workers of a Dask cluster, one for each GPU")
    parser.add_argument("address", metavar="ADDRESS", help="of the scheduler, e.g. tcp://127.0.0.1:8786")
    parser.add_argument(
        "--workers",
        default="auto",
        metavar="N",
        help="workers on each machine; each has a GPU or cores of its own (default: auto, one for each GPU, "
        "or as many as there are cores and memory for)",
    )
    parser.add_argument(
        "--share",
        action="store_true",
        help="start more than there is room for; runs then need --redl-share, which marks their figures",
    )
    elsewhere = parser.add_mutually_exclusive_group()
    elsewhere.add_argument("--ssh", metavar="HOSTS", help="start them on these machines, e.g. node1,node2")
    elsewhere.add_argument(
        "--slurm", action="store_true", help="start one in each task of this allocation, by srun"
    )
    parser.set_defaults(run=run, again="all workers have ended")


def run(arguments: argparse.Namespace) -> int:
    """Start workers, and wait until they have ended; return 0 if they ended well."""
    if package_version("distributed") is None:
        raise OptionError("redl workers: distributed is not installed; run pip install 'redl[dask]'")
    from redl.fleet.cluster import check_private
    from redl.fleet.starting import seated_workers, wait, workers_elsewhere

    check_private(arguments.address, "redl workers")
    if commands := _elsewhere(arguments):
        with _ended_by_signals(), workers_elsewhere(commands) as started:
            return wait(started)
    from redl.fleet.seat import device_words

    seats = _seats(arguments)
    devices = "; ".join(device_words(seat, seats) for seat in seats)
    sys.stderr.write(f"{len(seats)} worker{'s' * (len(seats) > 1)} for {arguments.address}: {devices}\n")
    with _ended_by_signals(), seated_workers(arguments.address, seats) as started:
        return wait(started)


def _seats(arguments: argparse.Namespace) -> tuple[Seat, ...]:
    from redl.fleet.seat import count_of, seats

    try:
        asked = count_of(arguments.workers)
    except ValueError:
        raise OptionError(f"--workers {arguments.workers}: give a whole number above 0, or auto") from None
    return seats(asked, share=arguments.share, option="--workers", leave="--share")


def _elsewhere(arguments: argparse.Namespace) -> list[list[str]]:
    """Return the commands that start workers on other machines; none to start them here."""
    from redl.fleet.starting import by_srun, by_ssh

    if arguments.slurm:
        if "SLURM_JOB_ID" not in os.environ:
            raise OptionError("--slurm: this is no allocation of SLURM; call it in a script for sbatch")
        return [by_srun(arguments.address)]
    hosts = [host for host in (arguments.ssh or "").split(",") if host]
    if arguments.ssh is not None and not hosts:
        raise OptionError("--ssh: give the names of machines, e.g. node1,node2")
    options = ["--workers", arguments.workers, *(["--share"] if arguments.share else [])]
    return [by_ssh(host, arguments.address, options) for host in hosts]


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let SIGTERM end the block as Ctrl-C does, so that the workers are ended too."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
