"""PePR: performance per resource unit, a score of a setting within a stated set of them.

PePR-R = P / (1 + R_n) for a performance P in [0, 1] and R_n = (R - min) / (max - min) over the set, so that
it lies between P / 2 and P. It depends on what else is in the set: another setting moves all others' scores,
and where all take the same, or there is only one, it is 0/0. It replaces no verdict.

Source: Selvan, Pepin, Igel, Samuel and Dam (2025), "PePR: Performance Per Resource Unit as a Metric to
Promote Small-Scale Deep Learning", NLDL, arXiv 2403.09441.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from redl.results.tradeoff.costs import Resource
from redl.training.metrics import Floats

# The paper's letters. Its M is the allocator's reserved peak on a GPU; here it is that of the record.
LETTERS = {Resource.ENERGY: "E", Resource.CARBON: "C", Resource.TIME: "T", Resource.MEMORY: "M"}


@dataclass(frozen=True, kw_only=True, slots=True)
class PeprScore:
    """Score of one setting for one resource, and its 95 % interval over draws of seeds and patients.

    None where all settings of the set take the same; the interval is None without draws, too.
    """

    resource: Resource
    score: float | None
    low: float | None
    high: float | None


def pepr(performance: Floats, spent: Floats) -> Floats:
    """Return the scores (..., K) of K settings by their performance and what they spent, both (..., K).

    NaN where all of a set spent the same.

    >>> pepr(np.array([0.8, 0.8, 0.9]), np.array([1.0, 2.0, 3.0])).round(3)
    array([0.8  , 0.533, 0.45 ])
    """
    least, most = spent.min(axis=-1, keepdims=True), spent.max(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore"):
        return np.asarray(performance / (1 + (spent - least) / (most - least)))


def pepr_scores(
    performance: Floats, spent: dict[Resource, Floats], resources: Sequence[Resource]
) -> list[tuple[PeprScore, ...]]:
    """Return the scores of K settings from all draws, (B + 1, K), whose first is the data themselves."""
    found = [_of_resource(pepr(performance, spent[resource]), resource) for resource in resources]
    return [tuple(each[place] for each in found) for place in range(performance.shape[1])]


def _of_resource(scores: Floats, resource: Resource) -> list[PeprScore]:
    return [_score(column, resource) for column in scores.T]


def _score(draws: Floats, resource: Resource) -> PeprScore:
    if np.isnan(draws[0]):
        return PeprScore(resource=resource, score=None, low=None, high=None)
    if len(draws) == 1:
        return PeprScore(resource=resource, score=float(draws[0]), low=None, high=None)
    known = draws[~np.isnan(draws)]
    low, high = np.quantile(known, [0.025, 0.975])
    return PeprScore(resource=resource, score=float(draws[0]), low=float(low), high=float(high))
