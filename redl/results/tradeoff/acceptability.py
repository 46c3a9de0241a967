"""Acceptability: how often each of all options, the baseline among them, is worth most.

The cost-effectiveness acceptability curve of health economics for several options (Fenwick, Claxton and
Sculpher 2001, doi 10.1002/hec.635), with energy for money. The option that is most often worth most need not
be the one that is worth most on average.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from redl.training.metrics import Floats

_TIE = 1e-9  # of the largest worth: what the order of additions leaves


@dataclass(frozen=True, kw_only=True, slots=True)
class Acceptability:
    """Share of draws at one lambda in which each option, by name, is worth most; they sum to 1."""

    lambda_wh: float
    shares: dict[str, float]


def acceptability(
    more: Mapping[str, tuple[Floats, Floats]], lambdas_wh: tuple[float, ...]
) -> tuple[Acceptability, ...]:
    """Return the curve of options by name, each with its benefit and its Wh beyond the baseline's (B,).

    The options that are worth most in a draw share it evenly.
    """
    if not more:
        return ()
    benefit, wh = (np.stack([one[place] for one in more.values()], axis=1) for place in (0, 1))
    return tuple(
        Acceptability(lambda_wh=each, shares=dict(zip(more, _shares(benefit - wh / each), strict=True)))
        for each in lambdas_wh
    )


def _shares(worth: Floats) -> list[float]:
    best = worth.max(axis=1, keepdims=True)
    first = worth >= best - _TIE * np.maximum(1.0, np.abs(best))
    return [float(share) for share in (first / first.sum(axis=1, keepdims=True)).mean(axis=0)]
