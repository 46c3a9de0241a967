"""Levels: whether scores fell in all cells, in a group of cells, or in one, beyond what equal runs differ by.

A cell is a model under a setting on a data set; its groups are its model on its data set, and its setting.
The new run's mean is compared with the reference's repeats and the baseline's seeds taken together, and each
level alarms at its own cut-off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from redl.results.gate.cutoffs import CutOffs, cut_offs, t_value
from redl.results.gate.family import WHOLE, CellScores, Family
from redl.training.metrics import Floats

LEAST_CAUGHT = 0.9  # the power at which detectable falls are given

_Z_CAUGHT = 1.2816  # the normal quantile of LEAST_CAUGHT


@dataclass(frozen=True, kw_only=True, slots=True)
class Fall:
    """How far a score fell in one cell or, on average, in a group, and how far it may.

    `expected` is what a new run is compared with. `detectable` is the fall that is caught with a probability
    of LEAST_CAUGHT.
    """

    of: str
    cells: int
    expected: float
    fall: float
    allowed: float
    detectable: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Falls:
    """Falls of one figure: by cell, by group, and of all cells together (None for a single one)."""

    cells: tuple[Fall, ...]
    groups: tuple[Fall, ...]
    whole: Fall | None


def falls(figures: Sequence[Sequence[CellScores]], share: float) -> list[Falls]:
    """Return the falls of each figure; the false alarms of all together have the probability `share`.

    The cells of a figure may be others than those of the next; without any it has no falls.
    """
    families = [Family.of(series) for series in figures]
    cuts = cut_offs([family for family in families if family.series], share)
    return [falls_of(family, cuts) for family in families]


def falls_of(family: Family, cuts: CutOffs) -> Falls:
    """Return the falls of one figure, each with what its cut-off allows."""
    if not family.series:
        return Falls(cells=(), groups=(), whole=None)
    known = np.array([sum(one.known) for one in family.series])
    new = np.array([np.mean(one.new) for one in family.series])
    found = family.statistics(family.repeats, known, new)
    expected = (family.repeats.sum(1) + known) / (family.repeats.shape[1] + family.known)
    cells = [
        _fall(one.cell, 1, mean, now, error, t_value(cuts.cells, df))
        for one, mean, now, error, df in zip(
            family.series, expected, new, found.error, found.cells_df, strict=True
        )
    ]
    groups = []
    for place, name in enumerate(family.names):
        inside = family.groups[place] > 0
        weights = 1 / found.error[inside]
        mean, now = (float(np.average(each[inside], weights=weights)) for each in (expected, new))
        cut = t_value(cuts.whole if name == WHOLE else cuts.groups, found.groups_df[place])
        groups.append(_fall(name, int(inside.sum()), mean, now, found.spread[place] / weights.sum(), cut))
    whole = groups.pop() if family.names else None
    return Falls(cells=tuple(cells), groups=tuple(groups), whole=whole)


def _fall(of: str, cells: int, expected: float, new: float, error: float, cut: Floats) -> Fall:
    return Fall(
        of=of,
        cells=cells,
        expected=float(expected),
        fall=float(expected - new),
        allowed=float(cut * error),
        detectable=float((cut + _Z_CAUGHT) * error),
    )
