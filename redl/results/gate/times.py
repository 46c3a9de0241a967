"""Times: changes of time and energy under a rule of noise.

How far equal runs lie apart depends on what else the machine did, so it is taken from the run itself: the
spread of the cells' ratios to the baseline. With 70 cells whose logarithms spread by 0.1, a fixed allowance
of 25 % would alarm in 98 % of comparisons.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from redl.results.gate.change import Change
from redl.results.gate.rule import Rule
from redl.training.metrics import Floats

PER_IMAGE = ("train_time_per_image", "inference_time", "energy_per_image", "inference_energy")
TRIPWIRE = 0.25  # more of it is worth a look, whatever the spread

_LEAST_CELLS = 8  # whose spread says something
_MAD = 1.4826  # standard deviation of a bell curve over its median absolute deviation


@dataclass(frozen=True, kw_only=True, slots=True)
class TimePair:
    """A time or an energy of one cell in both runs, the mean over its seeds."""

    rule: Rule
    cell: str
    seeds: tuple[int, ...]
    before: float
    after: float


def time_changes(pairs: Sequence[TimePair], share: float) -> list[Change]:
    """Return the changes of each cell, then of all cells of a figure; `share` are all their false alarms."""
    changes = []
    for name in dict.fromkeys(pair.rule.figure.name for pair in pairs):
        each = [pair for pair in pairs if pair.rule.figure.name == name]
        ratios = np.array([math.log(pair.after / pair.before) for pair in each])
        allowed = max(TRIPWIRE, _spread_allows(ratios, share / len(pairs)))
        changes += [
            Change(
                cell=pair.cell,
                seeds=pair.seeds,
                figure=pair.rule.figure,
                before=pair.before,
                expected=pair.before,
                after=pair.after,
                allowed=allowed * pair.before,
                rule=pair.rule.text,
            )
            for pair in each
        ]
        if len(each) > 1:
            changes.append(_together(each, ratios))
    return changes


def _spread_allows(ratios: Floats, share: float) -> float:
    """Return the relative growth that a cell exceeds by chance with the probability `share`."""
    from scipy.stats import norm  # slow to import, and the plugin imports this module to collect tests

    if len(ratios) < _LEAST_CELLS:
        return 0.0
    spread = _MAD * float(np.median(np.abs(ratios - np.median(ratios))))
    return math.expm1(float(norm.ppf(1 - share)) * spread)


def _together(pairs: Sequence[TimePair], ratios: Floats) -> Change:
    before = math.exp(float(np.mean([math.log(pair.before) for pair in pairs])))
    return Change(
        cell="all cases",
        cells=len(pairs),
        seeds=(),
        figure=pairs[0].rule.figure,
        before=before,
        expected=before,
        after=before * math.exp(float(np.median(ratios))),
        allowed=TRIPWIRE * before,
        rule=pairs[0].rule.text,
    )
