"""The estimate if no sensor can be read: the CPU's rated power times the share of the CPU that was used."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from redl.metering.energy import JOULES_PER_WH, Figure
from redl.metering.family import Family
from redl.metering.machine import cpu_model
from redl.record import EnergyKind


@dataclass(frozen=True, kw_only=True, slots=True)
class Tdp:
    """A CPU's thermal design power in watts, and its source."""

    watts: float
    source: str


class LoadMeter:
    """A counter of CPU-seconds inside `window()`: of this process and its descendants, e.g. data loaders."""

    def __init__(
        self,
        *,
        cpu_seconds: Callable[[], float] | None = None,
        cores: int | None = None,
    ) -> None:
        self._cpu_seconds = cpu_seconds or Family().cpu_seconds
        self._cores = cores or os.cpu_count() or 1
        self._used = 0.0

    @contextmanager
    def window(self) -> Iterator[None]:
        """Count what is used inside."""
        began = self._cpu_seconds()
        try:
            yield
        finally:
            self._used += self._cpu_seconds() - began

    def estimate(self, tdp: Tdp) -> Figure:
        """Return the TDP times the share of the machine's logical cores that these processes kept busy.

        That is TDP x CPU-seconds / logical cores, without what an idle CPU draws.
        """
        used = self._used > 0
        return Figure(
            energy_wh=tdp.watts * self._used / self._cores / JOULES_PER_WH if used else None,
            sensor="tdp_model",
            kind=EnergyKind.ESTIMATED if used else EnergyKind.UNAVAILABLE,
            devices=(cpu_model() or "unknown CPU",),
            scope="the share of the CPU that this process and its children used, without what it draws idle",
            warnings=(
                f"an estimate: {tdp.watts:g} W ({tdp.source}) x {self._used:.1f} CPU-seconds / {self._cores} "
                "logical cores",
            ),
            reason=None if used else "tdp_model: no CPU time was used",
        )
