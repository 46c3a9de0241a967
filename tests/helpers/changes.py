"""Copies with changes, of data classes and of a record's sections alike."""

import dataclasses

import msgspec


def replace(value, **changes):
    """Return a copy of a data class, or of a section of a record, with some fields changed."""
    how = msgspec.structs.replace if isinstance(value, msgspec.Struct) else dataclasses.replace
    return how(value, **changes)
