"""Looks: a colour, a shape and a dash for each setting, alike in all plots and told apart without colour."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from redl.study.case import Setting

# As in the figures (Okabe and Ito's), but darker or lighter where one of the two themes would swallow them.
_COLOURS = ("#767676", "#0077BB", "#B87800", "#009970", "#D55E00", "#BE6A9A", "#2E8FCC", "#0077BB", "#D55E00")
_SHAPES = (
    "circle",
    "square",
    "triangle-up",
    "diamond",
    "triangle-down",
    "wedge",
    "cross",
    "triangle-left",
    "triangle-right",
)
_DASHES = ((1, 0), (6, 2), (2, 2), (8, 2, 2, 2), (4, 4))


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """Colour, name of Vega's shape, and lengths of dashes and gaps in pixels."""

    colour: str
    shape: str
    dash: tuple[int, ...]


def looks_of(settings: Iterable[str]) -> dict[str, Look]:
    """Return the look of each setting; the study's are always the same, and custom ones follow."""
    names = list(dict.fromkeys((*(str(setting) for setting in Setting), *settings)))
    return {
        name: Look(
            colour=_COLOURS[place % len(_COLOURS)],
            shape=_SHAPES[(place + place // len(_COLOURS)) % len(_SHAPES)],
            dash=_DASHES[place % len(_DASHES)],
        )
        for place, name in enumerate(names)
    }
