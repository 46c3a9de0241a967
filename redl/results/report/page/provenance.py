"""Provenance: for every figure, in how many cases it was measured, estimated or unavailable, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from redl.record import EnergyKind, Record
from redl.results.report.page.fields import FIELDS, Field, kind_of, value_at

_NO_REASON = "the record gives no reason"


@dataclass(frozen=True, kw_only=True, slots=True)
class Provenance:
    """Counts of cases by where a figure comes from; `reasons` and `sources` have counts of cases too."""

    field: Field
    measured: int
    estimated: int
    unavailable: int
    sources: tuple[tuple[str, int], ...]
    reasons: tuple[tuple[str, int], ...]


def provenance_of(records: Sequence[Record]) -> list[Provenance]:
    """Return the provenance of each field over all records."""
    return [_provenance(field, records) for field in FIELDS]


def _provenance(field: Field, records: Sequence[Record]) -> Provenance:
    known = [record for record in records if field.value(record) is not None]
    missing = [record for record in records if field.value(record) is None]
    estimated = sum(kind_of(record, field.path) is EnergyKind.ESTIMATED for record in known)
    sources = Counter(_source(record, field) for record in known)
    reasons = Counter(_why(record, field) for record in missing)
    return Provenance(
        field=field,
        measured=len(known) - estimated,
        estimated=estimated,
        unavailable=len(missing),
        sources=tuple(sources.most_common()),
        reasons=tuple(reasons.most_common()),
    )


def _source(record: Record, field: Field) -> str:
    """Return by what a figure was obtained."""
    section = field.path.split(".")[0]
    if section == "energy":
        reading = value_at(record, ".".join(field.path.split(".")[:2]))
        parts = [f"{part.component} {part.kind}: {part.sensor or 'no sensor'}" for part in reading.components]
        return ", ".join(parts) or str(reading.kind)
    if section == "memory" and record.memory:
        cuda = record.memory.device == "cuda"
        return "the GPU allocator's peak" if cuda else "growth of the process's resident memory"
    return {
        "metrics": "answers for the test images",
        "parameters": "counted in the network",
        "training": "wall clock",
        "inference": "wall clock",
    }[section]


def _why(record: Record, field: Field) -> str:
    """Return why a figure is missing."""
    section, *rest = field.path.split(".")
    if getattr(record, section) is None:
        return f"{record.status}: {record.reason}" if record.reason else str(record.status)
    if section == "energy":
        reading = value_at(record, f"energy.{rest[0]}")
        parts = [part.reason_unavailable for part in reading.components if part.reason_unavailable]
        return reading.reason_unavailable or "; ".join(parts) or _NO_REASON
    if section == "metrics":
        return "undefined for these test images or answers"
    return next((text for text in record.warnings if section in text), _NO_REASON)
