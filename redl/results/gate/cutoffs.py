"""Cut-offs: how low the falls of runs that do not differ lie, by resampling whole comparisons.

Each draw makes a reference, a baseline and a new run from the reference's repeats: a smoothed bootstrap over
seeds, which draws a seed for all settings of a model and data set, and for all figures, at once (Silverman
and Young 1987, doi 10.1093/biomet/74.3.469). Three levels, all cells, groups and single cells, share the
false alarms equally.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from redl.results.gate.family import Family
from redl.training.metrics import Floats

_DRAWS, _AT_ONCE, _SEED = 4000, 500, 0


@dataclass(frozen=True, kw_only=True, slots=True)
class CutOffs:
    """Normal scores, below 0, below which a fall at each level is an alarm."""

    whole: float
    groups: float
    cells: float


def cut_offs(families: Sequence[Family], share: float) -> CutOffs:
    """Return the normal scores below which equal runs lie, at any level, with the probability `share`."""
    if not families:
        return CutOffs(whole=-np.inf, groups=-np.inf, cells=-np.inf)
    random = np.random.default_rng(_SEED)
    models = sorted({one.model for family in families for one in family.series})
    length = max(f.repeats.shape[1] + int(f.known.max()) + int(f.new.max()) for f in families)
    lowest = np.concatenate(
        [
            _lowest(families, random, {model: random.random((_AT_ONCE, length)) for model in models})
            for _ in range(_DRAWS // _AT_ONCE)
        ],
        axis=1,
    )  # (3, R)
    rates = np.linspace(share / 3, share, 200)
    cuts = np.quantile(lowest, rates, axis=1)  # (200, 3)
    alarms = (lowest[None] < cuts[:, :, None]).any(1).mean(1)
    within = np.flatnonzero(alarms <= share)
    whole, groups, cells = cuts[within[-1] if len(within) else 0]
    return CutOffs(whole=float(whole), groups=float(groups), cells=float(cells))


def _lowest(families: Sequence[Family], random: np.random.Generator, columns: Mapping[str, Floats]) -> Floats:
    """Return the lowest score of each level over all figures in each draw, (3, R); 0 without any."""
    levels: list[list[Floats]] = [[np.zeros(_AT_ONCE)] for _ in range(3)]
    for family in families:
        found = family.drawn(random, columns)
        groups = normal_score(found.groups, found.groups_df)
        inner = groups[:, :-1] if family.names else groups
        levels[0] += [groups[:, -1]] if family.names else []
        levels[1] += [inner.min(1)] if inner.shape[1] else []
        levels[2].append(normal_score(found.cells, found.cells_df).min(1))
    return np.stack([np.min(level, axis=0) for level in levels])


def normal_score(t: Floats, df: Floats) -> Floats:
    """Return the normal score of a t value (Wallace 1959, doi 10.1214/aoms/1177705896)."""
    return np.asarray(np.sign(t) * np.sqrt(df * np.log1p(t**2 / df)) * (8 * df + 1) / (8 * df + 3))


def t_value(score: float, df: Floats) -> Floats:
    """Return how far below 0 the t value of a normal score below 0 lies: the inverse of `normal_score`."""
    return np.sqrt(df * np.expm1((score * (8 * df + 3) / (8 * df + 1)) ** 2 / df))
