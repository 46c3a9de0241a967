"""What the ideal observer reaches on a signal whose place is known: an oracle in closed form."""

import math

from scipy.special import ndtr


def accuracy_at_known_place(detectability: float, prior: float) -> float:
    """Return the ideal accuracy where a share `prior` of all images, between 0 and 1, has the signal."""
    if detectability == 0:
        return max(prior, 1 - prior)
    half, shift = detectability / 2, math.log((1 - prior) / prior) / detectability
    return float((1 - prior) * ndtr(half + shift) + prior * ndtr(half - shift))
