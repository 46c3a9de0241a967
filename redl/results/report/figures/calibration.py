"""Calibration curves: how often a probability came true, for each setting."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from redl.results.arms import Arm
from redl.results.report.figures.caption import caption, name_of, titled
from redl.results.report.figures.drawing import Drawing, LeftOut
from redl.results.report.figures.matrix import Cells, Matrix
from redl.results.report.figures.sheet import columns_for, sheet
from redl.results.report.figures.style import PALE, handles, looks
from redl.training.metrics import Floats

BINS = 10
_IMAGES_PER_BIN = 10  # at least; the share of fewer is mostly chance
_LEAST_BINS = 3
_WORDS = (
    "share of test images that are positive against the probability that the network gave them; on the "
    "diagonal it is calibrated, below it too sure of positives",
    f"images of all seeds together are sorted by probability into bins of equal size, {BINS} or as many as "
    f"leave {_IMAGES_PER_BIN} different images in each; answers that are not finite are left out",
)


def calibration(matrix: Matrix) -> Drawing | LeftOut:
    """Return the calibration curves of a matrix, a panel for each model."""
    name = name_of("calibration", matrix)
    curves = {model: found for model, cells in matrix.models.items() if (found := _curves(cells))}
    if not curves:
        few = f"fewer than {_LEAST_BINS * _IMAGES_PER_BIN} test images have an answer"
        return LeftOut(name=name, reason=matrix.unanswered or few)
    cells = [c for model, found in curves.items() for c in matrix.models[model] if c.setting in found]
    return Drawing(
        name=name,
        title=titled("Calibration", matrix),
        caption=caption(_WORDS, matrix, cells),
        figure=_figure(curves),
    )


def reliability(arm: Arm) -> tuple[Floats, Floats] | None:
    """Return the mean probability and the share of positives of each bin; None with too few images."""
    known = np.isfinite(arm.probabilities)
    probabilities, labels = arm.probabilities[known], np.broadcast_to(arm.labels, known.shape)[known]
    bins = min(BINS, int(known.any(axis=0).sum()) // _IMAGES_PER_BIN)
    if bins < _LEAST_BINS:
        return None
    # Equal probabilities share a bin, so that a constant answer makes one point.
    cuts = np.unique(np.quantile(probabilities, np.linspace(0, 1, bins + 1)[1:-1]))
    inside = np.searchsorted(cuts, probabilities, side="right")
    sizes = np.bincount(inside)
    filled = sizes > 0
    given, came_true = (np.bincount(inside, weights=each)[filled] for each in (probabilities, labels))
    return given / sizes[filled], came_true / sizes[filled]


def _curves(cells: Cells) -> dict[str, tuple[Floats, Floats]]:
    return {
        cell.setting: found
        for cell in cells
        if cell.arm is not None and (found := reliability(cell.arm)) is not None
    }


def _figure(curves: Mapping[str, Mapping[str, tuple[Floats, Floats]]]) -> Figure:
    shown = looks(list(dict.fromkeys(setting for found in curves.values() for setting in found)))
    page = sheet(len(curves), columns=columns_for(len(curves)), height=1.95, entries=handles(shown))
    for axes, (model, found) in zip(page.panels, curves.items(), strict=True):
        axes.set_title(model)
        axes.plot([0, 1], [0, 1], color=PALE, linewidth=0.8, zorder=0)
        for setting, (given, came_true) in found.items():
            axes.plot(given, came_true, **shown[setting].line(markersize=3.5, linewidth=0.9))
        axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))
        axes.set_xlabel("mean probability given")
        axes.set_ylabel("share of positives")
    return page.figure
