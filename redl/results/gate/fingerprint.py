"""Fingerprints: what of two records must be the same for their figures to be compared, in words."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from redl.record import INCIDENTAL, Record
from redl.results.reference import COMPARED


def difference(before: Record, after: Record, *, other_machine: bool) -> str | None:
    """Say what forbids to compare two finished records; None if nothing does.

    With `other_machine` the machine and its software may be others.
    """
    assert before.data is not None, "a finished case describes its data"
    assert after.data is not None, "a finished case describes its data"
    if before.data.fingerprint != after.data.fingerprint:
        return "saw other data than the baseline"
    old, new = _recipe(before), _recipe(after)
    for name in old:
        if old[name] != new[name]:
            return f"{name} was {old[name]} in the baseline and is {new[name]}"
    return None if other_machine else _other_machine(before, after)


def _recipe(record: Record) -> dict[str, Any]:
    recipe = record.recipe
    assert recipe is not None, "a finished case states its recipe"
    flags = {
        field.name: getattr(part, field.name)
        for part in (recipe.flags, recipe.fast_path)
        for field in fields(part)
    }
    return {name: getattr(recipe, name) for name in COMPARED} | flags


def _other_machine(before: Record, after: Record) -> str | None:
    old, new = before.environment or {}, after.environment or {}
    if old.get("fingerprint") == new.get("fingerprint"):
        return None
    names = [name for name in old | new if name not in INCIDENTAL | {"fingerprint"}]
    changed = next((name for name in names if old.get(name) != new.get(name)), None)
    if changed is None:
        return "was obtained with other sizes than the baseline"
    was, now = old.get(changed), new.get(changed)
    return f"another machine or software: {changed} was {was} in the baseline and is {now}"
