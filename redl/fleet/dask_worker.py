"""What runs inside of a worker of Dask: a member does the work, which can be stopped."""

from __future__ import annotations

import hashlib
import socket
from functools import cache
from pathlib import Path
from typing import Any

from distributed import Worker, WorkerPlugin, get_worker

from redl.execution.stamp import environment_here
from redl.fleet.member import Member
from redl.fleet.messages import Hello, Message, encoded
from redl.fleet.seat import own_seat

KEY = "redl-"  # begins the keys of tasks, and the topic of what they tell

_BOOT = Path("/proc/sys/kernel/random/boot_id")


class StopPlugin(WorkerPlugin):
    """Plugin that ends the case of a task which its run has cancelled, or whose run or scheduler is gone."""

    name = "redl-stop"

    def transition(self, key: Any, start: str, finish: str, **_: Any) -> None:  # noqa: ANN401 - Dask's own
        """End a task's case where the task is let go of before its end."""
        if str(key).startswith(KEY) and start == "executing" and finish not in {"memory", "error"}:
            _stopped.add(str(key))
            _member().stop()

    def teardown(self, worker: Worker) -> None:  # noqa: ARG002 - Dask's own
        """End what still runs when the worker ends, or when a later run brings this plugin anew."""
        if _member.cache_info().currsize:
            _member().stop()


_stopped: set[str] = set()  # keys of tasks that are not to begin any more


@cache
def _member() -> Member:
    return Member(own_seat())


def hello(dask_worker: Worker) -> bytes:
    """Return what a worker is, as a `Hello` in JSON; raise SeatError for a worker with several GPUs."""
    seat = own_seat()
    found = Hello(
        node=_node(),
        environment=environment_here(),
        processors=seat.processors,
        gpu=seat.gpu,
        threads=dask_worker.state.nthreads,
    )
    return encoded(found)


def perform(task: bytes, topic: str, case: str) -> bytes:
    """Work through a pickled task of a case, and return its answer in JSON; raise LostError without one."""
    worker = get_worker()
    key = worker.get_current_task()

    def tell(message: Message) -> None:
        worker.log_event(topic, {"case": case, "message": encoded(message).decode()})

    return encoded(_member().perform(task, tell, wanted=lambda: key not in _stopped))


def _node() -> str:
    """Return what tells nodes apart while they run, and names none."""
    try:
        boot = _BOOT.read_text()
    except OSError:
        boot = ""
    return hashlib.sha256(f"{boot}{socket.gethostname()}".encode()).hexdigest()[:16]
