"""Resource-adjusted net benefit: what a setting is worth once its energy is paid for at an agreed rate.

INB(lambda) = dNB - dC / lambda. dNB is the net benefit gained over the baseline per 1000 patients, dC the
additional energy in Wh per 1000 patients, and lambda the energy that one more correctly triaged patient, net,
may cost. It follows the net benefit of health economics (Stinnett and Mullahy 1998,
doi 10.1177/0272989X98018002S09).
"""

from __future__ import annotations

from dataclasses import dataclass

from redl.training.metrics import Floats

PER = 1000  # units, patients or images, for which benefit and energy are given


@dataclass(frozen=True, kw_only=True, slots=True)
class Adjusted:
    """Resource-adjusted net benefit at one lambda, and the share of draws in which it is above 0."""

    lambda_wh: float
    value: float
    probability: float


def per_thousand(training: Floats, inference: Floats, *, planned: float) -> Floats:
    """Return the Wh, or g of CO2eq, of 1000 units: a share of one training for `planned`, and inference.

    `inference` is per unit.
    """
    return PER * (training / planned + inference)


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
