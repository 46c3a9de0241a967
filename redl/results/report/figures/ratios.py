"""Ratios: what each setting takes of the baseline's resources, and what it does to performance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from redl.errors import RecordError
from redl.record import Record
from redl.results.arms import pairs_of
from redl.results.machine import same_machine
from redl.results.noninferiority.influence import right
from redl.results.report.figures.caption import caption, energy_words, load_words, name_of, titled
from redl.results.report.figures.drawing import Drawing, LeftOut
from redl.results.report.figures.matrix import Cell, Cells, Matrix
from redl.results.report.figures.resources import tolerance_of
from redl.results.report.figures.sheet import bars, sheet
from redl.results.report.figures.style import FAINT, INK, PALE
from redl.results.tradeoff.benefit import images_of
from redl.results.tradeoff.change import Change, changes
from redl.results.tradeoff.costs import Resource, costs
from redl.results.tradeoff.interval import Interval, over_units, patients_of
from redl.training.metrics import Floats

_COMPARED = (Resource.MEMORY, Resource.TIME, Resource.ENERGY)
_MARKS = {
    Resource.MEMORY: ("#0072B2", "s"),
    Resource.TIME: ("#E69F00", "^"),
    Resource.ENERGY: ("#009E73", "D"),
}
_NARROWEST = (0.68, 1.25)  # ratios that are always shown, so that chance does not look large
_TICKS = 8  # at most
_POINTS = 1  # percentage points that are always shown, for the same reason
_WORDS = (
    "left: what training takes, as a ratio to the baseline's; the line is the baseline, left of it is saved",
    "right: test accuracy less the baseline's in percentage points; right of the line is better",
    "points are means over the seeds that a setting shares with its baseline (geometric ones of the ratios)",
    "bars are 95 % intervals, of ratios over new seeds, of differences over new seeds and patients; fewer "
    "than 3 seeds or 30 patients have none",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One setting against its baseline; `difference` is None where answers are not known."""

    setting: str
    changes: tuple[Change, ...]
    difference: Interval | None


def ratios(matrix: Matrix) -> Drawing | LeftOut:
    """Return each setting against its baseline, a row of two panels for each model."""
    name = name_of("ratios", matrix)
    models = {model: rows for model, cells in matrix.models.items() if (rows := _rows(cells))}
    if not models:
        reason = "no setting shares a finished seed with its baseline"
        return LeftOut(name=name, reason="; ".join((reason, *matrix.capped)))
    cells = [cell for model in models for cell in matrix.models[model]]
    tolerance = tolerance_of(cells)
    band = f"the band is the tolerance of {100 * tolerance:g} percentage points" if tolerance else ""
    return Drawing(
        name=name,
        title=titled("Saved and lost against the baseline", matrix),
        caption=caption(_WORDS, matrix, cells, band, energy_words(cells), load_words(cells)),
        figure=_figure(models, tolerance),
    )


def _rows(cells: Cells) -> list[Row]:
    baseline = next((cell for cell in cells if cell.is_baseline), None)
    if baseline is None:
        return []
    return [row for cell in cells if not cell.is_baseline and (row := _row(cell, baseline)) is not None]


def _by_seed(cell: Cell) -> dict[int, Record]:
    return {record.case.seed: record for record in cell.records}


def _row(cell: Cell, baseline: Cell) -> Row | None:
    own, other = _by_seed(cell), _by_seed(baseline)
    seeds = [seed for seed in own if seed in other and same_machine(own[seed], other[seed])]
    if not seeds:
        return None
    new, old = costs([own[seed] for seed in seeds]), costs([other[seed] for seed in seeds])
    compared = [one for one in _COMPARED if one in new.spent and one in old.spent]
    if new.kinds[Resource.ENERGY] != old.kinds[Resource.ENERGY]:
        compared = [one for one in compared if one is not Resource.ENERGY]
    found = changes({cell.setting: new.spent}, old.spent, compared)[cell.setting]
    difference = _difference(cell, baseline)
    known = tuple(change for change in found if change.change is not None)
    return Row(setting=cell.setting, changes=known, difference=difference) if known or difference else None


