"""The schedule: how long a list of cases takes on several workers, each of which takes the next at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import heapify, heapreplace


def makespan(durations: Iterable[float], workers: int) -> float:
    """Return when the last of the durations ends if `workers` take them in this order, in the same unit.

    Raise ValueError without a worker.
    """
    if workers < 1:
        raise ValueError(f"{workers} workers: there must be one at least")
    free_at = [0.0] * workers
    heapify(free_at)
    for duration in durations:
        heapreplace(free_at, free_at[0] + duration)
    return max(free_at)


def longest_first(durations: Sequence[float], predicted: Sequence[float] | None = None) -> list[float]:
    """Return durations in the order of what was `predicted` for them, the longest first.

    On W workers the makespan of the true order is at most 4/3 - 1/(3 W) of the least one (Graham 1969).
    """
    expected = durations if predicted is None else predicted
    ordered = sorted(zip(expected, durations, strict=True), key=lambda pair: pair[0], reverse=True)
    return [duration for _, duration in ordered]
