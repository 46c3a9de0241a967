"""Radars: performance, energy, memory and inference time of each setting, as in the paper.

Figures 2A, 2B, 4 and 5 of Selvan, Schoen and Dam (2023). Each axis begins with 0 in the middle and ends with
the largest of the settings, whose figure it names.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from redl.results.printed import PrintedRow
from redl.results.report.figures.caption import (
    caption,
    energy_words,
    load_words,
    memory_words,
    name_of,
    titled,
)
from redl.results.report.figures.drawing import Drawing, LeftOut, slug
from redl.results.report.figures.matrix import Cell, Matrix
from redl.results.report.figures.quantity import ENERGY, INFERENCE, MEMORY
from redl.results.report.figures.sheet import columns_for, sheet
from redl.results.report.figures.style import FAINT, PALE, SMALL, handles, looks

_P_T = "P_T"
_QUANTITIES = {"energy": ENERGY, "memory": MEMORY, "inference": INFERENCE}
_AXES = (_P_T, *_QUANTITIES)
_LEAST_AXES = 3
_RINGS = (0.25, 0.5, 0.75, 1.0)
_WORDS = (
    "mean over seeds of test accuracy (P_T), energy of training, peak memory and time of inference over the "
    "test images, for each setting",
    "each axis begins with 0 in the middle and ends with the largest value of the settings, which is written "
    "there; larger is better for P_T, smaller for the rest",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Spokes:
    """One setting's figures by the axes' names, in Wh, bytes and seconds; None where one is not known."""

    setting: str
    values: Mapping[str, float | None]


def radar(matrix: Matrix) -> Drawing | LeftOut:
    """Return the radars of a matrix, a panel for each model."""
    name = name_of("radar", matrix)
    spokes = {model: [_spokes(cell) for cell in cells] for model, cells in matrix.models.items()}
    shown = {model: rows for model, rows in spokes.items() if len(_known_axes(rows)) >= _LEAST_AXES}
    if not shown:
        reason = f"no model has {_LEAST_AXES} of {', '.join(_AXES)} for all settings"
        return LeftOut(name=name, reason="; ".join((reason, *matrix.capped)))
    cells = [cell for model in shown for cell in matrix.models[model]]
    about = (energy_words(cells), memory_words(cells), load_words(cells))
    return Drawing(
        name=name,
        title=titled("Performance and resources", matrix),
        caption=caption(_WORDS, matrix, cells, *about, *_unknown(spokes)),
        figure=_figure(shown),
    )


def printed_radars(rows: Sequence[PrintedRow]) -> list[Drawing]:
    """Return the radars of the paper's printed tables, one drawing for each table and data set."""
    groups: dict[tuple[int, str], list[PrintedRow]] = {}
    for row in rows:
        groups.setdefault((row.table, row.dataset), []).append(row)
    return [_printed(table, dataset, group) for (table, dataset), group in groups.items()]


def _printed(table: int, dataset: str, rows: Sequence[PrintedRow]) -> Drawing:
    models: dict[str, list[Spokes]] = {}
    for row in rows:
        models.setdefault(row.model, []).append(_of_printed(row))
    doubtful = [f"{row.model} {row.setting}" for row in rows if row.doubtful]
    doubt = f"the table itself puts figures of these in doubt: {', '.join(doubtful)}" if doubtful else ""
    words = (
        *_WORDS,
        f"data: Table {table} of Selvan, Schoen and Dam (2023) as printed, {dataset}, means of 3 seeds on an "
        "RTX 3090, energy by CarbonTracker",
        *([doubt] if doubt else []),
    )
    return Drawing(
        name=f"radar-printed-table{table}-{slug(dataset)}",
        title=f"Performance and resources: {dataset}, Table {table} as printed",
        caption=" ".join(f"{part[0].upper()}{part[1:]}." for part in words),
        figure=_figure(models),
    )


