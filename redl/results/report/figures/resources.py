"""Resources: performance of each setting against each resource, with the tolerance and the Pareto step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from redl.record import Record
from redl.results.noninferiority.influence import right
from redl.results.report.figures.caption import (
    caption,
    energy_words,
    load_words,
    memory_words,
    name_of,
    titled,
)
from redl.results.report.figures.drawing import Drawing, LeftOut
from redl.results.report.figures.matrix import Cell, Cells, Matrix
from redl.results.report.figures.quantity import TRAINING, Quantity
from redl.results.report.figures.sheet import bars, sheet
from redl.results.report.figures.style import FAINT, PALE, STEP, Look, handles, looks
from redl.results.tradeoff.benefit import images_of
from redl.results.tradeoff.interval import Interval, over_seeds, over_units, patients_of
from redl.results.tradeoff.pareto import pareto_set
from redl.study.profile import PROFILES

_WORDS = (
    "test accuracy of each setting against what its training takes; up and to the left is better",
    "large markers are means over seeds (memory: the largest), small ones single seeds",
    "bars are 95 % intervals, of accuracy over new seeds and patients, of time and energy over new seeds; "
    "fewer than 3 seeds or 30 patients have none",
    "the step joins the settings that no other one beats in both, by their means, which does not show that "
    "they differ",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """One setting's accuracy and what it spent, with intervals where there are enough seeds."""

    cell: Cell
    accuracy: Interval
    spent: Interval


def resources(matrix: Matrix) -> Drawing | LeftOut:
    """Return performance against each resource, a row of panels for each model."""
    name = name_of("resources", matrix)
    found = {model: _panels(cells) for model, cells in matrix.models.items()}
    known = [one for one in TRAINING if any(panels[one.name] for panels in found.values())]
    models = {model: panels for model, panels in found.items() if any(panels.values())}
    if not models:
        reason = "no case has both an accuracy and a resource that was measured"
        return LeftOut(name=name, reason="; ".join((reason, *matrix.capped)))
    cells = [cell for model in models for cell in matrix.models[model]]
    missing = [f"{one.name} is not known" for one in TRAINING if one not in known]
    about = (energy_words(cells), memory_words(cells), load_words(cells), *missing)
    return Drawing(
        name=name,
        title=titled("Performance against resources", matrix),
        caption=caption((*_WORDS, _tolerance_words(cells)), matrix, cells, *about),
        figure=_figure(models, known, tolerance_of(cells)),
    )


def tolerance_of(cells: Sequence[Cell]) -> float | None:
    """Return how far accuracy may lie below the baseline's: the profile's tolerance, or what replaced it."""
    found: list[Record] = [record for cell in cells for record in cell.records]
    tolerances = {_tolerance(record) for record in found}
    return next(iter(tolerances)) if len(tolerances) == 1 else None


def _tolerance(record: Record) -> float | None:
    profile = PROFILES.get(record.case.profile)
    usual = profile.tolerance if profile else None
    given = record.recipe.overrides.get("tolerance", usual) if record.recipe else usual
    return float(given) if isinstance(given, int | float) else None


def accuracy_of(cell: Cell) -> Interval | None:
    """Return the mean test accuracy of a cell, with its interval if its answers are known."""
    if cell.arm is not None:
        units = images_of(cell.arm)
        return over_units(right(units.labels, units.probabilities), patients_of(units))
    spread = cell.aggregate.accuracy
    return Interval(value=spread.mean, low=None, high=None) if spread else None


def _panels(cells: Cells) -> dict[str, list[Point]]:
    """Return the points of each resource, by its name."""
    accuracies = {cell.setting: accuracy_of(cell) for cell in cells}
    return {
        quantity.name: [
            Point(cell=cell, accuracy=accuracy, spent=_interval(cell, quantity, spent))
            for cell in cells
            if (spent := quantity.of(cell.aggregate)) is not None
            and (accuracy := accuracies[cell.setting]) is not None
        ]
        for quantity in TRAINING
    }


