"""Sizes of memory, as a user writes them."""

from __future__ import annotations

import re
from decimal import Decimal

from redl.errors import OptionError

# Decimal without an i, as memory is printed everywhere in redl, and as the vendors of cards count theirs.
_UNITS = {"MB": 10**6, "GB": 10**9, "TB": 10**12, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_SIZE = re.compile(rf"([0-9]{{1,6}}(?:\.[0-9]{{1,9}})?) ?({'|'.join(_UNITS)})")


def bytes_of(text: str, *, option: str = "size") -> int:
    """Return the bytes of a size: MB, GB and TB are decimal, MiB, GiB and TiB binary.

    Raise OptionError, which names `option`, for anything else, and for less than one byte.

    >>> bytes_of("4GB"), bytes_of("0.5GiB")
    (4000000000, 536870912)
    """
    found = _SIZE.fullmatch(text.strip())
    size = int(Decimal(found[1]) * _UNITS[found[2]]) if found else 0
    if not size:
        raise OptionError(f"{option} {text}: give a size above 0 with its unit, e.g. 4GB, 512MB or 4GiB")
    return size


def spelled_size(size: int) -> str:
    """Return a size with the largest unit of which it is a whole number, else in MB.

    >>> spelled_size(4_000_000_000), spelled_size(2**29)
    ('4GB', '512MiB')
    """
    whole = [(count, unit) for unit, count in _UNITS.items() if size % count == 0]
    return f"{size // max(whole)[0]}{max(whole)[1]}" if whole else f"{size / 1e6:g}MB"
