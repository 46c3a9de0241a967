"""Costs: what one arm took with each of its seeds, or why that is not known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from redl.record import EnergyKind, EnergyReading, Record
from redl.results.tradeoff.resampling import Floats


class Resource(StrEnum):
    """Name what is spent: Wh of training, bytes at its peak, seconds of it, Wh of inference per image."""

    ENERGY = "energy"
    MEMORY = "memory"
    TIME = "time"
    INFERENCE = "energy of inference"


@dataclass(frozen=True, kw_only=True, slots=True)
class Costs:
    """Hold each resource over S seeds, (S,), or why it is missing; a resource is in one of both.

    `kinds` are those of the two energies, of the least sure seed.
    """

    spent: dict[Resource, Floats]
    missing: dict[Resource, str]
    kinds: dict[Resource, EnergyKind]


def costs(records: Sequence[Record]) -> Costs:
    """Gather what finished seeds spent; one seed without a figure leaves the arm without."""
    spent: dict[Resource, Floats] = {}
    missing: dict[Resource, str] = {}
    for resource in Resource:
        values = [_value(record, resource) for record in records]
        known = [value for value in values if value is not None]
        if len(known) == len(records):
            spent[resource] = np.array(known, dtype=np.float64)
        else:
            without = records[values.index(None)]
            missing[resource] = f"seed {without.case.seed} has no figure{_reason(without, resource)}"
    kinds = {resource: _weakest(records, resource) for resource in (Resource.ENERGY, Resource.INFERENCE)}
    return Costs(spent=spent, missing=missing, kinds=kinds)


def _value(record: Record, resource: Resource) -> float | None:
    match resource:
        case Resource.ENERGY:
            return record.energy.train.energy_wh if record.energy else None
        case Resource.MEMORY:
            return record.memory.train_peak_bytes if record.memory else None
        case Resource.TIME:
            return record.training.seconds_to_stop if record.training else None
        case Resource.INFERENCE:
            if record.energy is None or record.energy.inference.energy_wh is None or record.inference is None:
                return None
            return record.energy.inference.energy_wh / record.inference.images


def _reason(record: Record, resource: Resource) -> str:
    reading = _reading(record, resource)
    if reading is None:
        return ""
    words = reading.reason_unavailable or (f"{', '.join(reading.missing)} missing" if reading.missing else "")
    return f" ({words})" if words else ""


def _reading(record: Record, resource: Resource) -> EnergyReading | None:
    if record.energy is None:
        return None
    return {Resource.ENERGY: record.energy.train, Resource.INFERENCE: record.energy.inference}.get(resource)


def _weakest(records: Sequence[Record], resource: Resource) -> EnergyKind:
    kinds = {reading.kind if (reading := _reading(record, resource)) else None for record in records}
    order = (EnergyKind.ESTIMATED, EnergyKind.MEASURED)
    known = {None, EnergyKind.UNAVAILABLE}.isdisjoint(kinds)
    return next(kind for kind in order if kind in kinds) if known else EnergyKind.UNAVAILABLE
