"""The total of a phase: all components together, times the PUE, and never a sum without a part of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from redl.record import (
    CarbonIntensity,
    EnergyComponent,
    EnergyKind,
    EnergyReading,
    PhaseConditions,
    Pue,
)


def total(
    components: tuple[EnergyComponent, ...],
    conditions: PhaseConditions,
    *,
    duration_s: float,
    images: int | None,
    pue: Pue,
    intensity: CarbonIntensity,
) -> EnergyReading:
    """Return the energy of a phase of so many seconds, in which `images` were processed."""
    known = [part.energy_wh for part in components if part.energy_wh is not None]
    missing = tuple(part.component for part in components if part.energy_wh is None)
    energy_wh = None if missing else sum(known) * pue.value
    reasons = [
        f"{part.component}: {part.reason_unavailable}"
        for part in components
        if part.reason_unavailable is not None
    ]
    return EnergyReading(
        energy_wh=energy_wh,
        energy_wh_partial=sum(known) * pue.value if missing and known else None,
        missing=missing,
        co2eq_g=None if energy_wh is None else energy_wh / 1000 * intensity.g_per_kwh,
        kind=weakest(part.kind for part in components),
        duration_s=duration_s,
        images=images,
        energy_wh_per_image=energy_wh / images if images and energy_wh is not None else None,
        components=components,
        pue=pue,
        carbon_intensity=intensity,
        warnings=(*_foreign_load(conditions), *_warnings_of(components)),
        reason_unavailable="; ".join(reasons) or None,
    )


def weakest(kinds: Iterable[EnergyKind]) -> EnergyKind:
    """Return the kind of a sum, which is that of its least certain part."""
    order = (EnergyKind.UNAVAILABLE, EnergyKind.ESTIMATED, EnergyKind.MEASURED)
    return min(kinds, key=order.index)


def _foreign_load(conditions: PhaseConditions) -> Iterator[str]:
    if reasons := conditions.foreign_load:
        yield f"time and energy were taken under foreign load: {'; '.join(reasons)}"


def _warnings_of(components: Iterable[EnergyComponent]) -> Iterator[str]:
    for part in components:
        yield from (f"{part.component}: {warning}" for warning in part.warnings)
