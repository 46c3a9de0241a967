"""Nearest: the names that an option takes, with the one that a mistyped name comes closest to."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def one_of(name: str, known: Iterable[str]) -> str:
    """Return a remedy for an unknown name: the nearest of the known ones, if one is near, and all of them."""
    names = {str(one).lower(): str(one) for one in known}
    near = "".join(f"did you mean {names[one]}? " for one in get_close_matches(name.lower(), names, n=1))
    return f"{near}use one of {', '.join(names.values())}"
