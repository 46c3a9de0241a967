"""Performance against resources: points, intervals, the tolerance and the Pareto step."""

import math

import numpy as np
import pytest

from redl.results.report.figures.drawing import LeftOut
from redl.results.report.figures.matrix import matrices
from redl.results.report.figures.resources import resources, tolerance_of
from tests.helpers.changes import replace
from tests.helpers.samples import ELSEWHERE, WHOLE
from tests.helpers.saved import finished, run_of
from tests.results.report.figures.replayed import replayed


def matrix_of(*records):
    [matrix], _ = matrices([run_of(*records)])
    return matrix


def panel(*records):
    """Return the panel of memory."""
    return resources(matrix_of(*records)).figure.axes[0]


def points(axes):
    return [container.lines[0].get_xydata().tolist()[0] for container in axes.containers]


def step(axes):
    [found] = [line for line in axes.lines if line.get_drawstyle() == "steps-post"]
    return found.get_xydata().tolist()


def test_a_point_is_a_setting_in_the_unit_of_the_axis():
    axes = panel(finished(), finished("amp", peak=300_000_000, accuracy=0.8))
    assert ("peak memory (MB)", [[512, 0.9], [300, 0.8]]) == (axes.get_xlabel(), points(axes))


def test_settings_on_two_machines_are_not_drawn_and_it_is_said_why():
    found = resources(matrix_of(finished(), finished("amp", environment=ELSEWHERE)))
    assert isinstance(found, LeftOut)
    assert "densenet ran under more than one fingerprint, across which no resources are" in found.reason


def test_the_step_leaves_out_a_setting_that_another_beats_in_both():
    axes = panel(finished(), finished("amp", peak=300_000_000, accuracy=0.8), finished("8bit", accuracy=0.7))
    assert [[300, 0.8], [512, 0.9], [512, 0.9]] == step(axes)


def test_the_band_reaches_from_the_baseline_down_by_the_tolerance():
    [band] = panel(finished(accuracy=0.9)).patches
    assert (pytest.approx(0.8), pytest.approx(0.9)) == (band.get_y(), band.get_y() + band.get_height())


def test_a_run_with_a_tolerance_of_its_own_is_judged_by_it():
    own = finished(recipe=replace(WHOLE.recipe, overrides={"tolerance": 0.03}))
    assert 0.03 == tolerance_of(list(matrix_of(own).cells))


def test_a_profile_without_tolerance_has_no_band():
    tiny = finished(case=replace(WHOLE.case, profile="tiny"))
    assert [] == list(panel(tiny).patches)


def test_a_resource_that_nobody_measured_has_no_panel_and_is_named():
    found = resources(matrix_of(finished()))
    assert ["peak memory (MB)", "training time (s)"] == [axes.get_xlabel() for axes in found.figure.axes]
    assert "Energy of training is not known." in found.caption


def reach(matrix):
    """Return how far the baseline's bars of time and of accuracy reach, NaN for none."""
    bars = resources(matrix).figure.axes[1].containers[0].lines[2]
    ends = [bar.get_segments()[0] for bar in bars]
    return [float(np.ptp(each, axis=0).max()) if len(each) else math.nan for each in ends]


def test_one_seed_has_no_interval():
    [matrix], _ = matrices([replayed(seeds=1, models=("mlp",), datasets=("rsna",))])
    assert all(map(math.isnan, reach(matrix)))


def test_three_seeds_have_intervals_of_both():
    [matrix], _ = matrices([replayed(seeds=3, models=("mlp",), datasets=("rsna",))])
    assert [True, True] == [length > 0 for length in reach(matrix)]


def test_panels_of_one_model_share_the_scale_of_accuracy():
    unmeasured = replace(WHOLE.memory, train_peak_bytes=None)
    other = finished("amp", accuracy=0.5, memory=unmeasured)  # only in the panel of time
    memory, time = resources(matrix_of(finished(), other)).figure.axes
    assert memory.get_ylim() == time.get_ylim()
