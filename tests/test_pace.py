"""A step says how far it has come often enough for a log, and how long the rest may take."""

import pytest

from redl.pace import Pace
from tests.helpers.sensors import FakeClock


@pytest.fixture
def clock():
    return FakeClock()


def lines(clock, steps, *, total, every_s=10.0):
    """Return what is said at each of (seconds since the last, done)."""
    pace = Pace(every_s=every_s, clock=clock)
    said = []
    for seconds, done in steps:
        clock.advance(seconds)
        said.append(pace.line(done, total))
    return said


def test_a_line_is_due_every_10_seconds(clock):
    said = lines(clock, [(1, done) for done in range(1, 35)], total=1000)
    assert [10, 20, 30] == [number for number, line in enumerate(said, 1) if line]


def test_the_end_is_always_due(clock):
    assert [None, "2/2"] == lines(clock, [(0.1, 1), (0.1, 2)], total=2)


def test_a_first_call_that_comes_late_is_due(clock):
    assert ["1/3"] == lines(clock, [(25, 1)], total=3)


def test_the_time_left_follows_from_the_pace_since_the_first_call(clock):
    assert [None, "60/100, 20 s left"] == lines(clock, [(0, 40), (10, 60)], total=100)


def test_what_was_done_before_tells_nothing_of_the_pace(clock):
    assert [None, "90/100"] == lines(clock, [(0, 90), (10, 90)], total=100)


@pytest.mark.parametrize(("total", "left"), [(8, "70 s"), (102, "17 min"), (6001, "16.7 h")])
def test_the_time_left_is_in_a_unit_to_be_read(clock, total, left):
    assert [None, f"1/{total}, {left} left"] == lines(clock, [(0, 0), (10, 1)], total=total)
