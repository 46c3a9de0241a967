"""A radar shows each figure as its share of the largest, which it names."""

import pytest

from redl.results.printed import printed_rows
from redl.results.report.figures.drawing import LeftOut
from redl.results.report.figures.matrix import matrices
from redl.results.report.figures.radar import printed_radars, radar
from tests.helpers.changes import replace
from tests.helpers.samples import ELSEWHERE, WHOLE, broken, component, energy
from tests.helpers.saved import finished, run_of


def radar_of(*records):
    [matrix], _ = matrices([run_of(*records)])
    return radar(matrix)


def spent(wh):
    return energy(component("gpu", wh, "measured", "nvml"), energy_wh=wh)


def line_of(axes, number):
    """Return the corners of one setting's web, without the rings and axes that are drawn before."""
    webs = [line for line in axes.lines if line.get_marker() != "None"]
    return [
        (pytest.approx(x, abs=1e-9), pytest.approx(y, abs=1e-9)) for x, y in webs[number].get_xydata()[:-1]
    ]


@pytest.fixture(scope="module")
def pair():
    light = finished("amp", accuracy=0.45, peak=128_000_000, energy=spent(1.0))
    return radar_of(finished(accuracy=0.9, energy=spent(4.0)), light)


def test_settings_on_two_machines_have_no_radar_and_it_is_said_why():
    found = radar_of(finished(energy=spent(4.0)), finished("amp", energy=spent(1.0), environment=ELSEWHERE))
    assert isinstance(found, LeftOut)
    assert "densenet ran under more than one fingerprint, across which no resources are" in found.reason


def test_the_largest_of_each_axis_lies_on_the_rim(pair):
    assert [(0, 1), (1, 0), (0, -1), (-1, 0)] == line_of(pair.figure.axes[0], 0)


def test_a_smaller_figure_lies_at_its_share_of_the_largest(pair):
    assert [(0, 0.5), (0.25, 0), (0, -0.25), (-1, 0)] == line_of(pair.figure.axes[0], 1)


def test_each_axis_names_its_largest_figure_with_the_unit(pair):
    expected = ["P_T\n0.900", "energy\n4 Wh", "memory\n512 MB", "inference\n1.5 s"]
    assert expected == [text.get_text() for text in pair.figure.axes[0].texts]


def test_the_caption_says_whether_energy_was_measured(pair):
    assert "Energy of training is measured." in pair.caption


def test_an_axis_that_one_setting_lacks_is_left_out_and_named():
    found = radar_of(finished(energy=spent(4.0)), finished("amp"))
    assert 3 == len(found.figure.axes[0].texts)
    assert "Densenet has no energy for all settings." in found.caption


def test_a_setting_that_did_not_finish_is_not_drawn_at_0():
    found = radar_of(finished(), broken("amp"))
    assert 1 == len([line for line in found.figure.axes[0].lines if line.get_marker() != "None"])


def test_two_axes_are_no_radar():
    unmeasured = replace(WHOLE.memory, train_peak_bytes=None)
    assert isinstance(radar_of(finished(memory=unmeasured)), LeftOut)


def test_the_printed_radar_shows_the_printed_figures():
    first = printed_radars(printed_rows())[0].figure.axes[0]
    expected = ["P_T\n0.745", "energy\n104 Wh", "memory\n6.6 GB", "inference\n2.7 s"]
    assert expected == [text.get_text() for text in first.texts]


def test_the_printed_radar_names_the_cells_in_doubt():
    drawings = printed_radars(printed_rows())
    assert "in doubt: efficientnet amp+8bit, efficientnet half+8bit" in drawings[2].caption
