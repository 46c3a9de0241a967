"""Fingerprints: what must be equal in two records before their figures are compared."""

from __future__ import annotations

from typing import Any

from msgspec.structs import asdict

from redl.record import INCIDENTAL, FinishedRecord, Record
from redl.results.reference import COMPARED


def difference(before: Record, after: Record, *, other_machine: bool) -> str | None:
    """Return why two finished records cannot be compared; None if they can.

    With `other_machine`, the machine and its software may differ.
    """
    base, newer = before.finished(), after.finished()
    if base.data.fingerprint != newer.data.fingerprint:
        return "saw other data than the baseline"
    old, new = _recipe(base), _recipe(newer)
    for name in old:
        if old[name] != new[name]:
            return f"{name} was {old[name]} in the baseline and is {new[name]}"
    return None if other_machine else _other_machine(base, newer)


def _recipe(record: FinishedRecord) -> dict[str, Any]:
    recipe = record.recipe
    flags = asdict(recipe.flags) | asdict(recipe.fast_path)
    return {name: getattr(recipe, name) for name in COMPARED} | flags


def _other_machine(before: FinishedRecord, after: FinishedRecord) -> str | None:
    old, new = before.environment, after.environment
    if old.get("fingerprint") == new.get("fingerprint"):
        return None
    names = [name for name in old | new if name not in INCIDENTAL | {"fingerprint"}]
    changed = next((name for name in names if old.get(name) != new.get(name)), None)
    if changed is None:
        return "was obtained with other sizes than the baseline"
    was, now = old.get(changed), new.get(changed)
    return f"another machine or software: {changed} was {was} in the baseline and is {now}"
