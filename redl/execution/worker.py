"""A process per case: its history, its leaks and its death touch no other case.

The parent imports no torch and never touches CUDA. Children come from a forkserver that has imported the
heavy libraries once, so that only the first case waits for them; a CUDA context is made only in the child.
"""

from __future__ import annotations

import os
import signal
import time
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Literal, Protocol, cast

from redl.execution.messages import (
    Broke,
    EpochEnded,
    GarbledError,
    Inbox,
    Message,
    OverCapError,
    ParentGoneError,
    Step,
    StepDone,
    send,
)
from redl.execution.resident_watch import ResidentWatch
from redl.execution.server import fork_server
from redl.parent import end_with_parent
from redl.printable import printable_line
from redl.record import Epoch, Predictions, Record, Status
from redl.record.budget import Probe

OnEpoch = Callable[[Epoch], None]
Result = Record | Predictions | Probe | int | None

_GARBLED = "the process sent garbled data: something other than redl wrote to the pipe of its answers"
# The CPU allocator raises a plain RuntimeError, and on a slice of a GPU (MIG) PyTorch's own check fails.
_SHORT = ("can't allocate memory", "nvml_success == r internal assert failed")
_ONEDNN_SHORT = "could not create a primitive"  # which under a cap is for want of memory
_COPY = "a copy of the process answered: end what your code forks by os._exit"


class Steps(Protocol):
    """The work of one case in the child, in this order; the last three steps may be repeated."""

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

    def export(self) -> None:
        """Write the trained weights into the folder that the job names."""


Start = Callable[[OnEpoch], AbstractContextManager[object]]  # with a method for each step that is called


