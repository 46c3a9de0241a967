"""Figures: drawn from arrays, without pyplot's global state, so that equal data draw equal files.

Black, white and greys, as the images themselves: what can be distinguished stays so on paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from redl.errors import OptionError

SAMPLES = 8  # of each class in Figure 1

_COLUMNS = 4
_DARK, _LIGHT, _INK = "0.25", "0.78", "0.15"
_STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so that it is the same everywhere
    "font.size": 8,
    "axes.linewidth": 0.6,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "pdf.fonttype": 42,  # journals refuse type 3
}

# All in inches, on a page that is two columns wide.
_WIDTH, _EDGE, _HEAD = 7.2, 0.08, 0.3
_NAME = 0.24  # of a class, beside its images
_IMAGE, _GAP, _BETWEEN = 0.8, 0.04, 0.14  # an image's side, the gaps to the next one and to the next class
_ROWS = SAMPLES // _COLUMNS
_BLOCK = _ROWS * _IMAGE + (_ROWS - 1) * _GAP
_HEIGHT = _HEAD + 2 * _BLOCK + _BETWEEN + _EDGE
_TICKS = (0.62, 0.36)  # beside and below the histogram
_HISTOGRAM = _EDGE + _NAME + _COLUMNS * _IMAGE + (_COLUMNS - 1) * _GAP + 0.22

# Without these a file records when, and by which version, it was made.
_NO_METADATA: dict[str, dict[str, None]] = {
    ".png": {"Software": None},
    ".pdf": {"Creator": None, "Producer": None, "CreationDate": None},
}


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Histogram:
    """Values to count in a histogram: `values` (M,), NaN left out, of class `labels` (M,), in bars one wide.

    `axis` names the values with their unit, `counted` what M are; `values` from `last` on share its bar.
    """

    values: NDArray[np.float64]
    labels: NDArray[np.uint8]
    axis: str
    counted: str
    last: int | None = None


def check_figure_path(path: Path) -> None:
    """Raise OptionError unless a figure can be saved under that name."""
    if path.suffix.lower() not in _NO_METADATA:
        raise OptionError(f"{path.name}: not a figure's name; end it in {' or '.join(_NO_METADATA)}")


def figure_1(
    images: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    histogram: Histogram,
    *,
    classes: tuple[str, str],
) -> Figure:
    """Draw Figure 1 of Selvan, Schoen and Dam (2023): sample images, and how a figure is distributed.

    `images` uint8 (n, H, W), the first SAMPLES of each class being shown; `labels` (n,); `classes` names
    class 0, then class 1.
    """
    with rc_context(_STYLE):
        figure = Figure(figsize=(_WIDTH, _HEIGHT), dpi=300)
        FigureCanvasAgg(figure)
        for label, top in ((1, _HEAD), (0, _HEAD + _BLOCK + _BETWEEN)):
            _write(
                figure, classes[label], _EDGE + 0.07, top + _BLOCK / 2, rotation=90, ha="center", va="center"
            )
            _draw_samples(figure, images[labels == label][:SAMPLES], top)
        left, height = _HISTOGRAM + _TICKS[0], _HEIGHT - _HEAD - _EDGE - _TICKS[1]
        _draw_histogram(_axes(figure, left, _HEAD, _WIDTH - _EDGE - left, height), histogram, classes)
        for letter, place in (("A", _EDGE + _NAME), ("B", _HISTOGRAM)):
            _write(figure, letter, place, _EDGE, ha="left", va="top", fontsize=10, fontweight="bold")
        return figure


def save_figure(figure: Figure, path: Path) -> None:
    """Save a figure as PNG or PDF, by the suffix; equal figures give equal bytes."""
    check_figure_path(path)
    suffix = path.suffix.lower()
    with rc_context(_STYLE):
        figure.savefig(path, format=suffix[1:], metadata=_NO_METADATA[suffix])


def _draw_samples(figure: Figure, images: NDArray[np.uint8], top: float) -> None:
    for place, image in enumerate(images):
        row, column = divmod(place, _COLUMNS)
        x, y = _EDGE + _NAME + column * (_IMAGE + _GAP), top + row * (_IMAGE + _GAP)
        axes = _axes(figure, x, y, _IMAGE, _IMAGE)
        axes.imshow(image, cmap="gray", vmin=0, vmax=255)
        axes.set_axis_off()


def _draw_histogram(axes: Axes, histogram: Histogram, classes: tuple[str, str]) -> None:
    known = ~np.isnan(histogram.values)
    values, labels = histogram.values[known].astype(int), histogram.labels[known]
    if histogram.last is not None:
        values = np.minimum(values, histogram.last)
    bars = np.arange(values.min(), values.max() + 1) if len(values) else np.arange(1)
    positive, negative = (
        np.array([np.count_nonzero(values[labels == label] == bar) for bar in bars]) for label in (1, 0)
    )
    axes.bar(bars, positive, width=0.86, color=_DARK, label=classes[1])
    axes.bar(bars, negative, width=0.86, bottom=positive, color=_LIGHT, label=classes[0])
    axes.set_xlabel(histogram.axis)
    axes.set_ylabel(f"number of {histogram.counted}")
    axes.set_xlim(bars[0] - 0.8, bars[-1] + 0.8)
    if len(bars) <= 6:
        more = "" if histogram.last is None else "+"
        axes.set_xticks(bars, [f"{bar}{more if bar == histogram.last else ''}" for bar in bars])
    axes.set_ylim(0, max(1, int((positive + negative).max())) * 1.22)
    axes.spines[["top", "right"]].set_visible(False)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10], integer=True))
    handles, names = axes.get_legend_handles_labels()
    axes.legend(handles[::-1], names[::-1], frameon=False, loc="upper left", handlelength=1, handleheight=1)


def _axes(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Add axes whose place is given in inches from the upper left corner."""
    bottom = _HEIGHT - top - height
    return figure.add_axes((left / _WIDTH, bottom / _HEIGHT, width / _WIDTH, height / _HEIGHT))


def _write(figure: Figure, words: str, x: float, y: float, **style: Any) -> None:  # noqa: ANN401 - matplotlib's own
    figure.text(x / _WIDTH, 1 - y / _HEIGHT, words, **style)
