"""Costs: what each seed of an arm took, or why that is not known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from redl.record import EnergyKind, EnergyReading, Record
from redl.results.gate.figure import FIGURES
from redl.training.metrics import Floats


class Resource(StrEnum):
    """What is spent: Wh, g of CO2eq, bytes at the peak and seconds of training; inference per image."""

    ENERGY = "energy"
    MEMORY = "memory"
    TIME = "time"
    CARBON = "CO2eq"
    INFERENCE = "energy of inference"
    INFERENCE_CARBON = "CO2eq of inference"


_OF_TRAINING = {
    Resource.ENERGY: FIGURES["energy"],
    Resource.MEMORY: FIGURES["peak_memory"],
    Resource.TIME: FIGURES["train_time"],
}
_OF_INFERENCE = (Resource.INFERENCE, Resource.INFERENCE_CARBON)


@dataclass(frozen=True, kw_only=True, slots=True)
class Costs:
    """Each resource over S seeds, (S,), in `spent`, or why it is not known, in `missing`.

    `kinds` are those of the two energies, by the least certain seed.
    """

    spent: dict[Resource, Floats]
    missing: dict[Resource, str]
    kinds: dict[Resource, EnergyKind]


def costs(records: Sequence[Record]) -> Costs:
    """Return what finished seeds spent; if one seed has no figure of a resource, the arm has none."""
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
    if resource is Resource.CARBON:
        return record.energy.train.co2eq_g if record.energy else None
    if resource in _OF_TRAINING:
        return _OF_TRAINING[resource].of(record)
    if record.energy is None or record.inference is None:
        return None
    reading = record.energy.inference
    spent = reading.energy_wh if resource is Resource.INFERENCE else reading.co2eq_g
    return None if spent is None else spent / record.inference.images


def _reason(record: Record, resource: Resource) -> str:
    reading = _reading(record, resource)
    if reading is None:
        return ""
    words = reading.reason_unavailable or (f"{', '.join(reading.missing)} missing" if reading.missing else "")
    return f" ({words})" if words else ""


def _reading(record: Record, resource: Resource) -> EnergyReading | None:
    if record.energy is None:
        return None
    if resource in (Resource.ENERGY, Resource.CARBON):
        return record.energy.train
    return record.energy.inference if resource in _OF_INFERENCE else None


def _weakest(records: Sequence[Record], resource: Resource) -> EnergyKind:
    kinds = {reading.kind if (reading := _reading(record, resource)) else None for record in records}
    order = (EnergyKind.ESTIMATED, EnergyKind.MEASURED)
    known = {None, EnergyKind.UNAVAILABLE}.isdisjoint(kinds)
    return next(kind for kind in order if kind in kinds) if known else EnergyKind.UNAVAILABLE
