"""Holm's correction of p-values for the number of hypotheses that are tested together."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted by Holm's step-down method (1979), in the order given.

    The smallest of m is multiplied by m, the next by m - 1, and so on; none ends below a smaller one or
    above 1.
    """
    adjusted = [0.0] * len(p_values)
    least = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        least = adjusted[place] = max(least, min(1.0, (len(p_values) - rank) * p_values[place]))
    return adjusted
