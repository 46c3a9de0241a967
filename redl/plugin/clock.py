"""The clock of workers: it goes on by what they measured."""

from __future__ import annotations


class WorkerClock:
    """Clock that goes on by what workers measured, for pytest-benchmark to time their steps by."""

    __name__ = "worker_clock"  # which the saved run names

    def __init__(self) -> None:
        self._seconds = 0.0

    def __call__(self) -> float:
        """Return the seconds of all steps so far."""
        return self._seconds

    def go_on(self, seconds: float) -> None:
        """Add a step."""
        self._seconds += seconds
