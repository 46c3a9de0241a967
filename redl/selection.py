"""Selection: pytest's `-k` over the ids of cases, in which `seed1` means that seed and not `seed10` too.

`-k` looks for a word anywhere in a test's name. A number at a word's end is therefore closed by a dot, in the
expression and in a further keyword of the test.
"""

from __future__ import annotations

import re

import pytest

from redl.case import Case

_NUMBERED = re.compile(r"(?<![\w+.\[\]\\/:-])(seed\d+|down\d+)(?![\w+.\[\]\\/:-])")


def close_numbers(expression: str) -> str:
    """Close the numbers of seeds and scales that stand as words of their own in an expression of `-k`."""
    return _NUMBERED.sub(r"\1.", expression)


def add_keywords(item: pytest.Item, case: Case) -> None:
    """Give a test the keywords that closed numbers look for."""
    item.extra_keyword_matches.add(f"seed{case.seed}.")
    if case.downsample > 1:  # or `-k down` would find every case
        item.extra_keyword_matches.add(f"down{case.downsample}.")
