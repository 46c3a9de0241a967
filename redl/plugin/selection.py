"""Selection: pytest's `-k` over case ids, in which `seed1` means that seed and not `seed10` as well.

`-k` looks for a word anywhere in a test's name. While it is applied to redl's tests, a number at the end of a
word is therefore closed by a dot, in the expression and in a further keyword of the test. Tests that are not
redl's are selected as if redl were not installed, and keep their places.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from types import TracebackType
from typing import Any, Self

import pytest

from redl.study.budgeted import Budgeted
from redl.study.case import Case

# Stands in for the cases in a worker of pytest-xdist, where none may run.
NEEDS_ONE_PROCESS = "redl-cases-run-in-one-process"

_NUMBERED = re.compile(r"(?<![\w+.\[\]\\/:-])(seed\d+|down\d+)(?![\w+.\[\]\\/:-])")


def case_of(item: pytest.Item) -> Case | None:
    """Return the case that a test is parametrised with; None for a test that is not redl's."""
    callspec = getattr(item, "callspec", None)
    case = None if callspec is None else callspec.params.get("redl_case")
    return case if isinstance(case, Case) else None  # pytest's own stand-in where a run is refused


def budgeted_of(item: pytest.Item) -> Budgeted | None:
    """Return what a test fits into a budget; None for any other."""
    callspec = getattr(item, "callspec", None)
    found = None if callspec is None else callspec.params.get("redl_budgeted")
    return found if isinstance(found, Budgeted) else None


def refuses_workers(config: pytest.Config) -> bool:
    """Return whether this process is a worker of pytest-xdist."""
    return hasattr(config, "workerinput")


def nearest_words(expression: str, ids: Iterable[str]) -> list[str]:
    """Return words of the cases' ids that resemble words of a `-k` expression found in none of them."""
    known = {part for name in ids for part in (*name.split("-"), *re.split(r"[-+]", name))}
    unknown = [
        word
        for word in re.findall(r"[\w.+]+", expression.lower())
        if word not in {"and", "or", "not"} and not any(word in name for name in ids)
    ]
    return [near for word in unknown for near in get_close_matches(word, sorted(known), n=1)]


def close_numbers(expression: str) -> str:
    """Close the numbers of seeds and scales that stand as words of their own in a `-k` expression."""
    return _NUMBERED.sub(r"\1.", expression)


class Selection:
    """Context in which `-k` is applied to `items`, and the order of redl's cases before it."""

    def __init__(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        self._option, self._expression = config.option, config.option.keyword
        self._items = [item for item in items if case_of(item)]
        closed = close_numbers(self._expression) if self._items else self._expression
        self._closed, self._others = closed, [item for item in items if not case_of(item)]

    def __enter__(self) -> Self:
        if self._closed != self._expression:
            for item in self._items:
                _add_keywords(item)
            words = _NUMBERED.findall(self._expression)
            for item in self._others:
                _keep_meaning(item, words)
            self._option.keyword = self._closed
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._option.keyword = self._expression

    @staticmethod
    def restore_order(items: list[pytest.Item]) -> None:
        """Put redl's tests, in the places that they hold, case by case in the study's order.

        Downsampled cases come last. Each case follows what it is compared with, whatever shuffles tests.
        """
        places = [place for place, item in enumerate(items) if case_of(item)]
        numbers = _numbers([items[place] for place in places])
        ordered = sorted((items[place] for place in places), key=lambda item: _rank(item, numbers))
        for place, item in zip(places, ordered, strict=True):
            items[place] = item


def _numbers(items: Iterable[pytest.Item]) -> dict[str, int]:
    """Return the place of each case in the study, as tests that train it are numbered."""
    found: dict[str, int] = {}
    for item in sorted(items, key=_deploys):
        if case := case_of(item):
            found.setdefault(case.id, _params(item).indices["redl_case"])
    return found


def _rank(item: pytest.Item, numbers: Mapping[str, int]) -> tuple[bool, int, str, bool, int, str, int]:
    """Rank one of redl's tests by its case's place in the study, then by where it is written.

    A trained network is deployed after the tests that train it.
    """
    case = case_of(item)
    assert case is not None
    place = case.downsample > 1, numbers[case.id], case.id
    serving = _params(item).indices.get("redl_serving", 0)
    return *place, _deploys(item), serving, str(item.path), item.location[1] or 0


def _deploys(item: pytest.Item) -> bool:
    return "redl_serving" in _params(item).params


def _params(item: pytest.Item) -> Any:  # noqa: ANN401 - pytest's own class is private
    return item.callspec  # type: ignore[attr-defined] # of a test that has parameters


def _add_keywords(item: pytest.Item) -> None:
    """Give one of redl's tests the keywords that closed numbers look for."""
    if case := case_of(item):
        item.extra_keyword_matches.add(f"seed{case.seed}.")
        if case.downsample > 1:  # or `-k down` would find every case
            item.extra_keyword_matches.add(f"down{case.downsample}.")


def _keep_meaning(item: pytest.Item, words: list[str]) -> None:
    """Let each closed word match a test that is not redl's where it would have matched unclosed."""
    from _pytest.mark import KeywordMatcher  # how pytest itself reads a test's names

    matches = KeywordMatcher.from_item(item)
    item.extra_keyword_matches.update(f"{word}." for word in words if matches(word))
