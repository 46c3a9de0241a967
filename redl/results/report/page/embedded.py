"""Embedded data: the records of a page as JSON, with what cases share said once and traces as columns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from redl.record import Record
from redl.results.report.page.groups import group_name

SECTIONS = (
    "recipe",
    "data",
    "metrics",
    "training",
    "inference",
    "memory",
    "energy",
    "conditions",
    "divergence",
    "environment",
)


def records_of(records: Iterable[Record]) -> dict[str, Any]:
    """Return `cases`, whose sections are numbers of entries of `sections`, which many cases share."""
    sections: dict[str, dict[bytes, int]] = {name: {} for name in SECTIONS}
    cases = [_case(record, sections) for record in records]
    shared = {name: [msgspec.Raw(text) for text in found] for name, found in sections.items()}
    return {"cases": cases, "sections": shared}


def as_script(data: object) -> str:
    """Return data as JSON that nothing in it can end the script element of."""
    return msgspec.json.encode(data).decode().replace("<", "\\u003c")


def _case(record: Record, sections: dict[str, dict[bytes, int]]) -> dict[str, Any]:
    plain = record.to_json()
    if plain["training"]:
        plain["training"]["trace"] = _columns(plain["training"]["trace"])
    if plain["data"] and plain["data"].get("duplicates"):
        # Names of images, which a page that is passed on must not have.
        del plain["data"]["duplicates"]["rows"]
    for name, known in sections.items():
        if plain[name] is not None:
            plain[name] = known.setdefault(msgspec.json.encode(plain[name]), len(known))
    return plain | {"group": group_name(record)}


def _columns(trace: list[dict[str, Any]]) -> dict[str, list[Any]]:
    return {name: [epoch[name] for epoch in trace] for name in trace[0]} if trace else {}
