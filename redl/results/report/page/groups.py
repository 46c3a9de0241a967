"""Groups: what is compared with each other, one model on one data set at one scale under one profile."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from redl.record import Record


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Records of one model on one data set at one scale under one profile, over settings and seeds."""

    name: str
    records: tuple[Record, ...]


def group_name(record: Record) -> str:
    """Return what the cases of a group share, e.g. `densenet on lidc, S = 4, smoke profile`."""
    case = record.case
    scale = f", S = {case.downsample}" if case.downsample > 1 else ""
    return f"{case.model} on {case.dataset}{scale}, {case.profile} profile"


def groups_of(records: Iterable[Record]) -> list[Group]:
    """Return the groups of records, in the order in which they come."""
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(group_name(record), []).append(record)
    return [Group(name=name, records=tuple(group)) for name, group in found.items()]
