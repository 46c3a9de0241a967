"""Sheets: a figure of equal panels at fixed places, in inches, with one legend below them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from redl.training.metrics import Floats

ONE_COLUMN, TWO_COLUMNS = 3.5, 7.2  # widths in inches of a page's column and of two

_TOP, _RIGHT, _LINE = 0.28, 0.1, 0.17
_LETTERS_PER_INCH = 17  # of a legend's text
_HANDLE = 0.58  # inches of a legend's line and the space around it


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheet:
    """A figure and its panels, row by row."""

    figure: Figure
    panels: tuple[Axes, ...]


def sheet(
    count: int,
    *,
    columns: int,
    height: float,
    entries: Sequence[Line2D] = (),
    left: float = 0.55,
    between: float = 0.55,
    below: float = 0.42,
) -> Sheet:
    """Return `count` panels in rows of `columns`, each `height` high, with a legend of `entries` below.

    `left` is the room for tick labels beside each row, `between` that between columns, `below` that under
    each panel; all are inches.
    """
    width = ONE_COLUMN if columns == 1 else TWO_COLUMNS
    rows, wide = math.ceil(count / columns), (width - left - _RIGHT - (columns - 1) * between) / columns
    per_line = _per_line(entries, width)
    legend = _LINE * math.ceil(len(entries) / per_line) + 0.08 if entries else 0.0
    step = _TOP + height + below
    figure = Figure(figsize=(width, rows * step + legend))
    FigureCanvasAgg(figure)
    total = rows * step + legend
    panels = []
    for place in range(count):
        row, column = divmod(place, columns)
        x, y = left + column * (wide + between), total - row * step - _TOP - height
        panels.append(figure.add_axes((x / width, y / total, wide / width, height / total)))
    if entries:
        figure.legend(
            handles=list(entries),
            loc="lower center",
            bbox_to_anchor=(0.5, 0.02 / total),
            ncols=per_line,
            handlelength=2.6,
            columnspacing=1.3,
            borderaxespad=0.0,
        )
    return Sheet(figure=figure, panels=tuple(panels))


def columns_for(count: int) -> int:
    """Return how many panels a row holds."""
    return min(count, 3)


def _per_line(entries: Sequence[Line2D], width: float) -> int:
    """Return how many entries stand beside each other: as many as fit, spread evenly over the lines."""
    wide = sorted(
        (_HANDLE + len(str(entry.get_label())) / _LETTERS_PER_INCH for entry in entries), reverse=True
    )
    fitting = max((count for count in range(1, len(wide) + 1) if sum(wide[:count]) <= width), default=1)
    lines = math.ceil(len(wide) / fitting)
    return math.ceil(len(wide) / lines) if lines else 1


def bars(found: Sequence[tuple[float, float | None, float | None]], divisor: float = 1.0) -> Floats:
    """Return how far intervals reach below and above their values, (2, N), NaN for a bound that is None.

    Each is given as a value, its lower and its upper bound.
    """
    values, low, high = np.array(found, dtype=np.float64).reshape(len(found), 3).T
    return np.asarray(np.maximum([values - low, high - values], 0) / divisor)


def plain_ticks(axis: Axis, *, divisor: float = 1.0) -> None:
    """Write figures on a logarithmic axis as they are, because powers of ten need mathematical text."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=9))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / divisor:g}"))
    axis.set_minor_formatter(NullFormatter())
