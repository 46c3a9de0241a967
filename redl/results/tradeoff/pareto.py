"""The Pareto set: the settings that no other setting dominates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def pareto_set(costs: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return whether each of K options is undominated, (..., K), from costs (..., K, F).

    Less is better in all F figures; negate one that should be high. An option dominates another if it is at
    least as good in every figure and better in one, so equal options do not dominate each other. Raise
    ValueError for a NaN, which would compare as neither better nor worse.
    """
    if np.isnan(costs).any():
        raise ValueError("a cost is NaN: leave out a figure that some option lacks")
    one, other = costs[..., :, None, :], costs[..., None, :, :]  # (..., K, 1, F) and (..., 1, K, F)
    beaten = (other <= one).all(axis=-1) & (other < one).any(axis=-1)
    return np.asarray(~beaten.any(axis=-1))