def _of_printed(row: PrintedRow) -> Spokes:
    return Spokes(
        setting=row.setting,
        values={
            _P_T: row.accuracy_mean,
            "energy": row.energy_wh,
            "memory": row.gpu_memory_gb * 1e9,
            "inference": row.inference_time_s,
        },
    )


def _spokes(cell: Cell) -> Spokes:
    accuracy = cell.aggregate.accuracy
    known = {name: quantity.of(cell.aggregate) for name, quantity in _QUANTITIES.items()}
    return Spokes(setting=cell.setting, values={_P_T: accuracy.mean if accuracy else None} | known)


def _finished(rows: Sequence[Spokes]) -> list[Spokes]:
    return [row for row in rows if row.values[_P_T] is not None]


def _known_axes(rows: Sequence[Spokes]) -> list[str]:
    """Return the axes of which all settings that finished have a figure."""
    finished = _finished(rows)
    return [name for name in _AXES if finished and all(row.values[name] is not None for row in finished)]


def _unknown(spokes: Mapping[str, Sequence[Spokes]]) -> list[str]:
    """Return which models lack an axis, because a setting has no figure of it."""
    said = []
    for model, rows in spokes.items():
        known = _known_axes(rows)
        names = [name for name in _AXES if name not in known]
        said += [f"{model} has no {' or '.join(names)} for all settings"] if names else []
    return said


def _figure(models: Mapping[str, Sequence[Spokes]]) -> Figure:
    shown = looks(list(dict.fromkeys(row.setting for rows in models.values() for row in rows)))
    page = sheet(
        len(models),
        columns=columns_for(len(models)),
        height=1.95,
        entries=handles(shown),
        left=0.1,
        between=0.1,
        below=0.12,
    )
    for axes, (model, rows) in zip(page.panels, models.items(), strict=True):
        axes.set_title(model)
        names = _known_axes(rows)
        _draw_web(axes, names, largest := _largest(rows, names))
        for row in _finished(rows):
            ring = [_share(row.values[name], largest[name]) for name in names]
            x, y = _places([*ring, ring[0]], len(names))
            axes.plot(x, y, **shown[row.setting].line(markersize=3.5, linewidth=1))
    return page.figure


def _largest(rows: Sequence[Spokes], names: Sequence[str]) -> dict[str, float]:
    return {name: max(value for row in rows if (value := row.values[name]) is not None) for name in names}


def _share(value: float | None, largest: float) -> float:
    return value / largest if value and largest else 0.0


def _places(radii: Sequence[float], axes: int) -> tuple[list[float], list[float]]:
    """Return x and y of points at these radii, the first at the top and the next ones clockwise."""
    angles = [math.tau * place / axes for place in range(len(radii))]
    x = [radius * math.sin(angle) for radius, angle in zip(radii, angles, strict=True)]
    return x, [radius * math.cos(angle) for radius, angle in zip(radii, angles, strict=True)]


def _draw_web(axes: Axes, names: Sequence[str], largest: Mapping[str, float]) -> None:
    for ring in _RINGS:
        axes.plot(
            *_places([ring] * (len(names) + 1), len(names)), color=FAINT if ring < 1 else PALE, linewidth=0.6
        )
    for name, x, y in zip(names, *_places([1.0] * len(names), len(names)), strict=True):
        axes.plot([0, x], [0, y], color=FAINT, linewidth=0.6)
        said = f"{largest[name]:.3f}" if name == _P_T else _QUANTITIES[name].said(largest[name])
        axes.text(
            x * 1.08,
            y * 1.08,
            f"{name}\n{said}",
            fontsize=SMALL,
            ha="center" if abs(x) < 0.1 else "left" if x > 0 else "right",
            va="center" if abs(y) < 0.1 else "bottom" if y > 0 else "top",
        )
    axes.set(xlim=(-1.9, 1.9), ylim=(-1.45, 1.45), aspect="equal")
    axes.set_axis_off()
