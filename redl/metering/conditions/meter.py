"""The meter of the conditions of one phase."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import fmean

from msgspec.structs import replace

from redl.metering.conditions import cpu
from redl.metering.conditions.gpu import GpuWatch
from redl.metering.family import Family
from redl.metering.gpus import Gpu
from redl.record import PhaseConditions

# Below this the kernel's steps of 0.01 s for each processor say too little.
_LEAST_S = 0.5
_UNBEGUN = ("no window was measured",)


class ConditionsMeter:
    """A meter of the conditions inside `window()`; the first window begins the phase.

    `gpus` are those in use; `shared` says that other cases of the run may use them or the same processors.
    It reads at the edges of windows and needs a few milliseconds there.
    """

    def __init__(
        self,
        gpus: Sequence[Gpu] = (),
        *,
        shared: bool = False,
        family: Family | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._shared = shared
        self._family = family or Family()
        self._sleep = sleep
        self._settled_s = 0.0
        self._gpus = [GpuWatch(gpu, self._family.pids) for gpu in dict.fromkeys(gpus)]
        self._processors, self._node = cpu.own_processors(), cpu.node_processors()
        self._begun = False
        self._load_start: float | None = None
        self._load_end: float | None = None
        self._start_c: float | None = None
        self._temperatures: list[float] = []
        self._clocks: list[float] = []
        self._own_s = 0.0
        self._times = self._node_times = cpu.NO_TIME

    @contextmanager
    def window(self) -> Iterator[None]:
        """Count whose processors' time passes inside."""
        self._begin()
        own_s, (times, node_times) = self._family.cpu_seconds(), self._read_times()
        try:
            yield
        finally:
            ended, node_ended = self._read_times()
            self._times += ended - times
            self._node_times += node_ended - node_times
            self._own_s += self._family.cpu_seconds() - own_s
            self._look()

    def close(self) -> None:
        """Release NVML; a second call does nothing."""
        for gpu in self._gpus:
            gpu.close()

    def settle(self, seconds: float) -> None:
        """Wait before the phase begins, so that the heat of what ran before does not slow it down."""
        if seconds > 0:
            self._sleep(seconds)
            self._settled_s += seconds

    def conditions(self) -> PhaseConditions:
        """Return the conditions of all windows together."""
        own, foreign, steal = self._shares()
        found = PhaseConditions(
            processors=len(self._processors),
            load_average_start=self._load_start,
            load_average_end=self._load_end,
            own_cpu_share=own,
            foreign_cpu_share=foreign,
            steal_share=steal,
            cpu_temperature_start_c=self._start_c,
            cpu_temperature_c=max(self._temperatures, default=None),
            cpu_clock_mhz=fmean(self._clocks) if self._clocks else None,
            gpus=tuple(gpu.conditions() for gpu in self._gpus),
            settled_s=self._settled_s,
            reasons=(),
            node_processors=len(self._node),
            node_foreign_share=self._node_foreign_share(),
            shared=self._shared,
        )
        reasons = (*self._share_reasons(found), *self._other_reasons(found)) if self._begun else _UNBEGUN
        return replace(found, reasons=reasons)

    def _read_times(self) -> tuple[cpu.CpuTimes, cpu.CpuTimes]:
        """Return the times of the own processors and of the node's, which are mostly the same."""
        own = cpu.cpu_times(self._processors)
        return own, own if self._processors == self._node else cpu.cpu_times(self._node)

    def _shares(self) -> tuple[float | None, float | None, float | None]:
        """Return which share of the processors' time this process, others and the hypervisor took."""
        times = self._times
        if self._is_short:
            return None, None, None
        own = min(self._own_s, times.busy)  # the kernel counts a process more finely than a processor
        steal = times.steal / times.total if cpu.counts_steal() else None
        return own / times.total, (times.busy - own) / times.total, steal

    def _node_foreign_share(self) -> float | None:
        """Return which share others had in the time that processors of the node were busy."""
        busy = self._node_times.busy
        return None if self._is_short or busy <= 0 else max(0.0, busy - self._own_s) / busy

    @property
    def _is_short(self) -> bool:
        return self._times.total < _LEAST_S * len(self._processors)

    def _share_reasons(self, found: PhaseConditions) -> Iterator[str]:
        if found.own_cpu_share is None:
            seconds = self._times.total / len(self._processors)
            shares = "own_cpu_share, foreign_cpu_share, steal_share, node_foreign_share"
            yield f"{shares}: the kernel counted only {seconds:.2f} s of each processor"
            return
        if found.steal_share is None:
            yield "steal_share: this system does not count it"
        if found.node_foreign_share is None:
            yield "node_foreign_share: no processor of the node was busy"

    def _other_reasons(self, found: PhaseConditions) -> Iterator[str]:
        if found.load_average_end is None:
            yield "load_average_start, load_average_end: this system has none"
        if found.cpu_temperature_c is None:
            yield "cpu_temperature_start_c, cpu_temperature_c: no sensor, as in a virtual machine"
        if found.cpu_clock_mhz is None:
            yield "cpu_clock_mhz: this system does not say"
        for gpu in self._gpus:
            yield from gpu.reasons

    def _begin(self) -> None:
        if self._begun:
            return
        self._begun = True
        self._load_start, self._start_c = cpu.load_average(), cpu.temperature_c()
        for gpu in self._gpus:
            gpu.begin()

    def _look(self) -> None:
        self._load_end = cpu.load_average()
        for reading, readings in ((cpu.temperature_c(), self._temperatures), (cpu.clock_mhz(), self._clocks)):
            if reading is not None:
                readings.append(reading)
        for gpu in self._gpus:
            gpu.look()
