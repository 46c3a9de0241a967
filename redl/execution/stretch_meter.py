"""The meter of a training: what this process measures, and what earlier ones did that were interrupted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from msgspec.structs import replace

from redl.metering.memory import Peak, paper_compatible_bytes
from redl.metering.meter import EnergyMeter
from redl.metering.stopwatch import Stopwatch
from redl.metering.stretch import Stretch
from redl.training.course import Course
from redl.training.precision import synchronize


class StretchMeter:
    """A meter of the training steps of a course, which goes on from an earlier stretch if there is one."""

    def __init__(self, course: Course, energy: EnergyMeter, earlier: Stretch | None) -> None:
        self._course, self._energy, self._earlier = course, energy, earlier
        self._device = course.plan.precision.device
        self._epochs_before = len(course.trace)
        self._stopwatch = Stopwatch(
            synchronize=partial(synchronize, self._device),
            seconds=0.0 if earlier is None else earlier.seconds,
        )
        self._paper_bytes: int | None = None

    @contextmanager
    def window(self) -> Iterator[None]:
        """Count what passes inside."""
        with self._energy.window(), self._stopwatch:
            yield

    @property
    def seconds(self) -> float:
        """Return the seconds of all windows that have ended, in earlier processes too."""
        return self._stopwatch.seconds

    def end_first_epoch(self) -> None:
        """Read what the published code read at this moment."""
        self._paper_bytes = paper_compatible_bytes(self._device)

    def so_far(self, memory: Peak) -> Stretch:
        """Return what was measured until now, between two windows; `memory` is this process's peak."""
        course, earlier = self._course, self._earlier
        if earlier is not None and len(course.trace) == self._epochs_before:
            return replace(earlier, resumed_after=(*earlier.resumed_after, self._epochs_before))
        own = Stretch(
            seconds=self.seconds,
            memory=memory,
            paper_compatible_bytes=self._paper_bytes,
            energy=self._energy.reading_so_far(images=course.images * len(course.trace)),
            conditions=self._energy.conditions(),
        )
        return own if earlier is None else earlier.then(own, after=self._epochs_before)
