"""The scale of grey values: which range is black to white where nothing but the bits of an image says so."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FEW_LEVELS = 10  # an image of fewer shows nothing to train on

_FEWEST_BITS = 8  # so that noise of a few levels is not stretched to an image


def own_bits(stored: NDArray[Any], *, signed: bool) -> int:
    """Return how many bits the values of an image need, 8 at least.

    16 bits hold images of 10 or 12 far more often than of 16: by the range of all 16 they would be almost
    black. A power of two, because the image's own maximum as its scale would hide how bright it is.

    >>> own_bits(np.array([0, 4095]), signed=False)
    12
    """
    lowest, highest = int(stored.min()), int(stored.max())
    bits = max(highest.bit_length(), (-lowest - 1).bit_length() if lowest < 0 else 0)
    return max(_FEWEST_BITS, bits + signed)


def range_of(bits: int, *, signed: bool) -> tuple[int, int]:
    """Return the lowest and the highest value of so many bits.

    >>> range_of(12, signed=True)
    (-2048, 2047)
    """
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)


def count_levels(image: NDArray[np.uint8]) -> int:
    """Return how many different grey values an image of 8 bits has."""
    return int(np.count_nonzero(np.bincount(image.ravel(), minlength=256)))
