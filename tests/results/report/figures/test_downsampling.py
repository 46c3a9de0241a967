"""Downsampling curves show mean and standard deviation of accuracy at each scale."""

import pytest

from redl.results.report.figures.downsampling import downsampling
from redl.results.report.figures.drawing import LeftOut
from redl.results.report.figures.matrix import matrices
from tests.helpers.changes import replace
from tests.helpers.samples import WHOLE
from tests.helpers.saved import finished, run_of


def scaled(scale, seed, accuracy):
    case = replace(WHOLE.case, downsample=scale, seed=seed)
    return finished(accuracy=accuracy, case=case)


def drawn(*records):
    [matrix], _ = matrices([run_of(*records)])
    return downsampling(matrix)


def test_the_curve_is_the_mean_at_each_scale():
    found = drawn(scaled(4, 1, 0.6), scaled(1, 1, 0.8), scaled(1, 2, 0.9))
    assert [[1, pytest.approx(0.85)], [4, 0.6]] == found.figure.axes[0].lines[0].get_xydata().tolist()


def test_the_band_is_the_standard_deviation():
    found = drawn(*(scaled(scale, seed, 0.7 + seed / 10) for scale in (1, 2) for seed in (0, 1, 2)))
    heights = found.figure.axes[0].collections[0].get_paths()[0].vertices[:, 1]
    assert (pytest.approx(0.7), pytest.approx(0.9)) == (heights.min(), heights.max())


def test_one_seed_has_no_band():
    assert [] == list(drawn(scaled(1, 1, 0.8), scaled(2, 1, 0.7)).figure.axes[0].collections)


def test_one_scale_is_no_curve():
    assert isinstance(drawn(scaled(4, 1, 0.8)), LeftOut)
