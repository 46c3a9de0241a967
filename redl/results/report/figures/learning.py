"""Learning curves: the loss on the validation part over the epochs, of every seed."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from redl.record import Record
from redl.results.report.figures.caption import caption, counted, name_of, titled
from redl.results.report.figures.drawing import Drawing, LeftOut
from redl.results.report.figures.matrix import Cell, Cells, Matrix
from redl.results.report.figures.sheet import columns_for, plain_ticks, sheet
from redl.results.report.figures.style import SMALL, Look, handles, looks

SEEDS = 10  # of a setting that are drawn

_WIDE = 8  # a range of losses from which on a scale of logarithms shows the small ones too
_ROOM = 0.08  # above and below the curves that are shown whole
_WORDS = (
    "loss on the validation part after each epoch, a line for each seed; a marker is the epoch whose weights "
    "were kept, a cross the last one before a loss that is not finite",
)


def learning(matrix: Matrix) -> Drawing | LeftOut:
    """Return the learning curves of a matrix, a panel for each model."""
    name = name_of("learning", matrix)
    models = {model: cells for model, cells in matrix.models.items() if any(map(_traced, cells))}
    if not models:
        return LeftOut(name=name, reason="no case has a trace with a finite loss")
    cells = [cell for found in models.values() for cell in found]
    clipped = sum(_is_clipped(record, _ceiling(found)) for found in models.values() for record in _all(found))
    most = max(len(_traced(cell)) for cell in cells)
    return Drawing(
        name=name,
        title=titled("Learning curves", matrix),
        caption=caption(_WORDS, matrix, cells, _clipped_words(clipped), _seed_words(most)),
        figure=_figure(models),
    )


def _traced(cell: Cell) -> list[Record]:
    return [record for record in cell.records if _losses(record)]


def _all(cells: Cells) -> list[Record]:
    return [record for cell in cells for record in _traced(cell)[:SEEDS]]


def _losses(record: Record) -> list[tuple[int, float]]:
    """Return the epochs and their losses up to the first that is not finite."""
    found: list[tuple[int, float]] = []
    for epoch in record.training.trace if record.training else ():
        if epoch.valid_loss is None:
            break
        found.append((epoch.epoch, epoch.valid_loss))
    return found


def _kept(record: Record) -> list[tuple[int, float]]:
    """Return the epoch whose weights were kept, and its loss; nothing if none were."""
    best = record.training.best_epoch if record.training else None
    return [point for point in _losses(record) if point[0] == best]


def _ceiling(cells: Cells) -> float:
    """Return the largest loss that is shown: of the seeds that did not diverge, or of all if each did."""
    sound = [record for record in _all(cells) if not (record.divergence and record.divergence.ever)]
    losses = [loss for record in sound or _all(cells) for _, loss in _losses(record)]
    return max(losses) + _ROOM * (max(losses) - min(losses) or 1.0)


def _is_clipped(record: Record, ceiling: float) -> bool:
    return any(loss > ceiling for _, loss in _losses(record))


def _clipped_words(clipped: int) -> str:
    if not clipped:
        return ""
    leave = "leaves" if clipped == 1 else "leave"
    return f"{counted(clipped, 'diverged seed')} {leave} the panel at its top, where an arrow marks it"


def _seed_words(most: int) -> str:
    return f"of up to {most} seeds of a setting the first {SEEDS} are drawn" if most > SEEDS else ""


def _figure(models: Mapping[str, Cells]) -> Figure:
    shown = looks(list(dict.fromkeys(cell.setting for cells in models.values() for cell in cells)))
    page = sheet(len(models), columns=columns_for(len(models)), height=1.8, entries=handles(shown))
    for axes, (model, cells) in zip(page.panels, models.items(), strict=True):
        axes.set_title(model)
        ceiling = _ceiling(cells)
        for cell in cells:
            records = _traced(cell)[:SEEDS]
            for record in records:
                _draw(axes, record, ceiling, shown[cell.setting])
            kept = [point for record in records for point in _kept(record) if point[1] <= ceiling]
            axes.plot([x for x, _ in kept], [y for _, y in kept], **shown[cell.setting].dot(markersize=3.5))
        least = min(loss for record in _all(cells) for _, loss in _losses(record))
        if least > 0 and ceiling > _WIDE * least:
            axes.set_yscale("log")
            plain_ticks(axes.yaxis)
            axes.set_ylim(least * (1 - _ROOM), ceiling)
        else:
            axes.set_ylim(least - _ROOM * (ceiling - least or 1.0), ceiling)
        axes.set_xlim(0.5, 0.5 + max(epoch for record in _all(cells) for epoch, _ in _losses(record)))
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
        axes.set_xlabel("epoch")
        axes.set_ylabel("validation loss")
    return page.figure


def _draw(axes: Axes, record: Record, ceiling: float, look: Look) -> None:
    losses = _losses(record)
    x, y = [epoch for epoch, _ in losses], [loss for _, loss in losses]
    axes.plot(x, y, **look.line(marker="none", linewidth=0.8, alpha=0.8))
    if record.training and len(losses) < len(record.training.trace):
        axes.plot(x[-1], min(y[-1], ceiling), **look.dot(marker="x", markersize=5))
    beyond = next((epoch for epoch, loss in losses if loss > ceiling), None)
    if beyond is not None:
        axes.text(
            beyond, ceiling, "\N{UPWARDS ARROW}", color=look.colour, fontsize=SMALL + 2, ha="center", va="top"
        )
