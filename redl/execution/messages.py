"""Messages from the process of a case to its parent: lines of JSON, read with a deadline and a bound.

They are not pickled, because a case runs code that redl does not know, which may write anything to the
pipe: what is no message must not be run, nor waited for, nor raise anything but one error.
"""

from __future__ import annotations

import os
import time
from multiprocessing.connection import Connection, wait
from typing import Any, Literal

import msgspec

from redl.errors import RecordError
from redl.record import Epoch, Predictions, Record
from redl.record.budget import Probe
from redl.record.strict import Section, decode, encode

Step = Literal["warm_up", "train", "finish", "predictions", "infer", "export", "probe"]

_MOST_BYTES = 2**26  # of one line: the answers for two million images
_AT_ONCE = 2**16


class Message(Section, frozen=True, kw_only=True, tag_field="kind"):
    """What a process tells; `process` is its id, by which a copy of it is told apart."""

    process: int


class EpochEnded(Message, frozen=True, kw_only=True, tag="epoch"):
    """An epoch of training has ended."""

    epoch: Epoch


class StepDone(Message, frozen=True, kw_only=True, tag="done"):
    """A step is done, with what it brought; `start_bytes` is what is resident before anything counts."""

    step: Step
    record: Record | None = None
    predictions: Predictions | None = None
    probe: Probe | None = None
    start_bytes: int | None = None

    def answers(self, step: Step) -> bool:
        """Return whether this step was done and brought what it has to."""
        brought = {"finish": self.record, "predictions": self.predictions, "probe": self.probe}
        return self.step == step and brought.get(step, self) is not None


class Broke(Message, frozen=True, kw_only=True, tag="broke"):
    """The case raised an error; `over_bytes` is how far it was over its cap."""

    status: Literal["oom", "failed"]
    reason: str
    over_bytes: int | None = None


_ANY: Any = EpochEnded | StepDone | Broke


class OverCapError(MemoryError):
    """A process took more memory than its cap allows."""

    def __init__(self, over_bytes: int) -> None:
        super().__init__(f"{over_bytes / 1e6:.1f} MB over the cap")
        self.over_bytes = over_bytes


class GarbledError(Exception):
    """What came is no message."""


class ParentGoneError(Exception):
    """Nobody reads the messages any more."""


def send(connection: Connection, message: Message) -> None:
    """Send a message; raise RecordError if it holds no record, ParentGoneError if nobody listens."""
    line = memoryview(msgspec.json.encode(encode(message, "message")) + b"\n")
    try:
        while line:  # one call need not write all
            line = line[os.write(connection.fileno(), line) :]
    except ConnectionError as error:
        raise ParentGoneError from error


class Inbox:
    """The messages that come through a connection; `end` is readable once the process has ended."""

    def __init__(self, connection: Connection, end: int) -> None:
        self._connection, self._end = connection, end
        self._read = bytearray()

    def next(self, deadline: float) -> Message:
        """Return the next message.

        Raise TimeoutError at the deadline of time.monotonic(), EOFError once the process is gone and its
        last message read, and GarbledError for what is no message.
        """
        line = self._next_line(deadline)
        try:
            message: Message = decode(line, _ANY, "message")
        except (RecordError, RecursionError) as error:
            raise GarbledError from error
        return message

    def _next_line(self, deadline: float) -> bytes:
        scanned = 0
        while (end := self._read.find(b"\n", scanned)) < 0:
            if len(self._read) > _MOST_BYTES:
                raise GarbledError
            scanned = len(self._read)
            self._read += self._receive(deadline)
        line = bytes(self._read[:end])
        del self._read[: end + 1]
        return line

    def _receive(self, deadline: float) -> bytes:
        # The process is watched too: a copy that it forked may hold the connection open after its death.
        ready = wait([self._connection, self._end], max(0.0, deadline - time.monotonic()))
        if not ready:
            raise TimeoutError
        if self._connection in ready and (content := os.read(self._connection.fileno(), _AT_ONCE)):
            return content
        raise EOFError
