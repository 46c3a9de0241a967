"""The member: a process that works through one case after another on its own seat.

Both kinds of workers have one: a thread of a run on this machine, and a worker of Dask. It is a process of
its own for three reasons: its fork server shows its children the GPU that it was started with, Dask cannot
stop a task, and it ends, with its case, when the process that keeps it ends, even of SIGKILL.
"""

from __future__ import annotations

import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection

from redl.errors import RecordError
from redl.fleet.messages import Answer, Message, Tell, decoded, encoded
from redl.fleet.seat import Seat, keep_to
from redl.parent import end_with_writer_of


class LostError(Exception):
    """A member ended before it had answered; the message says how."""


class Member:
    """Keeper of the process of a seat, which starts with its first task, and anew after one was lost."""

    def __init__(self, seat: Seat) -> None:
        self.seat = seat
        self._lock = threading.Lock()
        self._closed = False
        self._process: _Process | None = None

    def perform(self, task: bytes, tell: Tell, wanted: Callable[[], bool] = lambda: True) -> Answer:
        """Let it work through a pickled task; `tell` is called with what it tells before it answers.

        `wanted` says, before it begins, whether it is to. Raise LostError if it is not, or ends before it
        has answered.
        """
        process = self._begin(wanted)
        try:
            process.send(task)
            while not isinstance(message := process.next(), Answer):
                tell(message)
        except (EOFError, OSError, RecordError):  # the last of what is no message
            raise LostError(self._end(process)) from None
        except BaseException:
            self._end(process)
            raise
        return message

    def stop(self) -> None:
        """End what it works on, with all that this has started; this may be called from any thread."""
        with self._lock:
            if self._process is not None:
                self._process.kill()

    def close(self) -> None:
        """End it for good; this may be called from any thread."""
        with self._lock:
            self._closed = True
            process = self._process
        if process is not None:
            self._end(process)

    def _begin(self, wanted: Callable[[], bool]) -> _Process:
        with self._lock:  # so that whoever stops it either finds the process or is asked before
            if self._closed or not wanted():
                raise LostError("its run has ended")
            self._process = self._process or _Process(self.seat)
            return self._process

    def _end(self, process: _Process) -> str:
        with self._lock:
            self._process = None
        return process.end()


class _Process:
    """The process itself, at the other end of a socket."""

    def __init__(self, seat: Seat) -> None:
        self._seat = seat
        self._ending = threading.Lock()
        self._ended: str | None = None
        ours, theirs = socket.socketpair()
        reading, self._lifeline = os.pipe()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - this interpreter and this module
                [sys.executable, "-P", "-m", "redl.fleet.member", str(theirs.fileno()), str(reading)],
                env={**os.environ, **seat.environment},
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(), reading),
                process_group=0,  # Ctrl-C is for the run, which ends its members itself
            )
        os.close(reading)
        self._connection = Connection(ours.detach())

    def send(self, task: bytes) -> None:
        self._connection.send_bytes(pickle.dumps((task, self._seat)))

    def next(self) -> Message:
        return decoded(self._connection.recv_bytes(), "the worker's message")

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def end(self) -> str:
        """Kill it, once, and return in words how it had ended."""
        with self._ending:
            self._ended = self._ended or self._end()
            return self._ended

    def _end(self) -> str:
        with suppress(subprocess.TimeoutExpired):  # its end may be seen before its exit status
            self._process.wait(timeout=0.2)
        self.kill()
        code = self._process.wait()
        self._connection.close()
        os.close(self._lifeline)
        return f"its worker ended by {signal.Signals(-code).name if code < 0 else f'exit status {code}'}"


def main(channel: int, lifeline: int) -> None:
    """Answer tasks until nobody sends any."""
    end_with_writer_of(lifeline)
    # Imported here, because the process that keeps a member needs none of it.
    from redl.fleet.task import Task, perform

    connection = Connection(channel)

    def tell(message: Message) -> None:
        connection.send_bytes(encoded(message))

    with suppress(EOFError):
        while True:
            text, seat = pickle.loads(connection.recv_bytes())  # noqa: S301 - from who started this
            keep_to(seat.processors)
            task: Task = pickle.loads(text)  # noqa: S301 - from the run, through the same socket
            tell(perform(task, seat, tell))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
