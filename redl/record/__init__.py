"""The record (schema 1): the results of one case, under names that everything else relies on.

Units end names. A figure that was not measured is None, with its reason in `warnings`, never 0.
The JSON is strict: no NaN, no infinity, no unknown, missing or repeated field, no figure outside its range.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, get_type_hints

import msgspec
from msgspec.structs import asdict

from redl.errors import RecordError
from redl.printable import printable_line
from redl.record.conditions import Conditions, GpuConditions, PhaseConditions
from redl.record.placement import HERE, Placement
from redl.record.predictions import Predictions
from redl.record.recipe import FastPath, Flags, Pretrained, Recipe
from redl.record.sections import (
    CarbonIntensity,
    CarbonTrackerFigures,
    Counts,
    DataSummary,
    Divergence,
    DivergenceKind,
    Duplicates,
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
from redl.record.strict import (
    Count,
    Divisor,
    Line,
    Section,
    Whole,
    Word,
    decode,
    encode,
    refuse_repeated_keys,
)
from redl.study.case import Case

__all__ = [
    "HERE",
    "INCIDENTAL",
    "SCHEMA",
    "Attempt",
    "CarbonIntensity",
    "CarbonTrackerFigures",
    "Conditions",
    "Counts",
    "DataSummary",
    "Divergence",
    "DivergenceKind",
    "Duplicates",
    "Energy",
    "EnergyComponent",
    "EnergyKind",
    "EnergyReading",
    "Environment",
    "Epoch",
    "FastPath",
    "FinishedRecord",
    "Flags",
    "Fractions",
    "GpuConditions",
    "Inference",
    "Latency",
    "Memory",
    "Metrics",
    "PhaseConditions",
    "Placement",
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
    """How a case ended."""

    COMPLETED = "completed"
    DIVERGED = "diverged"
    OOM = "oom"
    KILLED = "killed"
    CRASHED = "crashed"
    TIMEOUT = "timeout"
    FAILED = "failed"


class Attempt(Section, frozen=True, kw_only=True):
    """How an earlier attempt at a case ended, of which nothing else was kept."""

    status: Status
    reason: Line


Environment = dict[Word, Line | Whole | bool | None]

# Entries that do not decide whether two runs are comparable: commits are what is compared, and the kernel's
# share of memory changes from boot to boot.
INCIDENTAL = frozenset({"git_commit", "memory_bytes"})


class Record(Section, frozen=True, kw_only=True):
    """Results of one case; sections of one that ended early are None, as what an older one does not say is.

    The figures are of the last attempt; `earlier_attempts` say how those before it ended, if any.
    """

    schema: int = SCHEMA
    status: Status
    reason: Line | None
    warnings: tuple[Line, ...]
    case: Case
    recipe: Recipe | None = None
    data: DataSummary | None = None
    parameters: Count | None = None
    metrics: Metrics | None = None
    training: Training | None = None
    inference: Inference | None = None
    memory: Memory | None = None
    energy: Energy | None = None
    conditions: Conditions | None = None
    divergence: Divergence | None = None
    environment: Environment | None = None
    earlier_attempts: tuple[Attempt, ...] = ()
    placement: Placement | None = None

    def __post_init__(self) -> None:
        """Make what goes to terminals and logs fit to be printed, whoever wrote it."""
        if self.reason is not None:
            msgspec.structs.force_setattr(self, "reason", printable_line(self.reason))
        msgspec.structs.force_setattr(self, "warnings", tuple(map(printable_line, self.warnings)))

    def to_json(self) -> dict[str, Any]:
        """Return the record as plain JSON values; raise RecordError for a figure outside its range."""
        plain = encode(self, f"case {self.case.id}")
        plain["case"] = {"id": self.case.id, **plain["case"]}
        return plain

    @classmethod
    def from_json(cls, value: object) -> Record:
        """Rebuild a record from plain values, or from JSON text given as bytes.

        Raise RecordError naming the field that breaks the schema.
        """
        try:
            saved: Any = decode(value, SavedRecord, "record")
        except RecordError:
            _check_schema(decode(value, _Version, "record").schema)  # a later one may have other fields
            raise
        _check_schema(saved.schema)
        if isinstance(value, bytes | msgspec.Raw):
            refuse_repeated_keys(bytes(value), "record")
        given, case = saved.case.id, Case(**{name: getattr(saved.case, name) for name in _CASE})
        if given != case.id:
            raise RecordError(f"record.case.id: {given!r} does not match its fields ({case.id})")
        return Record(**{name: getattr(saved, name) for name in _SECTIONS}, case=case)

    def under_load(self, *, inference: bool = False) -> bool:
        """Return whether time and energy of training, or of inference, were taken while others computed.

        Cases that shared processors or a GPU computed for each other, whatever was measured of it.
        """
        if self.placement is not None and self.placement.shared:
            return True
        if self.conditions is None:
            return False
        return bool((self.conditions.inference if inference else self.conditions.train).foreign_load)

    def finished(self) -> FinishedRecord:
        """Return the record with every section there; raise RecordError naming one that is None."""
        sections = asdict(self)
        for name in FinishedRecord.__annotations__:
            if sections[name] is None:
                raise RecordError(
                    f"{self.case.id}: has no {name}; it ended early ({self.status}); run it again"
                )
        return FinishedRecord(**sections)


class FinishedRecord(Record, frozen=True, kw_only=True):
    """Record of a case that ran to its end: no section is None."""

    recipe: Recipe
    data: DataSummary
    parameters: Count
    metrics: Metrics
    training: Training
    inference: Inference
    memory: Memory
    energy: Energy
    divergence: Divergence
    environment: Environment


def _check_schema(schema: int) -> None:
    if schema > SCHEMA:
        raise RecordError(f"record of schema {schema}: this redl reads up to {SCHEMA}; update redl")
    if schema < SCHEMA:
        raise RecordError(f"record of schema {schema}: no such schema was ever released")


class _Version(msgspec.Struct):
    schema: int


_CASE = get_type_hints(Case)
# A saved case's names are parts of its id, and the profile's is part of a file's name.
_Name = Annotated[str, msgspec.Meta(max_length=100, pattern=r"^[a-z0-9][a-z0-9_.+]*(?!\n)$")]
_CASE_NUMBERS = {"seed": Count, "downsample": Divisor}
_SECTIONS = {
    name: hint for name, hint in get_type_hints(Record, include_extras=True).items() if name != "case"
}

# What the first records of this schema do not have, and what stands for it.
_LATER: dict[str, object] = {"conditions": None, "earlier_attempts": (), "placement": None}

# How a record is saved: its case has its id beside its fields, and no other field may be missing.
SavedCase = msgspec.defstruct(
    "SavedCase", [("id", Line), *((name, _CASE_NUMBERS.get(name, _Name)) for name in _CASE)], bases=(Section,)
)
SavedRecord = msgspec.defstruct(
    "SavedRecord",
    [
        *(field for field in _SECTIONS.items() if field[0] not in _LATER),
        *((name, _SECTIONS[name], value) for name, value in _LATER.items()),
        ("case", SavedCase),
    ],
    bases=(Section,),
    kw_only=True,
)
