"""Memory: what training was measured to take, against what the parameters' shapes predict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from redl.results.report.figures.caption import caption, memory_words, name_of, titled
from redl.results.report.figures.drawing import Drawing, LeftOut
from redl.results.report.figures.matrix import Cell, Matrix
from redl.results.report.figures.quantity import MEMORY
from redl.results.report.figures.sheet import sheet
from redl.results.report.figures.style import PALE, SMALL, handles, looks

_WORDS = (
    "peak memory of training as measured against the sum of weights, gradients and optimizer state that the "
    "parameters' shapes predict; each marker is a setting of a model, whose name stands at its baseline",
    "on the line both agree; above it lie activations, workspaces and the framework, which are not predicted",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """Bytes that were predicted, and the largest peak of any seed."""

    cell: Cell
    predicted: int
    measured: int


def memory(matrix: Matrix) -> Drawing | LeftOut:
    """Return predicted against measured memory, all models of a matrix in one panel."""
    name = name_of("memory", matrix)
    pairs = [pair for cell in matrix.cells if (pair := _pair(cell))]
    if not pairs:
        return LeftOut(name=name, reason="no case has both a predicted and a measured peak of memory")
    cells = [pair.cell for pair in pairs]
    return Drawing(
        name=name,
        title=titled("Predicted and measured memory", matrix),
        caption=caption(_WORDS, matrix, cells, memory_words(cells)),
        figure=_figure(pairs),
    )


def _pair(cell: Cell) -> Pair | None:
    predicted = [record.memory.predicted.total for record in cell.records if record.memory]
    measured = cell.aggregate.train_peak_bytes
    if not predicted or not predicted[0] or not measured:
        return None
    return Pair(cell=cell, predicted=predicted[0], measured=measured)


def _figure(pairs: Sequence[Pair]) -> Figure:
    shown = looks(list(dict.fromkeys(pair.cell.setting for pair in pairs)))
    page = sheet(1, columns=1, height=2.7, entries=handles(shown, lines=False), left=0.7, below=0.72)
    axes = page.panels[0]
    for pair in pairs:
        axes.plot(pair.predicted, pair.measured, **shown[pair.cell.setting].dot())
    baselines = sorted((pair for pair in pairs if pair.cell.is_baseline), key=lambda pair: pair.predicted)
    for number, pair in enumerate(baselines):
        # Above and below by turns, because models of like size would meet.
        offset = (4, -9) if number % 2 else (4, 4)
        place = (pair.predicted, pair.measured)
        axes.annotate(pair.cell.model, place, offset, textcoords="offset points", fontsize=SMALL)
    values = [value for pair in pairs for value in (pair.predicted, pair.measured)]
    low, high = min(values) / 1.5, max(values) * 1.8
    axes.plot([low, high], [low, high], color=PALE, linewidth=0.8, zorder=0)
    axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=12))
        axis.set_major_formatter(FuncFormatter(lambda value, _: MEMORY.said(value)))
        axis.set_minor_formatter(NullFormatter())
    axes.tick_params(axis="x", labelrotation=40)
    axes.set_xlabel("predicted (weights, gradients, optimizer)")
    axes.set_ylabel("measured peak")
    return page.figure
