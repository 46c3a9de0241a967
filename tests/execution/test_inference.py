"""Passes over images, with a fake clock."""

from contextlib import contextmanager

import pytest

from redl.execution.inference import repeat, time_latency
from redl.metering.stopwatch import Stopwatch


class Network:
    """A network whose passes take the seconds given, the last of them ever after."""

    def __init__(self, *seconds):
        self.time = 0.0
        self.seconds = list(seconds)
        self.passes = 0

    def __call__(self):
        self.passes += 1
        self.time += self.seconds.pop(0) if len(self.seconds) > 1 else self.seconds[0]
        return self.passes

    def stopwatch(self):
        return Stopwatch(now=lambda: self.time)


@contextmanager
def no_window():
    yield


@pytest.mark.parametrize(("at_least_s", "passes"), [(0.0, 1), (2.0, 1), (2.1, 2), (10.0, 5)])
def test_passes_are_repeated_until_they_took_long_enough(at_least_s, passes):
    network = Network(2.0)
    stopwatch = network.stopwatch()
    found = repeat(network, at_least_s=at_least_s, stopwatch=stopwatch, window=no_window)
    assert (passes, passes) == found
    assert 2.0 * passes == stopwatch.seconds


def test_all_passes_lie_in_one_window():
    network, edges = Network(1.0), []

    @contextmanager
    def window():
        edges.append(network.time)
        yield
        edges.append(network.time)

    repeat(network, at_least_s=3.0, stopwatch=network.stopwatch(), window=window)
    assert [0.0, 3.0] == edges


def test_latency_leaves_the_first_passes_out():
    latency = time_latency(network := Network(90.0, 90.0, 90.0, 1.0), passes=5, stopwatch=network.stopwatch)
    assert (5, 1.0, 1.0) == (latency.passes, latency.median_seconds, latency.p95_seconds)


def test_latency_tells_the_middle_and_the_slow_end():
    times = [float(second) for second in range(1, 22)]
    network = Network(0.0, 0.0, 0.0, *times)
    latency = time_latency(network, passes=21, stopwatch=network.stopwatch)
    assert (11.0, 20.0) == (latency.median_seconds, latency.p95_seconds)


def test_each_pass_is_waited_for():
    network, waited = Network(1.0), []

    def synchronized():
        return Stopwatch(now=lambda: network.time, synchronize=lambda: waited.append(network.passes))

    time_latency(network, passes=2, stopwatch=synchronized)
    assert [3, 4, 4, 5] == waited
