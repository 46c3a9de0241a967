"""A stretch of a training: what one process measured of it, and what several did that took turns.

A training that was interrupted goes on in another process after its last whole epoch. What the first process
did after that epoch is lost and not counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from redl.metering.memory import Peak
from redl.metering.total import total, weakest
from redl.record import (
    CarbonTrackerFigures,
    EnergyComponent,
    EnergyKind,
    EnergyReading,
    GpuConditions,
    PhaseConditions,
)

T = TypeVar("T", int, float)

_HALF = "it was measured in a part of the training only, which was interrupted"


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """What a stretch of training took; `resumed_after` are the epochs after which another process went on."""

    seconds: float
    memory: Peak
    paper_compatible_bytes: int | None
    energy: EnergyReading
    conditions: PhaseConditions
    resumed_after: tuple[int, ...] = ()

    def then(self, later: Stretch, *, after: int) -> Stretch:
        """Return this stretch and a later one, which began after an epoch, as one.

        `later.seconds` and the images of its energy are of both, because its counts went on.
        """
        seconds = (self.energy.duration_s, later.energy.duration_s)
        conditions = _conditions(self.conditions, later.conditions, seconds)
        return Stretch(
            seconds=later.seconds,
            memory=_peak(self.memory, later.memory),
            paper_compatible_bytes=self.paper_compatible_bytes,
            energy=_energy(self.energy, later.energy, conditions),
            conditions=conditions,
            resumed_after=(*self.resumed_after, after),
        )


def _peak(one: Peak, other: Peak) -> Peak:
    return Peak(
        allocated_bytes=_highest(one.allocated_bytes, other.allocated_bytes),
        reserved_bytes=_highest(one.reserved_bytes, other.reserved_bytes),
        process_bytes=_highest(one.process_bytes, other.process_bytes),
        reason=_said((one.reason, other.reason)),
    )


def _energy(one: EnergyReading, other: EnergyReading, conditions: PhaseConditions) -> EnergyReading:
    seconds = (one.duration_s, other.duration_s)
    earlier, later = ({part.component: part for part in each.components} for each in (one, other))
    names = dict.fromkeys((*earlier, *later))
    return total(
        tuple(_component(name, earlier.get(name), later.get(name), seconds) for name in names),
        conditions,
        duration_s=sum(seconds),
        images=other.images,
        pue=other.pue,
        intensity=other.carbon_intensity,
    )


def _component(
    name: str, one: EnergyComponent | None, other: EnergyComponent | None, seconds: tuple[float, float]
) -> EnergyComponent:
    """Return a component's energy in both stretches; it has none if it was measured in one of them only."""
    if one is None or other is None:
        present = one or other
        assert present is not None, "the name is that of a component"
        return replace(present, energy_wh=None, kind=EnergyKind.UNAVAILABLE, reason_unavailable=_HALF)
    energy_wh = _sum(one.energy_wh, other.energy_wh)
    counter_wh = _sum(one.counter_wh, other.counter_wh)
    carbontracker = _carbontracker(one.carbontracker, other.carbontracker)
    corrected = carbontracker.energy_wh_corrected
    both_measured = one.ratio is not None and other.ratio is not None
    return EnergyComponent(
        component=name,
        energy_wh=energy_wh,
        kind=weakest((one.kind, other.kind)),
        sensor=None if energy_wh is None else _said((one.sensor, other.sensor)),
        devices=tuple(dict.fromkeys((*one.devices, *other.devices))),
        scope=_said((one.scope, other.scope)),
        counter_wh=counter_wh,
        carbontracker=carbontracker,
        ratio=corrected / counter_wh if both_measured and corrected and counter_wh else None,
        n_samples=one.n_samples + other.n_samples,
        interval_s=other.interval_s,
        coverage=_mean(one.coverage, other.coverage, seconds),
        windows=_sum(one.windows, other.windows),
        short_windows=_sum(one.short_windows, other.short_windows),
        warnings=tuple(dict.fromkeys((*one.warnings, *other.warnings))),
        reason_unavailable=_said((one.reason_unavailable, other.reason_unavailable)),
    )


def _carbontracker(one: CarbonTrackerFigures, other: CarbonTrackerFigures) -> CarbonTrackerFigures:
    return CarbonTrackerFigures(
        version=other.version,
        energy_wh_raw=_sum(one.energy_wh_raw, other.energy_wh_raw),
        energy_wh_corrected=_sum(one.energy_wh_corrected, other.energy_wh_corrected),
    )


def _conditions(
    one: PhaseConditions, other: PhaseConditions, seconds: tuple[float, float]
) -> PhaseConditions:
    mean = partial(_mean, seconds=seconds)
    return PhaseConditions(
        processors=other.processors,
        load_average_start=one.load_average_start,
        load_average_end=other.load_average_end,
        own_cpu_share=mean(one.own_cpu_share, other.own_cpu_share),
        foreign_cpu_share=mean(one.foreign_cpu_share, other.foreign_cpu_share),
        steal_share=mean(one.steal_share, other.steal_share),
        cpu_temperature_start_c=one.cpu_temperature_start_c,
        cpu_temperature_c=_highest(one.cpu_temperature_c, other.cpu_temperature_c),
        cpu_clock_mhz=mean(one.cpu_clock_mhz, other.cpu_clock_mhz),
        gpus=tuple(_gpu(*pair, seconds) for pair in zip(one.gpus, other.gpus, strict=False)),
        settled_s=one.settled_s + other.settled_s,
        reasons=tuple(dict.fromkeys((*one.reasons, *other.reasons))),
        node_processors=other.node_processors,
        node_foreign_share=mean(one.node_foreign_share, other.node_foreign_share),
        shared=one.shared or other.shared,
    )


def _gpu(one: GpuConditions, other: GpuConditions, seconds: tuple[float, float]) -> GpuConditions:
    throttled = [gpu.throttle_reasons for gpu in (one, other) if gpu.throttle_reasons is not None]
    return GpuConditions(
        temperature_start_c=one.temperature_start_c,
        temperature_c=_highest(one.temperature_c, other.temperature_c),
        sm_clock_mhz=_mean(one.sm_clock_mhz, other.sm_clock_mhz, seconds),
        power_limit_w=other.power_limit_w,
        throttle_reasons=tuple(dict.fromkeys(sum(throttled, ()))) if throttled else None,
        other_processes=_highest(one.other_processes, other.other_processes),
    )


def _sum(one: T | None, other: T | None) -> T | None:
    """Return a sum; None if a part is missing, because the rest would pass for the whole."""
    return None if one is None or other is None else one + other


def _highest(one: T | None, other: T | None) -> T | None:
    return None if one is None or other is None else max(one, other)


def _mean(one: float | None, other: float | None, seconds: tuple[float, float]) -> float | None:
    """Return the mean over the time of both."""
    if one is None or other is None or not sum(seconds):
        return None
    return (one * seconds[0] + other * seconds[1]) / sum(seconds)


def _said(texts: Iterable[str | None]) -> str | None:
    return "; ".join(dict.fromkeys(text for text in texts if text is not None)) or None
