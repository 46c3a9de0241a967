"""The pace of a long step: when to say how far it has come, and how long the rest may take."""

from __future__ import annotations

import time
from collections.abc import Callable

LINE_EVERY_S = 10.0  # where lines stay, e.g. in a log: often enough that no one takes it for stuck


class Pace:
    """The pace of one step, from when this is made; `every_s` is the least time between two lines."""

    def __init__(self, *, every_s: float = LINE_EVERY_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._every_s, self._clock = every_s, clock
        self._said_at = clock()
        self._first: tuple[float, int] | None = None  # when, and what was done by then

    def line(self, done: int, total: int) -> str | None:
        """Return how far the step has come if that is due, e.g. "80/240, 20 s left"; its end always is.

        The time left counts only what was done since the first call, because a step that resumes has done
        the rest before.
        """
        now = self._clock()
        if self._first is None:
            self._first = now, done
        if done < total and now - self._said_at < self._every_s:
            return None
        self._said_at = now
        began, before = self._first
        if not before < done < total:
            return f"{done}/{total}"
        return f"{done}/{total}, {_duration((total - done) * (now - began) / (done - before))} left"


def _duration(seconds: float) -> str:
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 99.5 * 60 else f"{seconds / 3600:.1f} h"
