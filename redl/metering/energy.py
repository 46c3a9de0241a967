"""Energy: the figure of one meter for one component, and how power samples become watt-hours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from redl.record import EnergyKind

JOULES_PER_WH = 3600


class SensorError(Exception):
    """A sensor cannot be used; the message is the reason, in one line."""


class Component(StrEnum):
    """A part of the machine whose energy is reported separately."""

    GPU = "gpu"
    CPU = "cpu"


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """The energy of one component by one meter, over all its windows, at the machine, i.e. without any PUE.

    `reason` says why there is no energy. Of `windows`, `short_windows` were too short for the sensor; both
    are None for an estimate. The last three fields belong to meters that sample.
    """

    energy_wh: float | None
    sensor: str
    kind: EnergyKind
    devices: tuple[str, ...]
    scope: str | None
    warnings: tuple[str, ...] = ()
    reason: str | None = None
    windows: int | None = None
    short_windows: int | None = None
    n_samples: int = 0
    interval_s: float | None = None
    coverage: float | None = None


def no_figure(sensor: str, reason: str) -> Figure:
    """Return the figure of a sensor that cannot be read."""
    return Figure(
        energy_wh=None, sensor=sensor, kind=EnergyKind.UNAVAILABLE, devices=(), scope=None, reason=reason
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """The start and end, in seconds, of a stretch of work that is measured."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """Return the length of the window."""
        return self.end - self.start


@dataclass(frozen=True, kw_only=True, slots=True)
class Brevity:
    """How many windows are too short for a sensor, each judged by itself, and their share of the time.

    Their errors differ in sign and partly cancel in a sum, but how far is not known, so a long sum of short
    windows is no long window.
    """

    windows: int
    short: int
    share: float
    least_s: float

    @classmethod
    def of(cls, windows: Sequence[Window], least_s: float) -> Brevity:
        """Judge each window by the least length in seconds that suits a sensor."""
        short = [window.seconds for window in windows if window.seconds < least_s]
        seconds = sum(window.seconds for window in windows)
        share = sum(short) / seconds if seconds > 0 else 0.0
        return cls(windows=len(windows), short=len(short), share=share, least_s=least_s)

    def warnings(self, sensor: str, pace: str) -> tuple[str, ...]:
        """Return a warning if any window is too short; `pace` says how often the sensor has news."""
        if not self.short:
            return ()
        return (
            f"{sensor}: {self.short} of {self.windows} windows, {self.share:.0%} of the time, are shorter "
            f"than {self.least_s:g} s; {pace}",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class PowerSample:
    """A power in watts, and the middle of the time, in seconds, over which it was read."""

    at: float
    watts: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Draw:
    """The energy drawn inside the windows.

    `energy_wh` is None if no sample fell into any window. `coverage` is the share of the windows' time that
    lies in windows with at least one sample.
    """

    energy_wh: float | None
    n_samples: int
    coverage: float


def integrate(windows: Sequence[Window], samples: Sequence[PowerSample]) -> Draw:
    """Sum each window's power over its time; a window without a sample takes the overall mean.

    A sample stands for the time that is nearer to it than to any other of its window. It counts where its
    middle lies, so one that straddles the end of a window, or came late, does not carry power of the time
    between the windows into one of them. Both are in order of time.
    """
    inside = _samples_by_window(windows, samples)
    pairs = list(zip(windows, inside, strict=True))
    seconds = sum(window.seconds for window in windows)
    covered = sum(window.seconds for window, own in pairs if own)
    if seconds <= 0 or covered <= 0:
        return Draw(energy_wh=None, n_samples=0, coverage=0.0)
    joules = sum(_joules(window, own) for window, own in pairs)
    return Draw(
        energy_wh=joules * seconds / covered / JOULES_PER_WH,
        n_samples=sum(len(own) for own in inside),
        coverage=min(1.0, covered / seconds),
    )


def _joules(window: Window, samples: Sequence[PowerSample]) -> float:
    """Return the energy of one window, 0 without a sample."""
    borders = [(one.at + other.at) / 2 for one, other in pairwise(samples)]
    cells = pairwise((window.start, *borders, window.end))
    return sum(sample.watts * (end - start) for sample, (start, end) in zip(samples, cells, strict=False))


def _samples_by_window(windows: Sequence[Window], samples: Sequence[PowerSample]) -> list[list[PowerSample]]:
    """Return the samples inside each window, in one pass over both."""
    assert all(one.end <= other.start for one, other in pairwise(windows))
    inside: list[list[PowerSample]] = [[] for _ in windows]
    position = 0
    for sample in samples:
        while position < len(windows) and windows[position].end < sample.at:
            position += 1
        if position < len(windows) and windows[position].start <= sample.at:
            inside[position].append(sample)
    return inside
