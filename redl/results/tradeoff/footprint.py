"""Footprint: energy, CO2eq and money of one training, and of 1000 patients with their share of it.

CO2eq is by the carbon intensity that each record applied, and energy includes its PUE. Money is energy at a
price, so its interval is energy's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from redl.results.tradeoff.adjusted import per_thousand
from redl.results.tradeoff.costs import Resource
from redl.results.tradeoff.interval import Interval, over_seeds
from redl.results.tradeoff.price import Price
from redl.training.metrics import Floats


@dataclass(frozen=True, kw_only=True, slots=True)
class Amount:
    """Mean over seeds, and the difference to the baseline over new seeds, which are paired.

    `more` is None for the baseline, and where the two cannot be compared.
    """

    value: float
    more: Interval | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Footprint:
    """What is spent: Wh, g of CO2eq, and money if a price was given; None where it is not known."""

    energy_wh: Amount | None
    co2eq_g: Amount | None
    money: Amount | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Spent:
    """What each seed spent on one thing, Wh and g of CO2eq (S,); None where a seed has no figure."""

    energy_wh: Floats | None
    co2eq_g: Floats | None


def of_training(spent: Mapping[Resource, Floats]) -> Spent:
    """Return what each seed's training spent."""
    return Spent(energy_wh=spent.get(Resource.ENERGY), co2eq_g=spent.get(Resource.CARBON))


def of_thousand(spent: Mapping[Resource, Floats], *, images_per_unit: float, planned: float) -> Spent:
    """Return what 1000 units spend, by each seed, if one training serves `planned` of them."""

    def together(training: Resource, inference: Resource) -> Floats | None:
        if training not in spent or inference not in spent:
            return None
        return per_thousand(spent[training], spent[inference] * images_per_unit, planned=planned)

    return Spent(
        energy_wh=together(Resource.ENERGY, Resource.INFERENCE),
        co2eq_g=together(Resource.CARBON, Resource.INFERENCE_CARBON),
    )


def footprint(spent: Spent, baseline: Spent | None, price: Price | None) -> Footprint:
    """Return the footprint of a setting; `baseline` is None if there is none to compare with."""
    old = baseline or Spent(energy_wh=None, co2eq_g=None)
    return Footprint(
        energy_wh=_amount(spent.energy_wh, old.energy_wh),
        co2eq_g=_amount(spent.co2eq_g, old.co2eq_g),
        money=_amount(_paid(spent, price), _paid(old, price)),
    )


def _amount(new: Floats | None, old: Floats | None) -> Amount | None:
    if new is None:
        return None
    return Amount(value=float(new.mean()), more=None if old is None else over_seeds(new - old))


def _paid(spent: Spent, price: Price | None) -> Floats | None:
    if price is None or spent.energy_wh is None:
        return None
    return np.asarray(spent.energy_wh / 1000 * price.per_kwh)
