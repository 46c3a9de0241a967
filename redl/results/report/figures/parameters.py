"""Parameters: the size of each network against its performance, its resources and its PePR scores.

PePR is performance per resource unit, of Selvan, Pepin, Igel, Samuel and Dam (2025), arXiv 2403.09441.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from redl.results.report.figures.caption import caption, energy_words, memory_words, name_of, titled
from redl.results.report.figures.drawing import Drawing, LeftOut
from redl.results.report.figures.matrix import Cell, Matrix, with_comparable
from redl.results.report.figures.quantity import TRAINING, Quantity
from redl.results.report.figures.sheet import plain_ticks, sheet
from redl.results.report.figures.style import SMALL, handles, looks
from redl.results.tradeoff.pepr import pepr

_LETTERS = {"peak memory": "M", "training time": "T", "energy of training": "E"}
_LINES = 3  # of names above a panel
_FEW = "fewer than two networks with different numbers of parameters finished"
_RESOURCES = (
    "test accuracy and resources of training against the number of parameters, means over seeds (memory: the "
    "largest); each marker is a setting of a network, whose name stands above its column",
)
_PEPR = (
    "performance per resource unit, PePR = P / (1 + R), against the number of parameters; P is the mean test "
    "accuracy, R the resource between the least (0) and the most (1) of all that is shown here",
    "a score is comparable only within this figure, because another network or setting moves all others; it "
    "has no interval here, and replaces no verdict of non-inferiority",
)

Values = Sequence[tuple[Cell, float]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Panel:
    """What one panel shows against the parameters, of each cell of which it is known."""

    label: str
    values: Values
    is_log: bool = False


def parameters(matrix: Matrix) -> Drawing | LeftOut:
    """Return performance and resources against parameters."""
    cells = _sized(matrix)
    panels = [Panel(label="test accuracy (P_T)", values=[(cell, _accuracy(cell)) for cell in cells])]
    panels += [found for one in TRAINING if (found := _resource(one, cells)).values]
    return _drawing("parameters", "Parameters and resources", _RESOURCES, matrix, panels)


def scores(matrix: Matrix) -> Drawing | LeftOut:
    """Return the PePR scores against parameters."""
    panels = [found for one in TRAINING if (found := _pepr(one, _sized(matrix))).values]
    return _drawing("pepr", "Parameters and PePR", _PEPR, matrix, panels)


def _drawing(
    what: str, title: str, words: Sequence[str], matrix: Matrix, panels: Sequence[Panel]
) -> Drawing | LeftOut:
    name, cells = name_of(what, matrix), _sized(matrix)
    if len({_parameters(cell) for cell in cells}) < 2:
        return LeftOut(name=name, reason=_FEW)
    if not panels:
        return LeftOut(name=name, reason="no resource of training is known for two cases or more")
    return Drawing(
        name=name,
        title=titled(title, matrix),
        caption=caption(words, matrix, cells, energy_words(cells), memory_words(cells)),
        figure=_figure(cells, panels),
    )


def _sized(matrix: Matrix) -> list[Cell]:
    """Return the cells that have an accuracy and a number of parameters."""
    return with_comparable([cell for cell in matrix.cells if _parameters(cell) and cell.aggregate.accuracy])


def _parameters(cell: Cell) -> int:
    return cell.aggregate.record.parameters or 0


def _accuracy(cell: Cell) -> float:
    return cell.aggregate.accuracy.mean if cell.aggregate.accuracy else math.nan


def _known(quantity: Quantity, cells: Sequence[Cell]) -> Values:
    return [
        (cell, value) for cell in cells if (value := quantity.of(cell.aggregate)) is not None and value > 0
    ]


def _resource(quantity: Quantity, cells: Sequence[Cell]) -> Panel:
    known = _known(quantity, cells)
    unit, divisor = quantity.unit_for(max((value for _, value in known), default=1.0))
    values = [(cell, value / divisor) for cell, value in known]
    return Panel(label=f"{quantity.name} ({unit})", values=values, is_log=True)


def _pepr(quantity: Quantity, cells: Sequence[Cell]) -> Panel:
    known = _known(quantity, cells)
    spent = np.array([value for _, value in known], dtype=np.float64)
    found: list[float] = []
    if len(known) > 1 and spent.min() < spent.max():  # otherwise every score is 0/0
        found = pepr(np.array([_accuracy(cell) for cell, _ in known]), spent).tolist()
    values = [(cell, score) for (cell, _), score in zip(known, found, strict=False)]
    return Panel(label=f"PePR-{_LETTERS[quantity.name]} ({quantity.name})", values=values)


def _figure(cells: Sequence[Cell], panels: Sequence[Panel]) -> Figure:
    shown = looks(list(dict.fromkeys(cell.setting for cell in cells)))
    columns = 2 if len(panels) in (2, 4) else min(len(panels), 3)
    page = sheet(
        len(panels), columns=columns, height=1.9, entries=handles(shown, lines=False), between=0.7, below=0.55
    )
    for axes, panel in zip(page.panels, panels, strict=True):
        for setting, look in shown.items():
            own = [(_parameters(cell), value) for cell, value in panel.values if cell.setting == setting]
            axes.plot([x for x, _ in own], [y for _, y in own], **look.dot(alpha=0.85))
        axes.set_xscale("log")
        if panel.is_log:
            axes.set_yscale("log")
            plain_ticks(axes.yaxis)
        plain_ticks(axes.xaxis, divisor=1e6)
        axes.margins(x=0.15, y=0.12)
        axes.set_xlabel("parameters (millions)")
        axes.set_ylabel(panel.label)
        _name_networks(axes, panel.values)
    return page.figure


def _name_networks(axes: Axes, values: Values) -> None:
    """Write each network's name above its column, on lines that take turns, so that few meet."""
    models = {cell.model: _parameters(cell) for cell, _ in values}
    for place, (model, size) in enumerate(sorted(models.items(), key=lambda each: each[1])):
        axes.annotate(
            model,
            (size, 1.0),
            (0, 1 + 6.5 * (place % _LINES)),
            xycoords=axes.get_xaxis_transform(),
            textcoords="offset points",
            fontsize=SMALL - 0.5,
            ha="center",
        )
