"""The meter of energy counters read at both edges of each window, with one figure per component."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from redl.metering.counters.nvml import GpuCounters
from redl.metering.counters.powercap import PackageCounters
from redl.metering.counters.zeus import AmdCounters, ChipCounters, chip_seems_here
from redl.metering.energy import JOULES_PER_WH, Brevity, Component, Figure, SensorError, Window, no_figure
from redl.metering.gpus import Gpu
from redl.record import EnergyKind


class CounterMeter:
    """A meter of energy by the counters of GPUs and CPU packages; only time inside `window()` counts.

    `gpus` are NVIDIA's; if there are none, the first `amd_gpus` of AMD's are counted. A counter that fails
    ends the figure of its component, never that of the other, and never the work.
    """

    def __init__(
        self,
        gpus: Sequence[Gpu] = (),
        *,
        amd_gpus: int = 0,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._now = now
        self._inside = False
        self.windows: list[Window] = []
        self._tallies: dict[Component, _Tally] = {}
        if gpus:
            self._tallies[Component.GPU] = _Tally(GpuCounters.sensor, lambda: GpuCounters(gpus))
        elif amd_gpus:
            self._tallies[Component.GPU] = _Tally(AmdCounters.sensor, lambda: AmdCounters(amd_gpus))
        self._tallies[Component.CPU] = _Tally(PackageCounters.sensor, _cpu_counters)

    @property
    def counts_gpu_with_cpu(self) -> bool:
        """Return whether CPU and GPU are one chip, and the CPU's figure is of all of it."""
        tally = self._tallies[Component.CPU]
        return isinstance(tally.counters, ChipCounters) and tally.figure(self.windows).energy_wh is not None

    @contextmanager
    def window(self) -> Iterator[None]:
        """Count the energy drawn inside; the caller synchronises the device within both edges."""
        assert not self._inside, "windows of a meter cannot be nested"
        self._inside = True
        for tally in self._tallies.values():
            tally.start()
        began = self._now()
        try:
            yield
        finally:
            window = Window(start=began, end=self._now())
            for tally in self._tallies.values():
                tally.stop(window.seconds)
            self.windows.append(window)
            self._inside = False

    def close(self) -> None:
        """Release the counters; a second call does nothing."""
        for tally in self._tallies.values():
            tally.close()

    def figures(self) -> dict[Component, Figure]:
        """Return what each component drew in all windows together."""
        return {component: tally.figure(self.windows) for component, tally in self._tallies.items()}


def _cpu_counters() -> _Counters:
    """Return the packages' counters, or those of a chip that only zeus can read."""
    try:
        return PackageCounters()
    except SensorError as absent:
        if not chip_seems_here():
            raise
        try:
            return ChipCounters()
        except SensorError as other:
            raise SensorError(f"{absent}; {other}") from other


class _Counters(Protocol):
    """What all counters have in common."""

    @property
    def sensor(self) -> str: ...
    @property
    def least_s(self) -> float: ...  # the shortest window that the counters' steps do not blur
    @property
    def pace(self) -> str: ...  # how often they step
    @property
    def scope(self) -> str: ...
    @property
    def devices(self) -> tuple[str, ...]: ...
    @property
    def warnings(self) -> tuple[str, ...]: ...
    def read(self) -> tuple[int, ...]: ...
    def joules(self, before: Sequence[int], after: Sequence[int], seconds: float) -> float: ...
    def close(self) -> None: ...


class _Tally:
    """The sum of one component's windows, which ends if a window is lost, because it would be too small."""

    def __init__(self, sensor: str, find: Callable[[], _Counters]) -> None:
        self._sensor = sensor
        self.counters: _Counters | None = None
        self._reason: str | None = None
        self._before: tuple[int, ...] | None = None
        self._joules: float | None = None
        with self._fault_kept():
            self.counters = find()

    def start(self) -> None:
        """Read the counters as a window opens."""
        with self._fault_kept():
            if self.counters is not None:
                self._before = self.counters.read()

    def stop(self, seconds: float) -> None:
        """Read the counters as a window closes, and add the difference."""
        with self._fault_kept():
            if self.counters is not None and self._before is not None:
                joules = self.counters.joules(self._before, self.counters.read(), seconds)
                self._joules = joules + (self._joules or 0.0)

    def close(self) -> None:
        if self.counters is not None:
            self.counters.close()

    def figure(self, windows: Sequence[Window]) -> Figure:
        """Return the sum over `windows`, or the reason why it is missing."""
        counters = self.counters
        if counters is None:
            return no_figure(self._sensor, self._reason or "")
        reason = self._reason if self._joules is not None else self._reason or "no window was measured"
        brevity = Brevity.of(windows, counters.least_s)
        return Figure(
            energy_wh=None if reason or self._joules is None else self._joules / JOULES_PER_WH,
            sensor=counters.sensor,
            kind=EnergyKind.UNAVAILABLE if reason else EnergyKind.MEASURED,
            devices=counters.devices,
            scope=counters.scope,
            warnings=(*counters.warnings, *brevity.warnings(counters.sensor, counters.pace)),
            reason=reason,
            windows=brevity.windows,
            short_windows=brevity.short,
        )

    @contextmanager
    def _fault_kept(self) -> Iterator[None]:
        """Keep the first fault instead of raising it."""
        try:
            yield
        except SensorError as fault:
            self._reason = self._reason or str(fault)
