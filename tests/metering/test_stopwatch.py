"""The stopwatch, with a fake clock and a fake device."""

import pytest

from redl.metering.stopwatch import Stopwatch


class Machine:
    """A clock, and a device whose queued work takes time only when it is waited for."""

    def __init__(self):
        self.time = 0.0
        self.queued = 0.0

    def now(self):
        return self.time

    def synchronize(self):
        self.time += self.queued
        self.queued = 0.0


@pytest.fixture
def machine():
    return Machine()


@pytest.fixture
def stopwatch(machine):
    return Stopwatch(now=machine.now, synchronize=machine.synchronize)


def test_time_between_windows_is_not_counted(machine, stopwatch):
    for _ in range(3):
        with stopwatch:
            machine.time += 2.0
        machine.time += 100.0
    assert 6.0 == stopwatch.seconds


def test_work_queued_inside_a_window_is_waited_for(machine, stopwatch):
    with stopwatch:
        machine.queued += 5.0
    assert 5.0 == stopwatch.seconds


def test_work_queued_before_a_window_is_not_counted(machine, stopwatch):
    machine.queued += 5.0
    with stopwatch:
        machine.time += 1.0
    assert 1.0 == stopwatch.seconds


def test_a_block_that_raises_is_counted_to_its_end(machine, stopwatch):
    def fail():
        machine.time += 3.0
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), stopwatch:
        fail()
    assert 3.0 == stopwatch.seconds


def test_a_device_that_fails_at_the_end_leaves_the_stopwatch_usable(machine):
    def fail():
        if machine.time:
            machine.time += 1.0
            raise RuntimeError

    stopwatch = Stopwatch(now=machine.now, synchronize=fail)
    with pytest.raises(RuntimeError), stopwatch:
        machine.time += 1.0
    assert 2.0 == stopwatch.seconds
    machine.time = 0.0
    with stopwatch:
        pass


def test_entering_twice_at_once_is_an_error(stopwatch):
    with stopwatch, pytest.raises(AssertionError, match="twice at once"), stopwatch:
        pass


def test_a_stopwatch_that_never_ran_shows_zero(stopwatch):
    assert 0.0 == stopwatch.seconds
