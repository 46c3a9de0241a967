"""From power samples to energy: which sample counts, for which window, and for how long."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redl.metering import energy
from redl.metering.energy import Brevity, Draw, PowerSample, Window, integrate


def window(start, end):
    return Window(start=float(start), end=float(end))


def sample(at, watts):
    return PowerSample(at=float(at), watts=float(watts))


def test_energy_is_the_sum_over_the_windows():
    draw = integrate([window(0, 2), window(5, 6)], [sample(0.5, 100), sample(1.5, 300), sample(5.5, 50)])
    assert Draw(energy_wh=pytest.approx((100 + 300 + 50) / 3600), n_samples=3, coverage=1.0) == draw


def test_a_sample_stands_for_the_time_that_is_nearest_to_it():
    draw = integrate([window(0, 10)], [sample(1, 100), sample(3, 300)])  # the border is at 2
    assert pytest.approx((2 * 100 + 8 * 300) / 3600) == draw.energy_wh


@given(
    phase=st.floats(0, 1),
    period=st.floats(4, 60),
    seconds=st.floats(10, 120),
    late=st.lists(st.floats(0, 0.05), min_size=1, max_size=7),
)
def test_power_sampled_every_tenth_of_a_second_is_within_2_percent_at_any_phase(phase, period, seconds, late):
    def watts(at):
        return 300 + 250 * math.sin(2 * math.pi * at / period)

    times = [(step + phase) * 0.1 + late[step % len(late)] for step in range(int(seconds * 10))]
    draw = integrate([window(0, seconds)], [sample(at, watts(at)) for at in times])
    known = 300 * seconds + 250 * period / (2 * math.pi) * (1 - math.cos(2 * math.pi * seconds / period))
    assert pytest.approx(known / 3600, rel=0.02) == draw.energy_wh


def test_a_sample_between_windows_does_not_count():
    draw = integrate([window(0, 1), window(5, 6)], [sample(0.5, 100), sample(3, 9999), sample(5.5, 100)])
    assert (pytest.approx(200 / 3600), 2) == (draw.energy_wh, draw.n_samples)


def test_a_window_without_a_sample_takes_the_overall_mean_and_is_not_covered():
    draw = integrate([window(0, 3), window(5, 6)], [sample(1, 100), sample(2, 300)])
    assert (pytest.approx(800 / 3600), 0.75) == (draw.energy_wh, draw.coverage)


@pytest.mark.parametrize("samples", [[], [sample(7, 100)]])
def test_no_sample_in_any_window_gives_none(samples):
    assert integrate([window(0, 1)], samples).energy_wh is None


@given(
    edges=st.lists(st.integers(0, 200), unique=True, max_size=16).map(sorted),
    samples=st.lists(st.tuples(st.integers(0, 200), st.integers(1, 500))).map(sorted),
)
def test_every_sample_is_given_to_the_window_it_lies_in(edges, samples):
    windows = [window(start, end) for start, end in zip(edges[::2], edges[1::2], strict=False)]
    # The middle of a reading never lies on an edge: a half keeps it off.
    given_to = energy._samples_by_window(windows, [sample(at + 0.5, watts) for at, watts in samples])
    found = [[one.watts for one in some] for some in given_to]
    expected = [[w for at, w in samples if one.start <= at + 0.5 <= one.end] for one in windows]
    assert expected == found


# Windows that are too short, each by itself.


lengths = st.lists(st.floats(0, 5), max_size=8)


@given(lengths=lengths, least_s=st.floats(0.01, 3))
def test_the_short_windows_and_their_share_are_counted(lengths, least_s):
    windows = [window(10.0 * place, 10.0 * place + length) for place, length in enumerate(lengths)]
    lengths = [one.seconds for one in windows]  # as rounded
    short = [length for length in lengths if length < least_s]
    found = Brevity.of(windows, least_s)
    assert (len(lengths), len(short)) == (found.windows, found.short)
    assert pytest.approx(sum(short)) == found.share * sum(lengths)


def test_many_short_windows_are_no_long_one():
    found = Brevity.of([window(start, start + 0.5) for start in range(100)], 1.0)
    warning = "sensor: 100 of 100 windows, 100% of the time, are shorter than 1 s; it is slow"
    assert (warning,) == found.warnings("sensor", "it is slow")


def test_windows_that_are_long_enough_are_not_warned_of():
    assert () == Brevity.of([window(0, 1), window(2, 9)], 1.0).warnings("sensor", "it is slow")
