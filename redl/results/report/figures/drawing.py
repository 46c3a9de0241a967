"""Drawings: figures with their captions, and how they are saved: equal drawings give equal bytes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from redl.errors import OptionError
from redl.nearest import one_of
from redl.results.report.figures.style import styled
from redl.results.store import without_collection

# Without these a file records when, and by which version, it was made.
_NO_METADATA: dict[str, dict[str, str | None]] = {
    "png": {"Software": None},
    "pdf": {"Creator": None, "Producer": None, "CreationDate": None},
    "svg": {"Creator": None, "Date": None, "Format": None, "Type": None},
}
FORMATS = tuple(_NO_METADATA)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Drawing:
    """A figure with a title and a caption in words; `name` is the stem of its files."""

    name: str
    title: str
    caption: str
    figure: Figure


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """A figure that has nothing to show, and why."""

    name: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DrawnFigure:
    """A saved figure: the stem of its files, its title and caption, and its files by format."""

    name: str
    title: str
    caption: str
    files: Mapping[str, Path]


def slug(text: str) -> str:
    """Return text as a part of a file's name: small letters, digits and single hyphens.

    >>> slug("amp+8bit <b>/../")
    'amp-8bit-b'
    """
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60] or "unnamed"


def check_formats(formats: Sequence[str]) -> None:
    """Raise OptionError for a format in which no figure can be saved."""
    for each in formats:
        if each not in FORMATS:
            raise OptionError(f"figure format {each}: unknown; {one_of(each, FORMATS)}")


def save(drawing: Drawing, folder: Path, formats: Sequence[str]) -> DrawnFigure:
    """Save a drawing in each format and return where; raise OSError where it cannot be written."""
    files = {each: folder / f"{drawing.name}.{each}" for each in formats}
    with styled(), without_collection():
        for each, path in files.items():
            metadata = _NO_METADATA[each] | {"Title": drawing.title}  # read aloud by browsers
            drawing.figure.savefig(path, format=each, metadata=metadata)
    return DrawnFigure(name=drawing.name, title=drawing.title, caption=drawing.caption, files=files)
