"""The power sensors that CarbonTracker can read here, each proved by a first reading."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from typing import Protocol

from redl.metering.carbontracker.stand_ins import SilentLog, one_line, swapped
from redl.metering.energy import PowerSample
from redl.metering.environment import cpu_model
from redl.record import EnergyKind


class _Handler(Protocol):
    """Name what is used of CarbonTracker's NvidiaGPU, IntelCPU and GenericCPU."""

    def devices(self) -> list[str]: ...
    def power_usage(self) -> list[float]: ...
    def shutdown(self) -> None: ...


class Sensor:
    """Stand in for one of CarbonTracker's handlers: sum its devices, stamp each reading, never raise.

    The handler was initialised by the probe that found it; `reading_s` is how long one reading takes.
    """

    def __init__(
        self, handler: _Handler, *, name: str, kind: EnergyKind, scope: str, reading_s: float = 0.0
    ) -> None:
        self._handler = handler
        self._held = True
        self._devices = tuple(str(device) for device in handler.devices())
        self.name = name
        self.kind = kind
        self.scope = scope
        self.reading_s = reading_s
        self.samples: list[PowerSample] = []
        self.warnings: list[str] = []
        self.failures = 0
        self.fault: str | None = None

    def available(self) -> bool:
        """Return True: only a sensor that works is built."""
        return True

    def init(self) -> None:
        """Do nothing: the probe has done it."""

    def devices(self) -> list[str]:
        """Return the devices' names."""
        return list(self._devices)

    def power_usage(self) -> list[float]:
        """Return the power of all devices together, in watts; nothing if it could not be read."""
        start = time.perf_counter()
        try:
            watts = sum(self._handler.power_usage())
        except Exception as error:  # CarbonTracker would stop sampling, or count 0 W
            return self._failed(one_line(error))
        if not watts > 0:
            return self._failed("0 W read")
        self.samples.append(PowerSample(at=(start + time.perf_counter()) / 2, watts=watts))
        return [watts]

    def shutdown(self) -> None:
        """Release the handler once; CarbonTracker's thread and the meter both ask."""
        if self._held:
            self._held = False
            with suppress(Exception):  # nothing is left to release
                self._handler.shutdown()

    def _failed(self, fault: str) -> list[float]:
        self.failures += 1
        self.fault = fault
        return []


class SensorError(Exception):
    """Report why a sensor cannot be used."""


def find_sensors(*, gpu: bool) -> tuple[Sensor, ...]:
    """Return the sensors that work; CarbonTracker's guess only where nothing can be measured."""
    sensors = (_nvml_sensor(),) if gpu else ()
    try:
        return (*sensors, _powercap_sensor())
    except SensorError as absent:
        if not sensors:
            return (_tdp_sensor(str(absent)),)
        sensors[0].warnings.append(f"the CPU is not counted: {absent}")
        return sensors


def _nvml_sensor() -> Sensor:
    from carbontracker.components.gpu import nvidia

    handler = nvidia.NvidiaGPU(pids=[], devices_by_pid=False)
    with _probing("NVML", handler):
        handler.init()
        if not sum(handler.power_usage()) > 0:
            raise SensorError("no GPU that tells its power")
        # It reads the numbers in CUDA_VISIBLE_DEVICES, and takes a UUID or a MIG slice there for all GPUs.
        chosen = bool(handler._slurm_gpu_indices())  # noqa: SLF001 - it tells nobody what it chose
    scope = "the GPUs in CUDA_VISIBLE_DEVICES" if chosen else "all GPUs of the machine"
    sensor = Sensor(handler, name="nvml_power_polling", kind=EnergyKind.MEASURED, scope=scope)
    if not chosen and len(sensor.devices()) > 1:
        sensor.warnings.append("all GPUs are counted: put the numbers of those used in CUDA_VISIBLE_DEVICES")
    return sensor


def _powercap_sensor() -> Sensor:
    from carbontracker import exceptions
    from carbontracker.components.cpu import intel

    handler = intel.IntelCPU(pids=[], devices_by_pid=False)
    with _probing("powercap", handler):
        if not handler.available():
            raise SensorError("this system has none")
        handler.init()
        if not handler.devices():
            raise SensorError("no CPU package among its zones")
        try:
            handler._get_measurements()  # noqa: SLF001 - the public power_usage() sleeps a second
        except exceptions.IntelRaplPermissionError:
            raise SensorError("may not be read; allow reading its energy_uj files") from None
    return Sensor(
        handler,
        name="rapl_powercap",
        kind=EnergyKind.MEASURED,
        scope="CPU packages of the whole machine, with their memory where it is a zone",
        reading_s=float(intel.MEASURE_DELAY),
    )


def _tdp_sensor(why: str) -> Sensor:
    from carbontracker.components.cpu import generic

    brand = SimpleNamespace(get_cpu_info=lambda: {"brand_raw": cpu_model() or ""})
    # py-cpuinfo starts processes to find the name; CarbonTracker's logger here prints to stdout.
    with swapped(generic, "cpuinfo", brand), swapped(generic, "logger", SilentLog()):
        handler = generic.GenericCPU(pids=[], devices_by_pid=False)
        handler.init()
        known = handler.find_matching_tdp() is not None
    sensor = Sensor(handler, name="tdp_model", kind=EnergyKind.ESTIMATED, scope="one CPU, whatever its load")
    origin = (
        "half of what its table gives for the first such name" if known else "half of its table's average"
    )
    sensor.warnings.append(
        f"energy is a guess ({why}): CarbonTracker takes {sensor.devices()[0]} to draw a constant "
        f"{sum(handler.power_usage()):g} W, {origin}, whatever the load"
    )
    return sensor


@contextmanager
def _probing(what: str, handler: _Handler) -> Iterator[None]:
    """Release the handler and raise SensorError for whatever goes wrong inside."""
    try:
        yield
    except Exception as error:
        with suppress(Exception):  # it may not have come so far that there is something to release
            handler.shutdown()
        reason = str(error) if isinstance(error, SensorError) else one_line(error)
        raise SensorError(f"{what}: {reason}") from error
