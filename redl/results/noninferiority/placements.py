"""Placements: where each answer stands among those to the other class, of which an AUC is the mean."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.integer[Any]]


def placements(labels: Ints, probabilities: Floats) -> Floats:
    """Return for each of N answers the share of the other class that it is on the right side of, (N,).

    Ties count half. The mean over either class is the AUC (DeLong, DeLong and Clarke-Pearson 1988). Both
    classes must be there and the probabilities be finite.
    """
    positive = labels == 1
    placed = np.empty(len(labels))
    placed[positive] = _share_below(probabilities[~positive], probabilities[positive])
    placed[~positive] = 1 - _share_below(probabilities[positive], probabilities[~positive])
    return placed


def _share_below(others: Floats, values: Floats) -> Floats:
    """Return the share of `others` below each value, in time n log n."""
    ordered = np.sort(others)
    below, not_above = (np.searchsorted(ordered, values, side=side) for side in ("left", "right"))
    return np.asarray((below + not_above) / (2 * len(others)))
