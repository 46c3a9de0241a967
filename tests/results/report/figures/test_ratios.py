"""Ratios and differences are to the baseline of the same seeds."""

import pytest

from redl.results.report.figures.drawing import LeftOut
from redl.results.report.figures.matrix import matrices
from redl.results.report.figures.ratios import ratios
from tests.helpers.samples import ELSEWHERE
from tests.helpers.saved import finished, run_of
from tests.results.report.figures.made import made


def values(axes):
    """Return what the points of each series of a panel show."""
    return [container.lines[0].get_xdata().tolist() for container in axes.containers]


@pytest.fixture(scope="module")
def halved():
    amp = {"memory": 200_000_000, "seconds": 5.0, "wh": 1.0, "lost": 3}
    return ratios(made(baseline={}, amp=amp))


def test_memory_time_and_energy_are_ratios_to_the_baseline(halved):
    expected = [[pytest.approx(share)] for share in (0.5, 0.5, 0.25)]
    assert expected == values(halved.figure.axes[0])


def test_the_difference_of_accuracy_is_in_percentage_points(halved):
    assert [[pytest.approx(-5)]] == values(halved.figure.axes[1])


def test_the_baseline_is_a_line_at_1_and_at_0(halved):
    lines = [axes.lines[0].get_xdata() for axes in halved.figure.axes]
    assert [[1, 1], [0, 0]] == [list(line) for line in lines]


def test_the_band_is_the_tolerance(halved):
    [band] = halved.figure.axes[1].patches
    assert (-10, 10) == (band.get_x(), band.get_width())


def test_settings_are_named_from_the_top(halved):
    axes = halved.figure.axes[0]
    assert ["amp"] == [tick.get_text() for tick in axes.get_yticklabels()]
    assert axes.yaxis_inverted()


def test_measured_energy_is_not_compared_with_estimated():
    found = ratios(made(baseline={}, amp={"kind": "estimated"}))
    assert 2 == len(found.figure.axes[0].containers)


def test_a_setting_and_its_baseline_on_two_machines_are_not_compared():
    found = ratios(made(baseline={}, amp={"environment": ELSEWHERE}))
    assert found.reason == (
        "no setting shares a finished seed with its baseline; "
        "densenet ran under more than one fingerprint, across which no resources are compared"
    )


def test_only_seeds_that_ran_on_one_machine_are_compared():
    there = {"environment": ELSEWHERE}
    records = [finished(seed=1), finished(seed=2), finished(seed=3, **there)]
    records += [finished("amp", seed=1, peak=256_000_000), finished("amp", seed=2, peak=1, **there)]
    [matrix], _ = matrices([run_of(*records)])
    assert [[pytest.approx(0.5)], [pytest.approx(1.0)]] == values(ratios(matrix).figure.axes[0])


def test_an_unknown_difference_is_said_not_drawn_at_0():
    [matrix], _ = matrices([run_of(finished(), finished("amp"))])
    axes = ratios(matrix).figure.axes[1]
    assert ([[]], [" not known"]) == (values(axes), [text.get_text() for text in axes.texts])


def test_no_shared_seed_is_nothing_to_compare():
    [matrix], _ = matrices([run_of(finished(seed=1), finished("amp", seed=2))])
    assert isinstance(ratios(matrix), LeftOut)


def test_a_large_ratio_lies_within_the_panel():
    axes = ratios(made(baseline={}, amp={"seconds": 600.0})).figure.axes[0]
    assert 60 < axes.get_xlim()[1]
