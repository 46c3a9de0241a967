"""Strict JSON, which the parts of a record share: no field is unknown, and every figure is finite."""

from __future__ import annotations

import sys
from typing import Annotated, Any, TypeVar

import msgspec

from redl.errors import RecordError

_MOST = sys.float_info.max

# A figure of a record. The bounds refuse NaN and infinities, which msgspec would otherwise write as null.
Number = Annotated[float, msgspec.Meta(ge=-_MOST, le=_MOST)]

T = TypeVar("T")


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a record."""


def encode(value: object, what: str) -> dict[str, Any]:
    """Return a section as plain JSON values; raise RecordError, naming `what`, for a NaN or an infinity."""
    plain: dict[str, Any] = msgspec.to_builtins(value)
    try:
        msgspec.convert(plain, type(value))
    except msgspec.ValidationError as error:
        path, fault = _fault(error)
        raise RecordError(f"{what}: {path.lstrip('.')}: {fault}") from None
    return plain


def decode(plain: object, kind: type[T], where: str) -> T:
    """Turn plain values, or JSON text as bytes, into `kind`.

    Raise RecordError for a field that is unknown, missing, of another type or not finite.
    """
    try:
        if isinstance(plain, bytes | msgspec.Raw):
            return msgspec.json.decode(plain, type=kind)
        return msgspec.convert(plain, kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:  # a ValidationError is one of the former
        path, fault = _fault(error)
        raise RecordError(f"{where}{path}: {fault}") from None


def _fault(error: Exception) -> tuple[str, str]:
    """Return the path of the field that msgspec refuses, and why."""
    fault, _, path = str(error).replace("`", "").partition(" - at $")
    if fault.startswith(("Expected float >=", "Expected float <=")):  # the bounds of Number
        return path, "a figure is not finite; write null and a reason"
    return path, f"{fault[0].lower()}{fault[1:]}"
