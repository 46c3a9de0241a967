"""Events: what an engine tells its run of the cases, from any of its threads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from redl.fleet.messages import Answer, EpochEnded, Message
from redl.record import Epoch


@dataclass(frozen=True, kw_only=True, slots=True)
class Begun:
    """A worker has begun a case; again, if the worker that had it was lost."""

    case: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """A case has come to the end of an epoch, or waits for its GPU if that is None."""

    case: str
    epoch: Epoch | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """A case has its answer, or none because its workers were lost, as `lost` says in words."""

    case: str
    answer: Answer | None
    lost: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """The engine has something to say."""

    words: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Gone:
    """The engine is at its end, and answers nothing more."""

    reason: str


Event = Begun | Told | Answered | Said | Gone
OnEvent = Callable[[Event], None]


def told(case: str, message: Message) -> Told:
    """Return what a worker told of a case before it answered."""
    return Told(case=case, epoch=message.epoch if isinstance(message, EpochEnded) else None)


def gone(what: str, error: Exception) -> Gone:
    """Return that an engine has ended because of an error that nobody foresaw."""
    return Gone(reason=f"{what} failed ({type(error).__name__}: {next(iter(str(error).splitlines()), '')})")
