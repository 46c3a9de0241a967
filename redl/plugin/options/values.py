"""Values: the meaning of an option's text, or one line that says how to write it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from redl.errors import OptionError
from redl.nearest import one_of
from redl.pyproject import declared_tables

T = TypeVar("T")


def value(
    config: pytest.Config,
    name: str,
    kind: Callable[[str], T],
    remedy: str,
    fits: Callable[[T], bool] = lambda _: True,
) -> T:
    """Return the option `--redl-<name>`; raise OptionError, with the remedy, for a text that does not fit."""
    text = config.getoption(f"redl_{name}")
    try:
        found = kind(text)
    except ValueError:
        found = None
    if found is None or not fits(found):
        raise OptionError(f"{spelled(name)} {text}: {remedy}")
    return found


def value_or_none(
    config: pytest.Config,
    name: str,
    kind: Callable[[str], T],
    remedy: str,
    fits: Callable[[T], bool] = lambda _: True,
) -> T | None:
    """Return an option that may be left out; None without it."""
    return None if config.getoption(f"redl_{name}") is None else value(config, name, kind, remedy, fits)


def choice(config: pytest.Config, name: str, choices: tuple[str, ...], *, default: str) -> str:
    """Return an option that takes one of a few words; raise OptionError, with the nearest, for another."""
    found: str = config.getoption(f"redl_{name}") or default
    if found not in choices:
        raise OptionError(f"{spelled(name)} {found}: {one_of(found, choices)}")
    return found


def pyproject_of(config: pytest.Config) -> Path:
    """Return the pyproject.toml that is read: the one where pytest was called, or else the root's.

    They differ where another checkout's suite is run from your own project, whose tables would be ignored.
    """
    called = config.invocation_params.dir / "pyproject.toml"
    try:
        found = declared_tables(called)
    except OptionError:
        return called  # whoever reads its tables says what is wrong with it
    return called if found else config.rootpath / "pyproject.toml"


def spelled(name: str) -> str:
    """Return an option as it is written on the command line."""
    return f"--redl-{name.replace('_', '-')}"


def whole_numbers(text: str) -> tuple[int, ...]:
    """Return whole numbers and ranges, e.g. of `1,10,100` or `1-5`; raise ValueError for a repeated one."""
    numbers: list[int] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        numbers += range(int(first), int(last) + 1) if dash else [int(first)]
    if not numbers or len(set(numbers)) < len(numbers):
        raise ValueError(text)
    return tuple(numbers)
