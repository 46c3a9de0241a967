"""The energy meter: two meters over the same windows, and one headline from their figures.

The headline comes from the counters of NVML and powercap where they exist, else from CarbonTracker's samples,
else from an estimate by the CPU's rated power. It is reported with both meters' figures and their ratio.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import TracebackType

from redl.metering.assumptions import Assumptions
from redl.metering.carbontracker.meter import CarbonTrackerMeter
from redl.metering.carbontracker.sensors import table_tdp
from redl.metering.conditions import ConditionsMeter
from redl.metering.counters import CounterMeter
from redl.metering.counters.zeus import amd_seems_here
from redl.metering.energy import Component, Figure, SensorError, no_figure
from redl.metering.family import Family
from redl.metering.gpus import Gpu, gpu_of
from redl.metering.headline import headline
from redl.metering.sharing import apart
from redl.metering.stopwatch import already_synchronous
from redl.metering.tdp import LoadMeter, Tdp
from redl.metering.total import total
from redl.record import HERE, EnergyComponent, EnergyReading, PhaseConditions, Placement


class EnergyMeter:
    """A meter of the energy of the GPUs in use and of the CPU; only time inside `window()` counts.

    `gpus` are the UUIDs of the GPUs in use; one that cannot be read leaves the GPU component without a
    figure. Of AMD's GPUs, which NVML does not know, as many as they are counted, the first that HIP shows.
    `synchronize` waits for the device's queued work before each reading. What `placement` says was shared
    with other cases of the run has no figure, or one that is marked. A failure of a sensor or of
    CarbonTracker never reaches the work that is measured.

        with EnergyMeter() as meter:
            with meter.window():
                train()
            reading = meter.reading(images=1000)
    """

    def __init__(
        self,
        gpus: Sequence[str] = (),
        assumptions: Assumptions | None = None,
        *,
        placement: Placement = HERE,
        synchronize: Callable[[], None] = already_synchronous,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._assumptions = assumptions or Assumptions()
        self._placement = placement
        self._synchronize = synchronize
        self._now = now
        self._duration_s = 0.0
        self._with_gpus = bool(gpus)
        found, self._lost_gpus = _find(gpus)
        self._carbontracker = CarbonTrackerMeter(found, now=now)
        amd_gpus = len(gpus) if self._lost_gpus is not None and amd_seems_here() else 0
        self._counters = CounterMeter(found, amd_gpus=amd_gpus, now=now)
        family = Family()
        self._load = LoadMeter(cpu_seconds=family.cpu_seconds)
        self._conditions = ConditionsMeter(found, shared=placement.shared, family=family)

    def __enter__(self) -> EnergyMeter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def window(self) -> Iterator[None]:
        """Count the energy drawn inside."""
        with ExitStack() as meters:
            self._synchronize()
            # Outermost, because looking around takes milliseconds, which no sensor should see.
            meters.enter_context(self._conditions.window())
            meters.enter_context(self._load.window())
            meters.enter_context(self._carbontracker.window())
            meters.enter_context(self._counters.window())
            began = self._now()
            try:
                yield
            finally:
                try:
                    self._synchronize()
                finally:  # a device that failed must not leave the meters running
                    self._duration_s += self._now() - began

    def close(self) -> None:
        """Stop all threads and release the sensors; a second call does nothing."""
        self._carbontracker.close()
        self._counters.close()
        self._conditions.close()

    def settle(self, seconds: float) -> None:
        """Wait before the first window, so that the heat of what ran before does not slow it down."""
        self._conditions.settle(seconds)

    def conditions(self) -> PhaseConditions:
        """Return the conditions of all windows: what else ran, how hot, how fast."""
        return self._conditions.conditions()

    def reading(self, *, images: int | None = None) -> EnergyReading:
        """Close the meter and return the energy of all windows, in which `images` were processed."""
        self.close()
        return self.reading_so_far(images=images)

    def reading_so_far(self, *, images: int | None = None) -> EnergyReading:
        """Return the energy of all windows that have ended, between two of them."""
        conditions = self.conditions()
        return total(
            tuple(apart(part, self._placement, conditions) for part in self._components()),
            conditions,
            duration_s=self._duration_s,
            images=images,
            pue=self._assumptions.applied_pue(),
            intensity=self._assumptions.carbon_intensity(),
        )

    def _components(self) -> Iterator[EnergyComponent]:
        counters, samples = self._counters.figures(), self._carbontracker.figures_so_far()
        if self._lost_gpus is not None:
            samples = {Component.GPU: no_figure("nvml_energy_counter", self._lost_gpus), **samples}
        if self._counters.counts_gpu_with_cpu:
            samples.pop(Component.GPU, None)
        for component in samples:
            yield headline(
                component,
                counters.get(component, samples[component]),
                samples[component],
                self._estimate if component is Component.CPU else _nothing,
                self._carbontracker.own_figures(component),
            )

    def _estimate(self) -> Figure | None:
        """Estimate the CPU's energy; a TDP from a table is never added to a GPU's measurement."""
        watts = self._assumptions.cpu_tdp_w
        if watts is not None:
            return self._load.estimate(Tdp(watts=watts, source="set by the user"))
        if self._with_gpus:
            return None
        try:
            return self._load.estimate(table_tdp())
        except SensorError as absent:
            return no_figure("tdp_model", str(absent))


def _find(uuids: Sequence[str]) -> tuple[tuple[Gpu, ...], str | None]:
    """Return the GPUs, or none of them and why."""
    try:
        return tuple(gpu_of(uuid) for uuid in uuids), None
    except SensorError as lost:
        return (), str(lost)


def _nothing() -> None:
    """Estimate nothing, because the rated power of a GPU does not show what it drew."""
