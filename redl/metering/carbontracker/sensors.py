"""The power sensors that CarbonTracker can read here, each tested by a first reading."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from types import SimpleNamespace
from typing import Any, Protocol

from redl.metering.carbontracker.stand_ins import SilentLog, one_line, swapped
from redl.metering.counters.powercap import Zone, delta_uj, find_zones
from redl.metering.energy import Component, PowerSample, SensorError
from redl.metering.gpus import Gpu, nvml, open_handle
from redl.metering.machine import cpu_model
from redl.metering.tdp import Tdp
from redl.record import EnergyKind


class _Handler(Protocol):
    """The used part of CarbonTracker's NvidiaGPU, IntelCPU and GenericCPU."""

    def devices(self) -> list[str]: ...
    def power_usage(self) -> list[float]: ...


class Sensor:
    """A stand-in for a handler of CarbonTracker's that sums its devices, stamps readings and never raises.

    `read` returns the power of all devices together, or None if there is none yet; `release` frees the
    handler's resources.
    """

    def __init__(
        self,
        read: Callable[[], PowerSample | None],
        release: Callable[[], None] = lambda: None,
        *,
        component: Component,
        name: str,
        kind: EnergyKind,
        devices: Sequence[str],
        scope: str,
    ) -> None:
        self._read = read
        self._release: Callable[[], None] | None = release
        self.component = component
        self.name = name
        self.kind = kind
        self.scope = scope
        self._devices = tuple(devices)
        self.samples: list[PowerSample] = []
        self.warnings: list[str] = []
        self.failures = 0
        self.fault: str | None = None

    def available(self) -> bool:
        """Return True, because only sensors that work are created."""
        return True

    def init(self) -> None:
        """Do nothing, because the first reading has done it."""

    def devices(self) -> list[str]:
        """Return the devices' names."""
        return list(self._devices)

    def power_usage(self) -> list[float]:
        """Return the power of all devices together, in watts; nothing if it could not be read."""
        try:
            sample = self._read()
        except Exception as error:  # CarbonTracker would stop sampling, or count 0 W
            return self._failed(one_line(error))
        if sample is None:
            return []
        if not sample.watts > 0:
            return self._failed("0 W read")
        self.samples.append(sample)
        return [sample.watts]

    def shutdown(self) -> None:
        """Release the handler once; CarbonTracker's thread and the meter both ask."""
        release, self._release = self._release, None
        if release is not None:
            with suppress(Exception):  # nothing is left to release
                release()

    def _failed(self, fault: str) -> list[float]:
        self.failures += 1
        self.fault = fault
        return []


def gpu_sensor(gpus: Sequence[Gpu], *, now: Callable[[], float] = time.perf_counter) -> Sensor:
    """Return CarbonTracker's reading of the power of these GPUs; raise SensorError if it is not reported."""
    from carbontracker.components.gpu import nvidia

    handler = nvidia.NvidiaGPU(pids=[], devices_by_pid=False)
    with ExitStack() as held:
        held.enter_context(nvml())
        # It would look at CUDA_VISIBLE_DEVICES, take the numbers there for NVML's, and a UUID for all GPUs.
        handler._handles = [open_handle(gpu) for gpu in gpus]  # noqa: SLF001 - its own choice is wrong
        with _tested("NVML"):
            if not sum(handler.power_usage()) > 0:
                raise SensorError("no GPU reports its power")
        release = held.pop_all().close
    return Sensor(
        _polling(handler, now),
        release,
        component=Component.GPU,
        name="nvml_power_polling",
        kind=EnergyKind.MEASURED,
        devices=[gpu.name for gpu in gpus],
        scope="whole GPUs, of which slices were used" if any(gpu.slice for gpu in gpus) else "the GPUs used",
    )


def package_sensor(*, now: Callable[[], float] = time.perf_counter) -> Sensor:
    """Return CarbonTracker's reading of the CPU packages; raise SensorError if they may not be read."""
    from carbontracker.components.cpu import intel

    zones = find_zones()
    handler = intel.IntelCPU(pids=[], devices_by_pid=False)
    with _tested("powercap"):
        handler.init()
        # It takes mirrored packages for more packages.
        handler._rapl_devices = [zone.name for zone in zones]  # noqa: SLF001 - its own choice is wrong
        read = _Differences(handler._get_measurements, zones, now)  # noqa: SLF001 - its power_usage() sleeps a second
    return Sensor(
        read,
        component=Component.CPU,
        name="rapl_powercap",
        kind=EnergyKind.MEASURED,
        devices=[zone.label for zone in zones],
        scope="node: all CPU packages, with their memory where it is a zone",
    )


def guess_sensor(*, now: Callable[[], float] = time.perf_counter) -> Sensor:
    """Return CarbonTracker's guess of the CPU's power: always half its TDP, by the processor's name."""
    handler, row = _generic_cpu()
    sensor = Sensor(
        _polling(handler, now),
        component=Component.CPU,
        name="tdp_model",
        kind=EnergyKind.ESTIMATED,
        devices=handler.devices(),
        scope="one CPU, whatever its load",
    )
    watts = sum(handler.power_usage())
    sensor.warnings.append(f"CarbonTracker's own figure is a constant {watts:g} W, half of {row}")
    return sensor


def table_tdp() -> Tdp:
    """Return the TDP that CarbonTracker's table gives this processor; raise SensorError without a table."""
    handler, row = _generic_cpu()
    return Tdp(watts=2 * sum(handler.power_usage()), source=f"{row}; --redl-cpu-tdp gives a better one")


def _generic_cpu() -> tuple[_Handler, str]:
    """Return CarbonTracker's handler of a CPU that it cannot measure, and the row of its table."""
    with _tested("TDP"):
        from carbontracker.components.cpu import generic

        brand = SimpleNamespace(get_cpu_info=lambda: {"brand_raw": cpu_model() or ""})
        # py-cpuinfo starts processes to find the name; CarbonTracker's logger here prints to stdout.
        with swapped(generic, "cpuinfo", brand), swapped(generic, "logger", SilentLog()):
            handler = generic.GenericCPU(pids=[], devices_by_pid=False)
            handler.init()
            known = handler.find_matching_tdp() is not None
    row = f"the first {handler.devices()[0]} of" if known else "the average of"
    return handler, f"{row} CarbonTracker's table"


class _Differences:
    """Mean powers between successive readings of the packages' energy, without any sleep in between."""

    def __init__(
        self, measure: Callable[[], list[Any]], zones: Sequence[Zone], now: Callable[[], float]
    ) -> None:
        self._measure, self._zones, self._now = measure, zones, now
        self._before, self._at = measure(), now()

    def __call__(self) -> PowerSample | None:
        after, at = self._measure(), self._now()
        before, began, self._before, self._at = self._before, self._at, after, at
        if at <= began:
            return None
        deltas = [delta_uj(zone, *pair) for zone, *pair in zip(self._zones, before, after, strict=True)]
        return PowerSample(at=(began + at) / 2, watts=sum(deltas) / 1e6 / (at - began))


def _polling(handler: _Handler, now: Callable[[], float]) -> Callable[[], PowerSample]:
    def read() -> PowerSample:
        start = now()
        watts = sum(handler.power_usage())
        return PowerSample(at=(start + now()) / 2, watts=watts)

    return read


@contextmanager
def _tested(what: str) -> Iterator[None]:
    """Raise SensorError for whatever goes wrong inside."""
    try:
        yield
    except (Exception, SystemExit) as error:  # CarbonTracker ends the process where others raise
        reason = str(error) if isinstance(error, SensorError) else one_line(error)
        raise SensorError(f"{what}: {reason}") from error
