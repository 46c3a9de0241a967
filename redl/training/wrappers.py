"""Wrappers around weights: the dicts and prefixes that trainers save a network's tensors in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import torch

Weights = dict[str, torch.Tensor]

_DEPTH = 8  # dicts inside each other; a pickled dict may contain itself


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """Tensors that may be a network's, by their names in it, and their place in the file."""

    place: str
    weights: Weights


def candidates(content: object, names: Collection[str]) -> list[Candidate]:
    """Return what may be the weights of the network with these names, wherever it is in a file's content.

    The names decide, not those of the wrappers: a prefix is stripped, whatever it is, if at least half of the
    network's names follow it. Names of another convention, which timm may know, are returned as they are and
    without each prefix that all of them share. What is returned need not fit: compare it with the network.
    """
    mappings = list(_mappings(content))
    found = [
        Candidate(place=_place(path, prefix), weights=_behind(prefix, weights, names, prefixes))
        for path, weights in mappings
        for prefixes in [_known_prefixes(weights, names)]
        for prefix in prefixes
    ]
    if found:
        return found
    largest = max((len(weights) for _, weights in mappings), default=0)
    return [
        Candidate(place=_place(path, prefix), weights=_behind(prefix, weights, names))
        for path, weights in mappings
        if 2 * len(weights) >= largest
        for prefix in _common_prefixes(weights)
    ]


def _mappings(content: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Weights]]:
    """Yield each dict in the content that has tensors by name, without its other values."""
    if not isinstance(content, dict) or len(path) > _DEPTH:
        return
    weights = {
        name: one for name, one in content.items() if isinstance(name, str) and isinstance(one, torch.Tensor)
    }
    if weights:
        yield path, weights
    for name, one in content.items():
        yield from _mappings(one, (*path, str(name)))


def _known_prefixes(weights: Weights, names: Collection[str]) -> list[str]:
    """Return the prefixes that at least half of the network's names have in the file."""
    counts = Counter(
        prefix for name in weights for prefix in _prefixes(name) if name.removeprefix(prefix) in names
    )
    return [prefix for prefix, count in counts.items() if 2 * count >= len(names)]


def _common_prefixes(weights: Weights) -> list[str]:
    """Return the prefixes that all names share, the empty one first."""
    first, *others = weights
    return [prefix for prefix in _prefixes(first) if all(name.startswith(prefix) for name in others)]


def _prefixes(name: str) -> list[str]:
    """Return what may be a prefix of a dotted name: `a.b.c` has the empty one, `a.` and `a.b.`."""
    return ["", *(name[: dot + 1] for dot, character in enumerate(name) if character == ".")]


def _behind(prefix: str, weights: Weights, names: Collection[str], prefixes: Collection[str] = ()) -> Weights:
    """Return the tensors behind a prefix, without those of another candidate behind a longer one."""
    others = tuple(other for other in prefixes if len(other) > len(prefix))
    return {
        name.removeprefix(prefix): one
        for name, one in weights.items()
        if name.startswith(prefix) and (name.removeprefix(prefix) in names or not name.startswith(others))
    }


def _place(path: tuple[str, ...], prefix: str) -> str:
    """Return the words for a place in a file, e.g. `state_dict/module`."""
    return "/".join([*path, prefix.rstrip(".")] if prefix else path) or "top level"
