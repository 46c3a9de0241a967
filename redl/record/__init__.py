"""The record (schema 1): everything one case found out, in names that everything else relies on.

Units end names. A figure that was not measured is None, with its reason in `warnings`, never 0.
The JSON is strict: no NaN, no infinity, no unknown and no missing field.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from redl.errors import RecordError
from redl.record import codec
from redl.record.predictions import Predictions
from redl.record.recipe import FastPath, Flags, Pretrained, Recipe
from redl.record.sections import (
    CarbonIntensity,
    CarbonTrackerFigures,
    Counts,
    DataSummary,
    Divergence,
    DivergenceKind,
    Energy,
    EnergyComponent,
    EnergyKind,
    EnergyReading,
    Epoch,
    Fractions,
    Inference,
    Latency,
    Memory,
    Metrics,
    PredictedMemory,
    Pue,
    Scores,
    Training,
)
from redl.study.case import Case

__all__ = [
    "INCIDENTAL",
    "SCHEMA",
    "CarbonIntensity",
    "CarbonTrackerFigures",
    "Counts",
    "DataSummary",
    "Divergence",
    "DivergenceKind",
    "Energy",
    "EnergyComponent",
    "EnergyKind",
    "EnergyReading",
    "Environment",
    "Epoch",
    "FastPath",
    "Flags",
    "Fractions",
    "Inference",
    "Latency",
    "Memory",
    "Metrics",
    "PredictedMemory",
    "Predictions",
    "Pretrained",
    "Pue",
    "Recipe",
    "Record",
    "Scores",
    "Status",
    "Training",
]

SCHEMA = 1


class Status(StrEnum):
    """Tell how a case ended."""

    COMPLETED = "completed"
    DIVERGED = "diverged"
    OOM = "oom"
    KILLED = "killed"
    CRASHED = "crashed"
    TIMEOUT = "timeout"
    FAILED = "failed"


Environment = dict[str, str | int | bool | None]

# Entries that do not decide whether two runs compare: the commit is what one compares, and the kernel's own
# share of memory changes from boot to boot.
INCIDENTAL = frozenset({"git_commit", "memory_bytes"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """Hold everything one case found out; a case that ended early holds None in every section."""

    schema: int = SCHEMA
    status: Status
    reason: str | None
    warnings: tuple[str, ...]
    case: Case
    recipe: Recipe | None = None
    data: DataSummary | None = None
    parameters: int | None = None
    metrics: Metrics | None = None
    training: Training | None = None
    inference: Inference | None = None
    memory: Memory | None = None
    energy: Energy | None = None
    divergence: Divergence | None = None
    environment: Environment | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the record as plain JSON values; raise RecordError for a NaN or an infinity."""
        plain = codec.encode(self, f"case {self.case.id}")
        plain["case"] = {"id": self.case.id, **plain["case"]}
        return plain

    @classmethod
    def from_json(cls, value: object) -> Record:
        """Rebuild a record; raise RecordError naming the field that breaks the schema."""
        match value:
            case {"schema": int(schema)} if schema > SCHEMA:
                raise RecordError(f"record of schema {schema}: this redl reads up to {SCHEMA}; update redl")
            case {"schema": int(schema)} if schema < SCHEMA or isinstance(schema, bool):
                raise RecordError(f"record of schema {schema!r}: no such schema was ever released")
            case {"case": dict(case), **rest}:
                plain = {**rest, "case": {key: item for key, item in case.items() if key != "id"}}
            case _:
                raise RecordError("not a record: an object with `schema` and `case` is needed")
        record = codec.decode(plain, cls, "record")
        if case.get("id") != record.case.id:
            raise RecordError(
                f"record.case.id: {case.get('id')!r} does not match its fields ({record.case.id})"
            )
        return record
