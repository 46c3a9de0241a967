"""A process per case: its history, its leaks and its death touch no other case.

The parent imports no torch and never touches CUDA. Children come from a forkserver that has imported the
heavy libraries once, so that only the first case waits for them; a CUDA context is made only in the child.
"""

from __future__ import annotations

import multiprocessing
import signal
import time
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from typing import Literal, Protocol

from redl.record import Epoch, Predictions, Record, Status

Step = Literal["warm_up", "train", "finish", "predictions", "infer"]
OnEpoch = Callable[[Epoch], None]


class Steps(Protocol):
    """The work of one case in the child, in this order; the last two steps may be repeated."""

    def warm_up(self) -> None:
        """Warm up device and libraries, without any change that training would see."""

    def train(self) -> None:
        """Train the model."""

    def finish(self) -> Record:
        """Evaluate, measure inference, and return the record."""

    def predictions(self) -> Predictions:
        """Return what the trained model answered for each test image."""

    def infer(self) -> None:
        """Pass once over the test images."""


Start = Callable[[OnEpoch], AbstractContextManager[Steps]]


class CaseBrokeError(Exception):
    """A child ended early; `status` and `reason` say how."""

    def __init__(self, status: Status, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Worker:
    """A child process that works through the steps of one case.

    `start` is pickled to the child and called there. `timeout_s` bounds the child's working time, not the
    time it waits for the next call.
    """

    def __init__(self, start: Start, *, timeout_s: float, on_epoch: OnEpoch) -> None:
        context = fork_server()
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, start), daemon=True)
        self._timeout_s = timeout_s
        self._left_s = timeout_s
        self._on_epoch = on_epoch
        self._process.start()
        theirs.close()

    def call(self, step: Step) -> Record | Predictions | None:
        """Let the child do one step and return its result; raise CaseBrokeError if it ends instead."""
        began = time.monotonic()
        try:
            self._connection.send(step)
            return self._answer(began + self._left_s)
        except (EOFError, ConnectionError) as error:
            raise self._death() from error
        finally:
            self._left_s -= time.monotonic() - began

    def close(self) -> None:
        """End the child, whatever it is doing."""
        self._connection.close()
        self._process.join(timeout=5)
        if self._process.exitcode is None:
            self._process.kill()
            self._process.join()

    def _answer(self, deadline: float) -> Record | Predictions | None:
        while self._connection.poll(max(0.0, deadline - time.monotonic())):
            kind, *content = self._connection.recv()
            match kind:
                case "epoch":
                    self._on_epoch(content[0])
                case "broke":
                    raise CaseBrokeError(*content)
                case _:
                    result: Record | Predictions | None = content[0]
                    return result
        self._process.kill()
        reason = f"no end within {self._timeout_s:g} s of work; allow more by --redl-timeout"
        raise CaseBrokeError(Status.TIMEOUT, reason)

    def _death(self) -> CaseBrokeError:
        self._process.join(timeout=5)
        code = self._process.exitcode
        if code == -signal.SIGKILL:
            reason = "the process got SIGKILL: often the system ran out of memory"
            return CaseBrokeError(Status.KILLED, reason)
        if code is not None and code < 0:
            return CaseBrokeError(Status.CRASHED, f"the process died of {signal.Signals(-code).name}")
        return CaseBrokeError(Status.CRASHED, f"the process died with exit status {code}")


def fork_server() -> ForkServerContext:
    """Return the context of processes that start with the heavy libraries imported."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["redl.execution.preload"])
    return context


def _serve(connection: Connection, start: Start) -> None:
    """Do each step that the parent names, in the child, until the parent hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's; it ends its children itself
    try:
        with start(lambda epoch: connection.send(("epoch", epoch))) as steps:
            while (step := _next_step(connection)) is not None:
                connection.send(("done", getattr(steps, step)()))
    except BrokenPipeError:
        return  # the parent is gone
    except Exception as error:  # whatever broke the case goes into its record
        traceback.print_exc()
        connection.send(("broke", _status_of(error), _reason_of(error)))


def _next_step(connection: Connection) -> Step | None:
    """Wait for the parent's next call; return None once it hangs up."""
    try:
        step: Step = connection.recv()
    except (EOFError, ConnectionError):
        return None
    return step


def _status_of(error: Exception) -> Status:
    message = str(error).lower()
    out_of_memory = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    # The CPU allocator raises a plain RuntimeError.
    return Status.OOM if out_of_memory or "can't allocate memory" in message else Status.FAILED


def _reason_of(error: Exception) -> str:
    """Return what went wrong in one line, without a file's path, which may contain a user's name."""
    text = error.strerror if isinstance(error, OSError) else str(error)
    return f"{type(error).__name__}: {next(iter((text or '').splitlines()), '')}"
