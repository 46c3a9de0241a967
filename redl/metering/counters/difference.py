"""The difference of two readings of counters that only grow."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from redl.metering.energy import SensorError


def joules_between(
    before: Sequence[int], after: Sequence[int], seconds: float, label: Callable[[int], str]
) -> float:
    """Return the energy between two readings in millijoules; raise SensorError if they do not determine it.

    `label` names a counter by its position.
    """
    deltas = [end - start for start, end in zip(before, after, strict=True)]
    for position, delta in enumerate(deltas):
        if delta < 0:
            raise SensorError(f"{label(position)}: the counter ran backwards: the driver restarted")
        if delta == 0:
            raise SensorError(f"{label(position)}: the counter did not move in a window of {seconds:.3f} s")
    return sum(deltas) / 1000
