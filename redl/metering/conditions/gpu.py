"""The state of a GPU at one moment: temperature, clock, power limit, slowdowns, other processes."""

from __future__ import annotations

from collections.abc import Callable, Set
from contextlib import ExitStack
from pathlib import Path
from statistics import fmean
from typing import Any, TypeVar

import pynvml

from redl.metering.energy import SensorError
from redl.metering.gpus import Gpu, nvml, nvml_faults, open_handle
from redl.record import GpuConditions

T = TypeVar("T")

# The link of the first namespace of process numbers, which the driver's are of (PROC_PID_INIT_INO in Linux).
_NAMESPACE = Path("/proc/self/ns/pid")
_FIRST_NAMESPACE = "pid:[4026531836]"

# Not the reason that the GPU is idle, which it is by the time a window has ended.
_THROTTLE_REASONS = {
    pynvml.nvmlClocksThrottleReasonApplicationsClocksSetting: "applications_clocks_setting",
    pynvml.nvmlClocksThrottleReasonSwPowerCap: "sw_power_cap",
    pynvml.nvmlClocksThrottleReasonHwSlowdown: "hw_slowdown",
    pynvml.nvmlClocksThrottleReasonSyncBoost: "sync_boost",
    pynvml.nvmlClocksThrottleReasonSwThermalSlowdown: "sw_thermal_slowdown",
    pynvml.nvmlClocksThrottleReasonHwThermalSlowdown: "hw_thermal_slowdown",
    pynvml.nvmlClocksThrottleReasonHwPowerBrakeSlowdown: "hw_power_brake_slowdown",
    pynvml.nvmlClocksThrottleReasonDisplayClockSetting: "display_clock_setting",
}


class GpuWatch:
    """A watch over one GPU; `family` returns the numbers of this process and its descendants.

    Nothing that NVML cannot read is an error: the figure is None, and `reasons` say why.
    """

    def __init__(self, gpu: Gpu, family: Callable[[], Set[int]]) -> None:
        self._gpu = gpu
        self._family = family
        self._handle: Any = None
        self._held = ExitStack()
        self._start_c: float | None = None
        self._temperatures: list[float] = []
        self._clocks: list[float] = []
        self._limit_w: float | None = None
        self._throttles: set[str] | None = None
        self._others: int | None = None
        self.reasons: dict[str, None] = {}  # a dictionary keeps their order and each of them once
        self._open()

    def begin(self) -> None:
        """Read what matters before the phase: how hot the GPU is, and who else is there."""
        self._start_c = self._read("temperature_start_c", self._temperature)
        self._count_others()

    def look(self) -> None:
        """Read everything; a window has just ended."""
        for name, read, readings in (
            ("temperature_c", self._temperature, self._temperatures),
            ("sm_clock_mhz", self._clock, self._clocks),
        ):
            if (found := self._read(name, read)) is not None:
                readings.append(found)
        limit = self._read("power_limit_w", lambda: pynvml.nvmlDeviceGetEnforcedPowerLimit(self._handle))
        self._limit_w = self._limit_w if limit is None else limit / 1000
        seen = self._read("throttle_reasons", self._throttle_reasons)
        if seen is not None:
            self._throttles = (self._throttles or set()) | seen
        self._count_others()

    def close(self) -> None:
        """Release NVML; a second call does nothing."""
        self._held.close()

    def conditions(self) -> GpuConditions:
        """Return what was seen."""
        return GpuConditions(
            temperature_start_c=self._start_c,
            temperature_c=max(self._temperatures, default=None),
            sm_clock_mhz=fmean(self._clocks) if self._clocks else None,
            power_limit_w=self._limit_w,
            throttle_reasons=None if self._throttles is None else tuple(sorted(self._throttles)),
            other_processes=self._others,
        )

    def _open(self) -> None:
        try:
            with ExitStack() as held:
                held.enter_context(nvml())
                self._handle = open_handle(self._gpu)
                self._held = held.pop_all()
        except SensorError as lost:
            self.reasons[f"gpus: {lost}"] = None

    def _read(self, name: str, read: Callable[[], T]) -> T | None:
        """Return one reading; None, with the reason kept, if NVML does not give it."""
        if self._handle is None:
            return None
        try:
            with nvml_faults():
                return read()
        except SensorError as absent:
            self.reasons[f"gpus.{name}: {absent}"] = None
            return None

    def _temperature(self) -> float:
        return float(pynvml.nvmlDeviceGetTemperature(self._handle, pynvml.NVML_TEMPERATURE_GPU))

    def _clock(self) -> float:
        return float(pynvml.nvmlDeviceGetClockInfo(self._handle, pynvml.NVML_CLOCK_SM))

    def _throttle_reasons(self) -> set[str]:
        bits = pynvml.nvmlDeviceGetCurrentClocksThrottleReasons(self._handle)
        return {name for bit, name in _THROTTLE_REASONS.items() if bits & bit}

    def _count_others(self) -> None:
        found = self._read("other_processes", self._other_processes)
        if found is not None:
            self._others = max(found, self._others or 0)

    def _other_processes(self) -> int:
        """Count the processes that compute on the GPU and are no descendants of this one.

        Raise SensorError where process numbers are not the driver's, so that one's own could be a stranger's.
        """
        listed = {process.pid for process in pynvml.nvmlDeviceGetComputeRunningProcesses(self._handle)}
        family = self._family()
        if not listed & family and not _numbers_are_the_drivers():
            raise SensorError(
                "NVML: does not list this process, as in a container with its own process numbers"
            )
        return len(listed - family)


def _numbers_are_the_drivers() -> bool:
    try:
        return str(_NAMESPACE.readlink()) == _FIRST_NAMESPACE
    except OSError:  # systems without namespaces have one set of numbers
        return True
