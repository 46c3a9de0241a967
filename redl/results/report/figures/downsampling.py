"""Downsampling curves: test accuracy by the scale of the images.

Figure 2C of Selvan, Schoen and Dam (2023).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from redl.results.report.figures.caption import caption, name_of, titled
from redl.results.report.figures.drawing import Drawing, LeftOut
from redl.results.report.figures.matrix import Cell, Cells, Matrix
from redl.results.report.figures.sheet import columns_for, sheet
from redl.results.report.figures.style import Look, handles, looks

_WORDS = (
    "test accuracy of networks that were trained and tested on images downsampled by S, i.e. squares of S x "
    "S pixels were averaged; S = 1 is full size",
    "line and band are mean and standard deviation over seeds; a single seed has no band",
)


def downsampling(matrix: Matrix) -> Drawing | LeftOut:
    """Return the downsampling curves of a matrix, a panel for each model that has any."""
    name = name_of("downsampling", matrix)
    curves = {model: found for model, cells in matrix.scaled.items() if (found := _curves(cells))}
    if not curves:
        return LeftOut(
            name=name, reason="no setting has accuracies at two scales; run benchmarks/test_downsampling.py"
        )
    drawn = [cell for found in curves.values() for curve in found.values() for cell in curve]
    return Drawing(
        name=name,
        title=titled("Downsampled images", matrix),
        caption=caption(_WORDS, matrix, drawn),
        figure=_figure(curves),
    )


def _curves(cells: Cells) -> dict[str, list[Cell]]:
    """Return the cells of each setting that finished at two scales or more, by rising scale."""
    curves: dict[str, list[Cell]] = {}
    for cell in sorted(cells, key=lambda cell: cell.downsample):
        if cell.aggregate.accuracy is not None:
            curves.setdefault(cell.setting, []).append(cell)
    return {setting: curve for setting, curve in curves.items() if len(curve) > 1}


def _figure(curves: Mapping[str, Mapping[str, Sequence[Cell]]]) -> Figure:
    shown = looks(list(dict.fromkeys(setting for found in curves.values() for setting in found)))
    page = sheet(len(curves), columns=columns_for(len(curves)), height=1.9, entries=handles(shown))
    for axes, (model, found) in zip(page.panels, curves.items(), strict=True):
        axes.set_title(model)
        for setting, curve in found.items():
            _draw(axes, curve, shown[setting])
        scales = sorted({cell.downsample for curve in found.values() for cell in curve})
        axes.set_xscale("log", base=2)
        axes.set_xticks(scales, [str(scale) for scale in scales], minor=False)
        axes.set_xlabel("downsampling factor S")
        axes.set_ylabel("test accuracy (P_T)")
    return page.figure


def _draw(axes: Axes, curve: Sequence[Cell], look: Look) -> None:
    scales = [cell.downsample for cell in curve]
    spreads = [spread for cell in curve if (spread := cell.aggregate.accuracy)]
    means, deviations = [spread.mean for spread in spreads], [spread.sd or 0.0 for spread in spreads]
    axes.plot(scales, means, **look.line())
    if any(deviations):
        low, high = (
            [mean + sign * sd for mean, sd in zip(means, deviations, strict=True)] for sign in (-1, 1)
        )
        axes.fill_between(scales, low, high, color=look.colour, alpha=0.15, linewidth=0)