class CaseBrokeError(Exception):
    """A child ended early; `status` and `reason` say how.

    `transient` says that the cause lies outside of the case, so that another attempt may succeed;
    `over_bytes` is how far it was over its cap, if that is how it ended.
    """

    def __init__(
        self, status: Status, reason: str, *, transient: bool = False, over_bytes: int | None = None
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.transient = transient
        self.over_bytes = over_bytes


class Worker:
    """A child process that works through the steps of one case.

    `start` is pickled to the child and called there. `timeout_s` bounds the child's working time, not the
    time it waits for the next call. Above `cap_bytes` more than it says to start with, it is killed. Raise
    CaseBrokeError if no process can start.
    """

    def __init__(
        self, start: Start, *, timeout_s: float, on_epoch: OnEpoch, cap_bytes: int | None = None
    ) -> None:
        self._timeout_s = timeout_s
        self._left_s = timeout_s
        self._on_epoch = on_epoch
        self._cap_bytes = cap_bytes
        self._watch: ResidentWatch | None = None
        try:
            context = fork_server()
            self._connection, theirs = context.Pipe()
            self._process = context.Process(
                target=_serve, args=(theirs, start, cap_bytes is None), daemon=True
            )
            with theirs:
                self._process.start()
        except (OSError, EOFError) as error:  # e.g. no memory, process, descriptor or temporary folder left
            reason = f"no process could start: {_text_of(error) or 'the fork server died'}"
            raise CaseBrokeError(Status.CRASHED, reason, transient=True) from error
        self._end = _end_of(self._process)
        self._inbox = Inbox(self._connection, self._end)

    def call(self, step: Step) -> Result:
        """Let the child do one step and return its result; raise CaseBrokeError if it ends instead.

        Whatever ends the call early ends the child.
        """
        began = time.monotonic()
        try:
            with suppress(ConnectionError):  # it has ended, and may have said why
                self._connection.send_bytes(step.encode())
            return self._answer(step, began + self._left_s)
        except BaseException:
            self._process.kill()
            raise
        finally:
            self._left_s -= time.monotonic() - began

    def close(self) -> None:
        """End the child, which is idle or killed."""
        if self._watch is not None:
            self._watch.close()
        self._connection.close()
        self._process.join(timeout=5)
        if self._process.exitcode is None:
            self._process.kill()
            self._process.join()
        os.close(self._end)

    def _answer(self, step: Step, deadline: float) -> Result:
        while True:
            match self._next(deadline):
                case Message(process=process) if process != self._process.pid:
                    raise CaseBrokeError(Status.CRASHED, _COPY)
                case EpochEnded(epoch=epoch):
                    self._on_epoch(epoch)
                case Broke() as broke:
                    raise self._ended_by(broke)
                case StepDone() as done if done.answers(step):
                    self._watch_from(done.start_bytes)
                    return done.record or done.predictions or done.probe
                case _:
                    raise CaseBrokeError(Status.CRASHED, _GARBLED)

    def _watch_from(self, start_bytes: int | None) -> None:
        if self._cap_bytes is not None and start_bytes is not None:
            assert self._process.pid is not None, "the process has been started"
            limit = start_bytes + self._cap_bytes
            self._watch = ResidentWatch(self._process.pid, limit, self._process.kill)

    def _ended_by(self, broke: Broke) -> CaseBrokeError:
        status = Status(broke.status)
        if self._cap_bytes is not None and _ONEDNN_SHORT in broke.reason:
            status = Status.OOM
        return CaseBrokeError(status, printable_line(broke.reason), over_bytes=broke.over_bytes)

    def _next(self, deadline: float) -> Message:
        try:
            return self._inbox.next(deadline)
        except TimeoutError:
            reason = f"no end within {self._timeout_s:g} s of work; allow more by --redl-timeout"
            raise CaseBrokeError(Status.TIMEOUT, reason) from None
        except GarbledError:
            raise CaseBrokeError(Status.CRASHED, _GARBLED) from None
        except (EOFError, ConnectionError) as error:
            raise self._death() from error

    def _death(self) -> CaseBrokeError:
        self._process.join(timeout=5)
        code = self._process.exitcode
        if self._watch is not None and (over_bytes := self._watch.over_bytes) is not None:
            over = OverCapError(over_bytes)
            return CaseBrokeError(Status.OOM, _reason_of(over), over_bytes=over_bytes)
        if code == -signal.SIGKILL:
            reason = "the process got SIGKILL: often the system ran out of memory"
            return CaseBrokeError(Status.KILLED, reason, transient=True)
        if code is not None and code < 0:
            reason = f"the process died of {signal.Signals(-code).name}"
            return CaseBrokeError(Status.CRASHED, reason, transient=True)
        if code is None:
            return CaseBrokeError(Status.CRASHED, "the process closed the pipe of its answers and lived on")
        return CaseBrokeError(Status.CRASHED, f"the process died with exit status {code}")


def _end_of(process: BaseProcess) -> int:
    """Return a descriptor, which is to be closed, that is readable once the process has ended."""
    assert process.pid is not None, "the process has been started"
    try:
        return os.pidfd_open(process.pid)
    except (AttributeError, OSError):  # no Linux, or it has ended already
        return os.dup(process.sentinel)  # which is readable as well when the fork server is killed


def _serve(connection: Connection, start: Start, tells_where: bool) -> None:
    """Do each step that the parent names, in the child, until the parent hangs up.

    `tells_where` prints the traceback of what broke the case; a batch that does not fit is no fault.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's; it ends its children itself
    end_with_parent()
    try:
        with start(lambda epoch: send(connection, EpochEnded(process=os.getpid(), epoch=epoch))) as steps:
            while (step := _next_step(connection)) is not None:
                send(connection, _done(step, getattr(steps, step)()))
    except ParentGoneError:
        return
    except Exception as error:  # whatever broke the case goes into its record
        if tells_where:
            traceback.print_exc()
        with suppress(ParentGoneError):
            send(connection, _broke(error))


def _next_step(connection: Connection) -> Step | None:
    """Wait for the parent's next call; return None once it hangs up."""
    try:
        step = connection.recv_bytes().decode()
    except (EOFError, ConnectionError):
        return None
    return cast("Step", step)


def _done(step: Step, result: Result) -> StepDone:
    return StepDone(
        process=os.getpid(),
        step=step,
        record=result if isinstance(result, Record) else None,
        predictions=result if isinstance(result, Predictions) else None,
        probe=result if isinstance(result, Probe) else None,
        start_bytes=result if isinstance(result, int) else None,
    )


def _broke(error: Exception) -> Broke:
    return Broke(
        process=os.getpid(),
        status=_status_of(error),
        reason=_reason_of(error),
        over_bytes=error.over_bytes if isinstance(error, OverCapError) else None,
    )


def _status_of(error: Exception) -> Literal["oom", "failed"]:
    message = str(error).lower()
    out_of_memory = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    return "oom" if out_of_memory or any(words in message for words in _SHORT) else "failed"


def _reason_of(error: Exception) -> str:
    """Return what went wrong in one line, without a file's path, which may contain a user's name."""
    return f"{type(error).__name__}: {next(iter(_text_of(error).splitlines()), '')}"


def _text_of(error: Exception) -> str:
    return (error.strerror or "") if isinstance(error, OSError) else str(error)
