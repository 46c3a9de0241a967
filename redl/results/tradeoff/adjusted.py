"""Resource-adjusted net benefit: what a setting is worth once its energy is paid for at an agreed rate.

INB(lambda) = dNB - dC / lambda. dNB is the net benefit gained over the baseline per 1000 patients, dC the
additional energy in Wh per 1000 patients, and lambda the energy that one more correctly triaged patient, net,
may cost. It follows the net benefit of health economics (Stinnett and Mullahy 1998,
doi 10.1177/0272989X98018002S09).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from redl.errors import OptionError
from redl.results.tradeoff.benefit import check_threshold
from redl.training.metrics import Floats

LAMBDAS_WH = (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
PER = 1000  # units, patients or images, for which benefit and energy are given


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What the worth of any setting depends on: the cut, the number of patients, the grid of lambda.

    `patients` is how many one training will serve. Raise OptionError for a value that cannot be used.
    """

    threshold: float = 0.5
    patients: int = 10_000
    lambdas_wh: tuple[float, ...] = LAMBDAS_WH

    def __post_init__(self) -> None:
        check_threshold(self.threshold)
        if self.patients < 1:
            raise OptionError(f"patients {self.patients}: give at least one patient that one training serves")
        if not self.lambdas_wh:
            raise OptionError("lambda: give at least one energy in Wh")
        for wh in self.lambdas_wh:
            if not (math.isfinite(wh) and wh > 0):
                raise OptionError(f"lambda {wh:g}: give an energy above 0 Wh")


@dataclass(frozen=True, kw_only=True, slots=True)
class Adjusted:
    """Resource-adjusted net benefit at one lambda, and the share of draws in which it is above 0."""

    lambda_wh: float
    value: float
    probability: float


def energy_per_thousand(train_wh: Floats, inference_wh: Floats, *, planned: float) -> Floats:
    """Return the Wh of 1000 units: their share of one training for `planned` units, plus their inference.

    `inference_wh` is per unit.
    """
    return PER * (train_wh / planned + inference_wh)


def adjusted(more_benefit: Floats, more_wh: Floats, lambdas_wh: tuple[float, ...]) -> tuple[Adjusted, ...]:
    """Return INB at each lambda, from the differences to the baseline (B + 1,), row 0 of the data themselves.

    A setting that equals the baseline is worth 0, which is not above 0.
    """
    found = []
    for wh in lambdas_wh:
        worth = more_benefit - more_wh / wh
        share = float((worth[1:] > 0).mean())
        found.append(Adjusted(lambda_wh=wh, value=float(worth[0]), probability=share))
    return tuple(found)
