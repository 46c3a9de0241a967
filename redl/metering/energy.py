"""Energy from power samples: what was drawn inside the windows, and how much of them was watched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

_SECONDS_PER_HOUR = 3600


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """Hold the start and end, in seconds, of a stretch of work that is measured."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """Return how long the window was."""
        return self.end - self.start


@dataclass(frozen=True, kw_only=True, slots=True)
class PowerSample:
    """Hold a power in watts and the middle of the time, in seconds, over which it was read."""

    at: float
    watts: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Draw:
    """Hold what was drawn inside the windows.

    `energy_wh` is None if no sample fell into any window. `coverage` is the share of the windows' time
    that lies in windows with a sample of their own.
    """

    energy_wh: float | None
    n_samples: int
    coverage: float


def integrate(windows: Sequence[Window], samples: Sequence[PowerSample]) -> Draw:
    """Sum each window's mean power times its length; a window without a sample takes the overall mean.

    A sample counts where its middle lies, so one that straddles the end of a window, or came late,
    does not carry power of the time between the windows into one of them. Both are in order of time.
    """
    inside = _samples_by_window(windows, samples)
    watched = [watts for window in inside for watts in window]
    seconds = sum(window.seconds for window in windows)
    if not watched or seconds <= 0:
        return Draw(energy_wh=None, n_samples=0, coverage=0.0)
    overall = fmean(watched)
    joules = sum(
        (fmean(watts) if watts else overall) * window.seconds
        for window, watts in zip(windows, inside, strict=True)
    )
    covered = sum(window.seconds for window, watts in zip(windows, inside, strict=True) if watts)
    return Draw(
        energy_wh=joules / _SECONDS_PER_HOUR, n_samples=len(watched), coverage=min(1.0, covered / seconds)
    )


def _samples_by_window(windows: Sequence[Window], samples: Sequence[PowerSample]) -> list[list[float]]:
    """Return the watts inside each window, in one pass over both."""
    assert all(one.end <= other.start for one, other in pairwise(windows))
    inside: list[list[float]] = [[] for _ in windows]
    position = 0
    for sample in samples:
        while position < len(windows) and windows[position].end < sample.at:
            position += 1
        if position < len(windows) and windows[position].start <= sample.at:
            inside[position].append(sample.watts)
    return inside
