"""Costs of errors: how much worse it is to miss a patient than to treat one in vain.

Elkan (2001), "The foundations of cost-sensitive learning", IJCAI: calibrated probabilities cost least, in
expectation, if treatment begins at t = C_FP / (C_FP + C_FN). Net benefit at this t and expected cost then
order settings alike: the cost of a unit is C_FN * (prevalence - NB(t)).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from redl.errors import OptionError
from redl.results.tradeoff.benefit import Units
from redl.training.metrics import Floats


@dataclass(frozen=True, kw_only=True, slots=True)
class ErrorCosts:
    """Cost of one false negative and of one false positive, in any unit that both share.

    Raise OptionError for one that is not above 0.

    >>> ErrorCosts(fn=9, fp=1).threshold
    0.1
    """

    fn: float
    fp: float

    def __post_init__(self) -> None:
        for name, cost in (("fn", self.fn), ("fp", self.fp)):
            if not (math.isfinite(cost) and cost > 0):
                raise OptionError(f"cost of a {name.upper()} {cost:g}: give a cost above 0, e.g. 9")

    @property
    def threshold(self) -> float:
        """Return the probability from which on it costs less to treat than not to."""
        return self.fp / (self.fp + self.fn)


def losses(units: Units, costs: ErrorCosts) -> Floats:
    """Return what each unit costs, (S, U): the cost of a false negative, of a false positive, or 0.

    An answer that is not finite treats nobody.
    """
    treated = units.probabilities > costs.threshold
    in_vain = np.where(treated, costs.fp, 0.0)
    missed = np.where(treated, 0.0, costs.fn)
    return np.where(units.labels == 1, missed, in_vain)
