"""Inference: passes over images, timed as throughput and as the latency of a single image."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from statistics import median, quantiles
from typing import TypeVar

from redl.metering.stopwatch import Stopwatch
from redl.record import Latency

T = TypeVar("T")

_WARM_UP_PASSES = 3


def repeat(
    work: Callable[[], T],
    *,
    at_least_s: float,
    stopwatch: Stopwatch,
    window: Callable[[], AbstractContextManager[object]],
) -> tuple[T, int]:
    """Do `work` in one window, at least once, until its passes have taken long enough.

    Return the last result and the number of passes.
    """
    passes = 0
    with window():
        while True:
            with stopwatch:
                result = work()
            passes += 1
            if stopwatch.seconds >= at_least_s:
                return result, passes


def time_latency(work: Callable[[], object], *, passes: int, stopwatch: Callable[[], Stopwatch]) -> Latency:
    """Time each pass separately, after a few that warm up; `stopwatch` makes one that synchronises."""
    for _ in range(_WARM_UP_PASSES):
        work()
    times = sorted(_seconds(work, stopwatch()) for _ in range(passes))
    slow = quantiles(times, n=20, method="inclusive")[-1]
    return Latency(passes=passes, median_seconds=median(times), p95_seconds=slow)


def _seconds(work: Callable[[], object], stopwatch: Stopwatch) -> float:
    with stopwatch:
        work()
    return stopwatch.seconds
