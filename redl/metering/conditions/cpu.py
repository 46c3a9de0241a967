"""The processors: who used their time, how hot they are and how fast they run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import psutil

# What the drivers of processors' own sensors are called; others, e.g. of disks, say nothing about them.
_CPU_SENSORS = (
    "coretemp",
    "k10temp",
    "zenpower",
    "cpu_thermal",
    "cpu-thermal",
    "x86_pkg_temp",
    "soc_thermal",
)
_BUSY = ("user", "nice", "system", "irq", "softirq")  # a guest's time is in the user's


@dataclass(frozen=True, kw_only=True, slots=True)
class CpuTimes:
    """Seconds that processors spent, together: all of them, busy, and withheld by a hypervisor."""

    total: float
    busy: float
    steal: float

    def __sub__(self, earlier: CpuTimes) -> CpuTimes:
        return CpuTimes(
            total=self.total - earlier.total,
            busy=self.busy - earlier.busy,
            steal=self.steal - earlier.steal,
        )

    def __add__(self, other: CpuTimes) -> CpuTimes:
        return CpuTimes(
            total=self.total + other.total, busy=self.busy + other.busy, steal=self.steal + other.steal
        )


NO_TIME = CpuTimes(total=0.0, busy=0.0, steal=0.0)


def own_processors() -> tuple[int, ...]:
    """Return the numbers of the processors that this process may use; a quota of their time says none."""
    try:
        return tuple(sorted(os.sched_getaffinity(0)))
    except AttributeError:  # macOS has no such call
        return tuple(range(os.cpu_count() or 1))


def node_processors() -> tuple[int, ...]:
    """Return the numbers of all processors of the node, whoever may use them."""
    return tuple(range(len(psutil.cpu_times(percpu=True))))


def cpu_times(processors: Sequence[int]) -> CpuTimes:
    """Return what the kernel counted for these processors since it started, in steps of 0.01 s.

    It counts the host's time, also inside of a container. Where processors are switched off, so that their
    numbers name no place in the list, all are counted.
    """
    every = psutil.cpu_times(percpu=True)
    chosen = [every[number] for number in processors] if max(processors) < len(every) else every
    busy = sum(getattr(one, name, 0.0) for one in chosen for name in _BUSY)
    steal = sum(getattr(one, "steal", 0.0) for one in chosen)
    idle = sum(one.idle + getattr(one, "iowait", 0.0) for one in chosen)
    return CpuTimes(total=busy + steal + idle, busy=busy, steal=steal)


def counts_steal() -> bool:
    """Return whether this system counts the time that a hypervisor withholds."""
    return hasattr(psutil.cpu_times(), "steal")


def load_average() -> float | None:
    """Return how many processes ran or wanted to, on average over the last minute; None where unknown."""
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):
        return None


def temperature_c() -> float | None:
    """Return the highest temperature of the processors; None without a sensor, as in virtual machines."""
    try:
        found = psutil.sensors_temperatures()
    except (AttributeError, OSError):  # only Linux and FreeBSD have it
        return None
    readings = [one.current for name in _CPU_SENSORS for one in found.get(name, ())]
    return max(readings, default=None)


def clock_mhz() -> float | None:
    """Return the processors' mean clock, in a virtual machine the nominal one; None where it is unknown."""
    try:
        clocks = [one.current for one in psutil.cpu_freq(percpu=True) or () if one.current > 0]
    except (AttributeError, OSError, NotImplementedError, RuntimeError):  # psutil's ways of having none
        return None
    return fmean(clocks) if clocks else None
