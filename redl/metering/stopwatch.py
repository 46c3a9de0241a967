"""A stopwatch that counts only the time inside its windows."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType


def already_synchronous() -> None:
    """Do nothing, because work on a CPU is done when its call returns."""


class Stopwatch:
    """A sum of the seconds spent inside `with stopwatch:`, however often it is entered.

    `synchronize` waits for the device's queued work. It is called at both edges, so work queued before a
    window is not counted and work queued inside it is. `now` returns seconds, and `seconds` are those of an
    earlier stopwatch, which count too.
    """

    def __init__(
        self,
        now: Callable[[], float] = time.perf_counter,
        synchronize: Callable[[], None] = already_synchronous,
        *,
        seconds: float = 0.0,
    ) -> None:
        self._now = now
        self._synchronize = synchronize
        self._started: float | None = None
        self._seconds = seconds

    @property
    def seconds(self) -> float:
        """Return the seconds of all windows that have ended."""
        return self._seconds

    def __enter__(self) -> Stopwatch:
        assert self._started is None, "a stopwatch cannot be entered twice at once"
        self._synchronize()
        self._started = self._now()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._started is not None
        try:
            self._synchronize()
        finally:  # a device that failed must not leave the stopwatch running
            self._seconds += self._now() - self._started
            self._started = None
