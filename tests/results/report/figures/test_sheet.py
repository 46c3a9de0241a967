"""Panels stay on the page and apart from each other."""

import math

import pytest
from matplotlib.lines import Line2D

from redl.results.report.figures.sheet import bars, sheet
from redl.results.report.figures.style import styled

NAMES = [
    f"{kind}-{data}-smoke"
    for data in ("rsna", "lidc")
    for kind in ("ratios", "resources", "radar", "downsampling", "learning", "calibration", "decision")
]


@pytest.mark.parametrize("name", [*NAMES, "acceptability-rsna-smoke", "memory-rsna-smoke", "pepr-rsna-smoke"])
def test_everything_lies_on_the_page(whole, name):
    figure = whole[name].figure
    with styled():
        box = figure.get_tightbbox()
    width, height = figure.get_size_inches()
    assert (0, 0) <= (box.x0, box.y0)
    assert box.x1 <= width
    assert 0 <= box.y0
    assert box.y1 <= height


@pytest.mark.parametrize("count", [1, 2, 5, 6])
def test_panels_do_not_overlap(count):
    boxes = [axes.get_position() for axes in sheet(count, columns=min(count, 3), height=1).panels]
    assert not any(one.overlaps(other) for one in boxes for other in boxes if one is not other)


def test_a_legend_spreads_evenly_over_its_lines():
    entries = [Line2D([], [], label="a long name of a setting") for _ in range(4)]
    [legend] = sheet(2, columns=2, height=1, entries=entries).figure.legends
    assert 2 == legend._ncols


def test_bars_reach_from_the_value_to_its_bounds():
    assert [[1, 2], [3, 4]] == bars([(5, 4, 8), (7, 5, 11)]).tolist()


def test_an_unknown_bound_has_no_bar():
    assert all(map(math.isnan, bars([(5, None, None)]).ravel()))
