"""Plan: what the worth of any setting depends on, which whoever decides has to say."""

from __future__ import annotations

import math
from dataclasses import dataclass

from redl.errors import OptionError
from redl.results.tradeoff.benefit import check_threshold
from redl.results.tradeoff.error_costs import ErrorCosts
from redl.results.tradeoff.price import Price
from redl.results.tradeoff.thresholds import THRESHOLDS

LAMBDAS_WH = (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The cut and what errors cost, the thresholds of the decision curve, energy's price, lambda's grid.

    `threshold` is the cut above which a patient is treated, that of `error_costs` if there are any, and
    `patients` how many one training will serve. Raise OptionError for a value that cannot be used.
    """

    threshold: float = 0.5
    error_costs: ErrorCosts | None = None
    thresholds: tuple[float, ...] = THRESHOLDS
    patients: int = 10_000
    lambdas_wh: tuple[float, ...] = LAMBDAS_WH
    price: Price | None = None

    def __post_init__(self) -> None:
        for threshold in (self.threshold, *self.thresholds):
            check_threshold(threshold)
        if self.error_costs and not math.isclose(self.threshold, self.error_costs.threshold):
            implied = f"these costs of errors imply {self.error_costs.threshold:.3g}"
            raise OptionError(f"threshold {self.threshold:g}: {implied}; give one or the other")
        if self.patients < 1:
            raise OptionError(f"patients {self.patients}: give at least one patient that one training serves")
        if not self.lambdas_wh:
            raise OptionError("lambda: give at least one energy in Wh")
        for wh in self.lambdas_wh:
            if not (math.isfinite(wh) and wh > 0):
                raise OptionError(f"lambda {wh:g}: give an energy above 0 Wh")
