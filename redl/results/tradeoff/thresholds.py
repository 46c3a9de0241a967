"""Thresholds over which a decision curve is drawn."""

from __future__ import annotations

import numpy as np

from redl.errors import OptionError
from redl.training.metrics import Floats

# Steps of a tenth of a percent below 1 %: of women who are screened, fewer than that have a cancer.
THRESHOLDS = (*(step / 1000 for step in range(1, 10)), *(step / 100 for step in range(1, 100)))
_STEPS = 100


def read_thresholds(text: str, *, option: str) -> tuple[float, ...]:
    """Return equal steps from LOW to HIGH of a text `LOW-HIGH`; raise OptionError, which names `option`.

    >>> read_thresholds("0.1-0.2", option="--thresholds")[:3]
    (0.1, 0.101, 0.102)
    """
    try:
        low, high = (float(part) for part in text.split("-"))
    except ValueError:
        low, high = 0.0, 0.0
    if not 0 < low < high < 1:
        raise OptionError(f"{option} {text}: give two probabilities in rising order, e.g. 0.01-0.3")
    steps: Floats = np.linspace(low, high, _STEPS + 1)
    return tuple(float(f"{step:.6g}") for step in steps)
