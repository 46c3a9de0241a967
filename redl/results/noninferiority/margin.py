"""Margins: the loss of a metric that would still be acceptable, as a user writes it."""

from __future__ import annotations

from decimal import Decimal

from redl.errors import OptionError

_REMEDY = "give a margin above 0 and below 1, e.g. 0.02 or 2%"


def read_margin(text: str, *, option: str) -> float:
    """Return the margin of a text, `0.02` or `2%`; raise OptionError, which names `option`, for any other."""
    number = text.strip().removesuffix("%")
    try:
        margin = float(Decimal(number) / (1 if number == text.strip() else 100))
    except ArithmeticError:  # not a number at all
        margin = 0.0
    return check_margin(margin, given=f"{option} {text}")


def check_margin(margin: float, *, given: str | None = None) -> float:
    """Return a margin; raise OptionError for one at which nothing could pass, or everything would."""
    if not 0 < margin < 1:
        raise OptionError(f"{given or f'margin {margin:g}'}: {_REMEDY}")
    return margin
