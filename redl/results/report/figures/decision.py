"""Decision curves: net benefit of each setting over the thresholds at which patients would be treated.

Vickers and Elkin (2006), doi 10.1177/0272989X06295361.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from redl.results.report.figures.caption import caption, name_of, titled
from redl.results.report.figures.drawing import Drawing, LeftOut
from redl.results.report.figures.matrix import Cells, Matrix
from redl.results.report.figures.sheet import columns_for, sheet
from redl.results.report.figures.style import INK, PALE, handles, looks
from redl.results.tradeoff.benefit import Unit, Units, net_benefit, treat_all, units_of

THRESHOLDS = tuple(step / 50 for step in range(1, 50))

_WORDS = (
    "net benefit, mean over seeds, of treating those whose probability lies above the threshold; higher is "
    "better, at each threshold by itself",
    "the grey curve is treating all, the line at 0 treating none; a setting is of use where it is above both",
    "curves have no intervals here; `redl tradeoff` computes them",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Curves:
    """Net benefits of a model over THRESHOLDS: of each setting, and of treating all."""

    settings: Mapping[str, list[float]]
    treat_all: list[float]
    unit: Unit


def decision(matrix: Matrix) -> Drawing | LeftOut:
    """Return the decision curves of a matrix, a panel for each model."""
    name = name_of("decision", matrix)
    models = {model: found for model, cells in matrix.models.items() if (found := _curves(cells))}
    if not models:
        return LeftOut(name=name, reason=matrix.unanswered or "no case has answers for its test images")
    cells = [
        c for model, found in models.items() for c in matrix.models[model] if c.setting in found.settings
    ]
    units = " and ".join(sorted({f"{found.unit}s" for found in models.values()}))
    return Drawing(
        name=name,
        title=titled("Decision curves", matrix),
        caption=caption(_WORDS, matrix, cells, f"what is treated are {units}"),
        figure=_figure(models),
    )


def _curves(cells: Cells) -> Curves | None:
    found: dict[str, Units] = {cell.setting: units_of(cell.arm) for cell in cells if cell.arm is not None}
    if not found:
        return None
    first = next(iter(found.values()))
    return Curves(
        settings={
            setting: [float(net_benefit(units, threshold).mean()) for threshold in THRESHOLDS]
            for setting, units in found.items()
        },
        treat_all=[treat_all(first, threshold) for threshold in THRESHOLDS],
        unit=first.unit,
    )


def _figure(models: Mapping[str, Curves]) -> Figure:
    shown = looks(list(dict.fromkeys(setting for found in models.values() for setting in found.settings)))
    page = sheet(len(models), columns=columns_for(len(models)), height=1.9, entries=handles(shown))
    for axes, (model, found) in zip(page.panels, models.items(), strict=True):
        axes.set_title(model)
        _draw(axes, found)
        for setting, benefit in found.settings.items():
            axes.plot(THRESHOLDS, benefit, **shown[setting].line(markevery=8, markersize=3.5, linewidth=0.9))
        axes.set_xlabel("threshold probability")
        axes.set_ylabel(f"net benefit per {found.unit}")
    return page.figure


def _draw(axes: Axes, found: Curves) -> None:
    axes.axhline(0, color=INK, linewidth=0.8, zorder=0)
    axes.plot(THRESHOLDS, found.treat_all, color=PALE, linewidth=1)
    best = max(found.treat_all[0], *(max(benefit) for benefit in found.settings.values()))
    # Treating all falls without end, and would press the rest together.
    axes.set_ylim(-0.35 * best, 1.08 * best) if best > 0 else axes.set_ylim(-1, 0.1)
    axes.set_xlim(0, 1)
