"""Illustrations: drawn figures put into the page as images, as long as they leave it small."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redl.results.report.figures.drawing import DrawnFigure

MOST_BYTES = 2 * 2**20  # of all, as they are embedded

_TYPES = {"svg": "image/svg+xml", "png": "image/png"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Illustration:
    """A figure as an address that holds it whole."""

    title: str
    caption: str
    address: str


def illustrations_of(figures: Sequence[DrawnFigure]) -> tuple[list[Illustration], list[str]]:
    """Return figures as images, and the titles of those that were left out to keep the page small."""
    shown: list[Illustration] = []
    left_out: list[str] = []
    room = MOST_BYTES
    for figure in figures:
        address = next((found for found in _addresses(figure) if len(found) <= room), None)
        if address is None:
            left_out.append(figure.title)
            continue
        room -= len(address)
        shown.append(Illustration(title=figure.title, caption=figure.caption, address=address))
    return shown, left_out


def _addresses(figure: DrawnFigure) -> Iterator[str]:
    """Yield a figure as data URLs, that of its SVG, which is sharp at any size, before that of its PNG."""
    for suffix, kind in _TYPES.items():
        if suffix in figure.files:
            text = base64.b64encode(figure.files[suffix].read_bytes()).decode()
            yield f"data:{kind};base64,{text}"
