"""The processors' time from a kernel's file, and sensors that are there or not."""

import os
from types import SimpleNamespace

import psutil
import pytest

from redl.metering.conditions import cpu

# proc_stat(5): user nice system idle iowait irq softirq steal guest guest_nice, in hundredths of a second.
STAT = """cpu  0 0 0 0 0 0 0 0 0 0
cpu0 100 200 300 4000 500 60 70 80 90 10
cpu1 1000 0 0 1000 0 0 0 0 0 0
cpu2 7 7 7 7 7 7 7 7 7 7
"""


@pytest.fixture
def stat(monkeypatch, tmp_path):
    """Put a file in place of the kernel's."""
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path), raising=False)
    return tmp_path / "stat"


def times(*processors):
    found = cpu.cpu_times(processors)
    return tuple(pytest.approx(seconds) for seconds in (found.total, found.busy, found.steal))


def test_a_guests_time_is_counted_once_and_waiting_is_not_busy(stat):
    stat.write_text(STAT)
    assert (53.1, 7.3, 0.8) == times(0)


def test_only_the_own_processors_count(stat):
    stat.write_text(STAT)
    assert (73.1, 17.3, 0.8) == times(0, 1)


def test_where_numbers_name_no_place_all_processors_count(stat):
    stat.write_text(STAT.replace("cpu2", "cpu5"))
    assert times(0, 1, 2) == times(0, 5)


def test_the_nodes_processors_are_all_that_the_kernel_lists(stat):
    stat.write_text(STAT)
    assert (0, 1, 2) == cpu.node_processors()


def test_the_own_processors_are_those_of_the_affinity():
    assert sorted(os.sched_getaffinity(0)) == list(cpu.own_processors())


def test_a_system_without_affinity_may_use_all(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity")
    assert os.cpu_count() == len(cpu.own_processors())


def test_the_load_average_is_the_kernels():
    assert cpu.load_average() == pytest.approx(os.getloadavg()[0], abs=0.5)


def test_a_system_without_a_load_average_gives_none(monkeypatch):
    monkeypatch.delattr(os, "getloadavg")
    assert cpu.load_average() is None


def sensors(**celsius):
    return {name: [SimpleNamespace(current=one) for one in readings] for name, readings in celsius.items()}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (sensors(coretemp=[61.0, 65.0, 58.0], nvme=[80.0]), 65.0),
        (sensors(k10temp=[70.5]), 70.5),
        (sensors(cpu_thermal=[44.0]), 44.0),
        (sensors(nvme=[80.0]), None),
        ({}, None),
    ],
)
def test_the_hottest_sensor_of_a_processor_counts(monkeypatch, found, expected):
    monkeypatch.setattr(psutil, "sensors_temperatures", lambda: found)
    assert expected == cpu.temperature_c()


@pytest.mark.parametrize(("clocks", "expected"), [([2000.0, 3000.0], 2500.0), ([0.0], None), ([], None)])
def test_the_mean_clock_counts(monkeypatch, clocks, expected):
    found = [SimpleNamespace(current=one) for one in clocks]
    monkeypatch.setattr(psutil, "cpu_freq", lambda percpu: found)
    assert expected == cpu.clock_mhz()


def test_systems_that_have_neither_give_none(monkeypatch):
    monkeypatch.delattr(psutil, "sensors_temperatures", raising=False)
    monkeypatch.delattr(psutil, "cpu_freq", raising=False)
    assert (None, None) == (cpu.temperature_c(), cpu.clock_mhz())
