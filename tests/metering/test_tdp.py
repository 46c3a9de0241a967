"""The estimate from a processor's rated power, for a process with a fake CPU time."""

import os
import subprocess
import sys

import pytest

from redl.metering.tdp import LoadMeter, Tdp
from redl.record import EnergyKind

TDP = Tdp(watts=100.0, source="set by the user")


class Process:
    """A process that has used so many CPU-seconds."""

    def __init__(self):
        self.used = 0.0

    def cpu_seconds(self):
        return self.used


@pytest.fixture
def process():
    return Process()


@pytest.fixture
def meter(process):
    return LoadMeter(cpu_seconds=process.cpu_seconds, cores=4)


def test_all_cores_busy_draw_the_rated_power(process, meter):
    with meter.window():
        process.used += 4 * 3600  # an hour of all four
    figure = meter.estimate(TDP)
    assert (pytest.approx(100.0), EnergyKind.ESTIMATED, "tdp_model") == (
        figure.energy_wh,
        figure.kind,
        figure.sensor,
    )


def test_one_busy_core_of_four_draws_a_quarter(process, meter):
    with meter.window():
        process.used += 3600
    assert pytest.approx(25.0) == meter.estimate(TDP).energy_wh


def test_time_between_the_windows_does_not_count(process, meter):
    for _ in range(2):
        with meter.window():
            process.used += 1800
        process.used += 9999
    assert pytest.approx(25.0) == meter.estimate(TDP).energy_wh


def test_work_that_raises_is_counted(process, meter):
    def fail():
        process.used += 3600
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), meter.window():
        fail()
    assert pytest.approx(25.0) == meter.estimate(TDP).energy_wh


def test_the_estimate_shows_its_arithmetic_and_who_gave_the_watts(process, meter):
    with meter.window():
        process.used += 7.2
    (warning,) = meter.estimate(TDP).warnings
    assert "an estimate: 100 W (set by the user) x 7.2 CPU-seconds / 4 logical cores" == warning


def test_no_cpu_time_is_no_energy_rather_than_zero(meter):
    with meter.window():
        pass
    figure = meter.estimate(TDP)
    assert (None, EnergyKind.UNAVAILABLE) == (figure.energy_wh, figure.kind)
    assert "tdp_model: no CPU time was used" == figure.reason


def test_the_own_threads_of_the_process_count():
    meter = LoadMeter()
    with meter.window():
        sum(range(10**6))
    assert meter.estimate(TDP).energy_wh > 0


def test_a_child_of_the_process_counts():
    meter = LoadMeter()
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    with meter.window():
        subprocess.run([sys.executable, "-S", "-c", burn], check=True)
    assert pytest.approx(0.3, abs=0.15) == meter.estimate(TDP).energy_wh * 3600 / 100.0 * os.cpu_count()
