"""Galleries: every figure of some runs, and what is left out and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from redl.results.printed import printed_rows
from redl.results.report.figures.acceptability import acceptability
from redl.results.report.figures.calibration import calibration
from redl.results.report.figures.caption import name_of
from redl.results.report.figures.decision import decision
from redl.results.report.figures.downsampling import downsampling
from redl.results.report.figures.drawing import (
    Drawing,
    DrawnFigure,
    LeftOut,
    check_formats,
    save,
    slug,
)
from redl.results.report.figures.learning import learning
from redl.results.report.figures.matrix import Matrix, matrices
from redl.results.report.figures.memory import memory
from redl.results.report.figures.parameters import parameters, scores
from redl.results.report.figures.radar import printed_radars, radar
from redl.results.report.figures.ratios import ratios
from redl.results.report.figures.resources import resources
from redl.results.report.figures.samples import Description, samples
from redl.results.report.figures.style import styled
from redl.results.store import Run, without_collection

Kind = Callable[[Matrix], Drawing | LeftOut]

# By the beginning of their names, in the order in which a reader asks: what is saved, at what cost, and why.
_BY_PAGE: dict[str, Kind] = {
    "ratios": ratios,
    "resources": resources,
    "radar": radar,
    "downsampling": downsampling,
    "learning": learning,
    "calibration": calibration,
    "decision": decision,
    "acceptability": acceptability,
}
_WHOLE: dict[str, Kind] = {"memory": memory, "parameters": parameters, "pepr": scores}


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Gallery:
    """Figures that can be drawn, those that cannot, and why."""

    drawings: tuple[Drawing, ...]
    left_out: tuple[LeftOut, ...]


def gallery(runs: Sequence[Run], descriptions: Sequence[Description] = ()) -> Gallery:
    """Return every figure of saved runs, and of the data sets that are described.

    Raise RecordError if two runs have results of one case that differ.
    """
    found, more = matrices(runs)
    with styled(), without_collection():  # each of many axes would set it off
        drawn: list[Drawing | LeftOut] = [samples(described) for described in descriptions]
        for matrix in found:
            if matrix.dataset not in {described.dataset for described in descriptions}:
                drawn.append(_without_samples(matrix))
            drawn += [_drawn(name, kind, page) for page in matrix.pages() for name, kind in _BY_PAGE.items()]
            drawn += [_drawn(name, kind, matrix) for name, kind in _WHOLE.items()]
    left_out = [one for one in drawn if isinstance(one, LeftOut)]
    left_out += [LeftOut(name="further data sets", reason=reason) for reason in more]
    drawings = _named_apart([one for one in drawn if isinstance(one, Drawing)])
    return Gallery(drawings=tuple(drawings), left_out=tuple(left_out))


def printed_gallery() -> Gallery:
    """Return the radars of the tables that the paper printed."""
    with styled():
        return Gallery(drawings=tuple(printed_radars(printed_rows())), left_out=())


def save_gallery(
    found: Gallery, folder: Path, formats: Sequence[str] = ("png", "pdf", "svg")
) -> tuple[DrawnFigure, ...]:
    """Save every drawing of a gallery in a folder, which is made, and return where.

    Raise OptionError for an unknown format, OSError for a folder that cannot be written.
    """
    check_formats(formats)
    folder.mkdir(parents=True, exist_ok=True)
    return tuple(save(drawing, folder, formats) for drawing in found.drawings)


def draw_figures(
    runs: Sequence[Run], folder: Path, formats: Sequence[str] = ("png", "pdf", "svg")
) -> tuple[DrawnFigure, ...]:
    """Draw every figure of saved runs into a folder; `gallery` says which are left out, and why.

    Raise RecordError if two runs have results of one case that differ, OptionError for an unknown format.
    """
    check_formats(formats)
    return save_gallery(gallery(runs), folder, formats)


def _drawn(name: str, kind: Kind, matrix: Matrix) -> Drawing | LeftOut:
    try:
        with np.errstate(all="ignore"):
            return kind(matrix)
    except (ValueError, OverflowError) as error:  # a stranger's record may hold 1e308, which no axis does
        return LeftOut(name=name_of(name, matrix), reason=f"its figures are too large or too small ({error})")


def _without_samples(matrix: Matrix) -> LeftOut:
    command = f"redl data describe {matrix.dataset} --figure FILE"
    return LeftOut(
        name=f"samples-{slug(matrix.dataset)}",
        reason=f"a saved run holds no images and no ages; `{command}` draws them from the data",
    )


def _named_apart(drawings: Sequence[Drawing]) -> list[Drawing]:
    """Give drawings whose names became equal, because files allow fewer letters, numbers of their own."""
    seen: Counter[str] = Counter()
    found = []
    for drawing in drawings:
        seen[drawing.name] += 1
        number = seen[drawing.name]
        found.append(drawing if number == 1 else replace(drawing, name=f"{drawing.name}-again{number}"))
    return found
