"""The Pareto set: the settings that no other one beats in one figure without losing in another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def pareto_set(costs: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which of K options no other one dominates, from costs (..., K, F) to (..., K).

    Less is better in all F figures; turn the sign of one that should be high. An option dominates another
    that it matches or beats in every figure and beats in one: equal ones do not dominate each other.
    Raise ValueError for a NaN, which would compare as neither better nor worse.
    """
    if np.isnan(costs).any():
        raise ValueError("a cost is NaN: leave out a figure that some option lacks")
    one, other = costs[..., :, None, :], costs[..., None, :, :]  # (..., K, 1, F) and (..., 1, K, F)
    beaten = (other <= one).all(axis=-1) & (other < one).any(axis=-1)
    return np.asarray(~beaten.any(axis=-1))
