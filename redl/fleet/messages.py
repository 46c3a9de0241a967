"""Messages of a worker about its case, as lines of JSON: nothing that comes back is unpickled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from redl.fleet.seat import Seat
from redl.record import Epoch
from redl.record.strict import Amount, Count, Line, Section, Word, decode


class EpochEnded(Section, frozen=True, kw_only=True, tag_field="kind", tag="epoch"):
    """An epoch of training has ended."""

    epoch: Epoch


class Waits(Section, frozen=True, kw_only=True, tag_field="kind", tag="waits"):
    """The case waits for its GPU, where another run's case computes."""


class Deployed(Section, frozen=True, kw_only=True):
    """A trained network in one runtime: its figures, or in words why there are none; seconds that it took."""

    seconds: Amount
    deployment: dict[str, Any] | None = None
    fault: Line | None = None


class Answer(Section, frozen=True, kw_only=True, tag_field="kind", tag="answer"):
    """What a case has found: its record and predictions as they are saved, and how long its steps took.

    A `fault` says in place of the record why the case could not begin. `deployed` is by the runtimes' names.
    """

    case: Word
    fault: Line | None = None
    record: dict[str, Any] | None = None
    predictions: dict[str, Any] | None = None
    train_seconds: Amount = 0.0
    infer_seconds: tuple[Amount, ...] = ()
    deployed: dict[str, Deployed] = msgspec.field(default_factory=dict)


Message = EpochEnded | Waits | Answer
Tell = Callable[[Message], None]
_ANY: Any = Message


class Hello(Section, frozen=True, kw_only=True):
    """What a worker is: its machine and software, as stamps have them, its seat, and its threads."""

    node: Word
    environment: dict[str, str | int | float | bool | None]
    processors: tuple[Count, ...]
    gpu: Word | None
    threads: Count

    @property
    def seat(self) -> Seat:
        """Return its seat."""
        return Seat(processors=self.processors, gpu=self.gpu)


def encoded(message: Section) -> bytes:
    """Return a message as JSON."""
    return msgspec.json.encode(message)


def decoded(text: bytes, where: str) -> Message:
    """Return the message that JSON holds; raise RecordError for what is none."""
    message: Message = decode(text, _ANY, where)
    return message