def _interval(cell: Cell, quantity: Quantity, value: float) -> Interval:
    if not quantity.is_mean:
        return Interval(value=value, low=None, high=None)
    return over_seeds(np.array([quantity.of_seed(record) for record in cell.records], dtype=np.float64))


def _tolerance_words(cells: Sequence[Cell]) -> str:
    tolerance = tolerance_of(cells)
    if tolerance is None:
        return "no tolerance is drawn, because the profile has none"
    return f"the band is the tolerance of {100 * tolerance:g} percentage points below the baseline's mean"


def _figure(
    models: Mapping[str, Mapping[str, Sequence[Point]]], known: Sequence[Quantity], tolerance: float | None
) -> Figure:
    points = [point for panels in models.values() for each in panels.values() for point in each]
    shown = looks(list(dict.fromkeys(point.cell.setting for point in points)))
    page = sheet(
        len(models) * len(known),
        columns=len(known),
        height=1.55,
        entries=handles(shown, lines=False),
        between=0.25,
        below=0.45,
    )
    places = [(model, quantity) for model in models for quantity in known]
    for axes, (model, quantity) in zip(page.panels, places, strict=True):
        _draw_panel(axes, models[model][quantity.name], quantity, tolerance, shown)
    for start, model in zip(range(0, len(places), len(known)), models, strict=True):
        _as_row(page.panels[start : start + len(known)], model)
    return page.figure


def _draw_panel(
    axes: Axes,
    points: Sequence[Point],
    quantity: Quantity,
    tolerance: float | None,
    shown: Mapping[str, Look],
) -> None:
    unit, divisor = quantity.unit_for(max((point.spent.value for point in points), default=1.0))
    axes.set_xlabel(f"{quantity.name} ({unit})")
    baseline = next((point for point in points if point.cell.is_baseline), None)
    if baseline is not None:
        axes.axhline(baseline.accuracy.value, color=PALE, linestyle=":", linewidth=0.8, zorder=0)
        if tolerance:
            low = baseline.accuracy.value - tolerance
            axes.axhspan(low, baseline.accuracy.value, color=FAINT, linewidth=0, zorder=-1)
    _draw_step(axes, points, divisor)
    for point in points:
        _draw_point(axes, point, quantity, divisor, shown[point.cell.setting])


def _draw_step(axes: Axes, points: Sequence[Point], divisor: float) -> None:
    """Draw the best accuracy that can be had for so much, up to the largest spent."""
    if len(points) < 2:
        return
    costs = np.array([[-point.accuracy.value, point.spent.value] for point in points])
    best = sorted((spent / divisor, -cost) for cost, spent in costs[pareto_set(costs)])
    x, y = [each[0] for each in best], [each[1] for each in best]
    last = max(point.spent.value for point in points) / divisor
    axes.step([*x, last], [*y, y[-1]], where="post", color=STEP, linewidth=0.9, zorder=1)


def _draw_point(axes: Axes, point: Point, quantity: Quantity, divisor: float, look: Look) -> None:
    seeds = [
        (spent / divisor, record.metrics.test.accuracy)
        for record in point.cell.records
        if record.metrics and (spent := quantity.of_seed(record)) is not None
    ]
    if len(seeds) > 1:
        axes.plot(*zip(*seeds, strict=True), **look.dot(markersize=2, alpha=0.45, markeredgewidth=0))
    accuracy, taken = point.accuracy, point.spent
    axes.errorbar(
        taken.value / divisor,
        accuracy.value,
        xerr=bars([(taken.value, taken.low, taken.high)], divisor),
        yerr=bars([(accuracy.value, accuracy.low, accuracy.high)]),
        elinewidth=0.8,
        zorder=3,
        **look.dot(),
    )


def _as_row(row: Sequence[Axes], model: str) -> None:
    """Give panels of one model the same scale of accuracy, and its name to the first."""
    limits = [axes.get_ylim() for axes in row]
    for axes in row:
        axes.set_ylim(min(low for low, _ in limits), min(1.02, max(high for _, high in limits)))
        axes.tick_params(labelleft=axes is row[0])
    row[0].set_title(model, loc="left")
    row[0].set_ylabel("test accuracy")
