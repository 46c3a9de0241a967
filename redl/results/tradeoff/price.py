"""Price of energy, as a user writes it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from redl.errors import OptionError

_NUMBER_AND_LETTERS = re.compile(r"(\d*\.?\d+(?:[eE][+-]?\d+)?)\s*([^\W\d_]*)")
_REMEDY = "give a price above 0 with or without its currency in letters, e.g. 0.30 or 0.30EUR"


@dataclass(frozen=True, kw_only=True, slots=True)
class Price:
    """Price of a kWh, in a currency that may be unnamed; raise OptionError for one that is not above 0."""

    per_kwh: float
    currency: str | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.per_kwh) and self.per_kwh > 0):
            raise OptionError(f"price {self.per_kwh:g}: {_REMEDY}")


def read_price(text: str, *, option: str) -> Price:
    """Return the price of a text, e.g. `0.30EUR`; raise OptionError, which names `option`, for any other.

    >>> read_price("0.30 EUR", option="--price-per-kwh")
    Price(per_kwh=0.3, currency='EUR')
    """
    found = _NUMBER_AND_LETTERS.fullmatch(text.strip())
    if found is None or not 0 < float(found[1]) < math.inf:
        raise OptionError(f"{option} {text}: {_REMEDY}")
    return Price(per_kwh=float(found[1]), currency=found[2] or None)