def _difference(cell: Cell, baseline: Cell) -> Interval | None:
    if cell.arm is None or baseline.arm is None:
        return None
    try:
        [pair] = pairs_of([baseline.arm, cell.arm])
    except RecordError:  # other test images
        return None
    if not pair.seeds:
        return None
    units = images_of(pair.saving)
    lost: Floats = right(units.labels, pair.new) - right(units.labels, pair.old)
    return over_units(100 * lost, patients_of(units))


def _figure(models: Mapping[str, Sequence[Row]], tolerance: float | None) -> Figure:
    most = max(len(rows) for rows in models.values())
    shown = [one for one in _COMPARED if any(_has(rows, one) for rows in models.values())]
    page = sheet(
        2 * len(models),
        columns=2,
        height=0.3 + 0.2 * most,
        entries=[_mark(one) for one in shown],
        left=1.0,
        between=0.25,
        below=0.45,
    )
    for place, (model, rows) in enumerate(models.items()):
        left, right_side = page.panels[2 * place : 2 * place + 2]
        left.set_title(model, loc="left")
        _draw_ratios(left, rows)
        _draw_differences(right_side, rows, tolerance)
        for axes in (left, right_side):
            axes.set_ylim(len(rows) - 0.5, -0.5)
            axes.set_yticks(range(len(rows)), [row.setting for row in rows])
            axes.tick_params(axis="y", length=0, labelleft=axes is left)
    return page.figure


def _has(rows: Sequence[Row], resource: Resource) -> bool:
    return any(change.resource is resource for row in rows for change in row.changes)


def _mark(resource: Resource) -> Line2D:
    colour, marker = _MARKS[resource]
    return Line2D([], [], color=colour, marker=marker, linestyle="none", label=str(resource))


def _draw_ratios(axes: Axes, rows: Sequence[Row]) -> None:
    axes.axvline(1, color=INK, linewidth=0.8, zorder=0)
    for place, resource in enumerate(_COMPARED):
        found = [(y, one) for y, row in enumerate(rows) for one in row.changes if one.resource is resource]
        if not found:
            continue
        colour, marker = _MARKS[resource]
        axes.errorbar(
            [1 + (one.change or 0.0) for _, one in found],
            [y + 0.22 * (place - 1) for y, _ in found],
            xerr=bars([(one.change or 0.0, one.low, one.high) for _, one in found]),
            color=colour,
            marker=marker,
            markersize=4,
            linestyle="none",
            elinewidth=1,
        )
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    axes.set_xlim(min(low, _NARROWEST[0]), max(high, _NARROWEST[1]))
    ticks = _ticks(*axes.get_xlim())
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("ratio to the baseline")


def _ticks(low: float, high: float) -> list[float]:
    """Return round ratios between two, as many as can be read beside each other."""
    found: list[float] = []
    for steps in ((1, 1.2, 1.5, 2, 3, 4, 5, 6, 7, 8), (1, 2, 5), (1,)):
        found = [
            step * 10.0**power
            for power in range(-6, 7)
            for step in steps
            if low <= step * 10.0**power <= high
        ]
        if len(found) <= _TICKS:
            break
    return found


def _draw_differences(axes: Axes, rows: Sequence[Row], tolerance: float | None) -> None:
    axes.axvline(0, color=INK, linewidth=0.8, zorder=0)
    if tolerance:
        axes.axvspan(-100 * tolerance, 0, color=FAINT, linewidth=0, zorder=-1)
    known = [(y, row.difference) for y, row in enumerate(rows) if row.difference is not None]
    axes.errorbar(
        [one.value for _, one in known],
        [y for y, _ in known],
        xerr=bars([(one.value, one.low, one.high) for _, one in known]),
        color=INK,
        marker="o",
        markersize=4,
        linestyle="none",
        elinewidth=1,
    )
    for y in {*range(len(rows))} - {y for y, _ in known}:
        axes.text(0, y, " not known", color=PALE, va="center")
    low, high = axes.get_xlim()
    low = min(low, -_POINTS)
    axes.set_xlim(low, max(high, _POINTS, -0.12 * low))
    axes.set_xlabel("accuracy less the baseline's (points)")
