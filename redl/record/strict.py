"""Strict JSON, which the parts of a record share: no key is unknown or repeated, every figure has a range."""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec

from redl.errors import RecordError

MOST_BYTES = 2**31  # of a file: more is no run, reference or description of data

# Ranges keep out what is no figure. The largest float32, summed over the largest data sets, is below 1e60;
# the others are far above what any machine, country or century could reach. NaN and infinities, which msgspec
# would otherwise write as null, are outside of them all.
_LARGEST, _MOST, _INT64 = 1e60, 1e15, 2**63 - 1

Number = Annotated[float, msgspec.Meta(ge=-_LARGEST, le=_LARGEST)]  # may be below 0, e.g. degrees
Amount = Annotated[float, msgspec.Meta(ge=0, le=_MOST)]  # seconds, Wh, g, a rate, ...
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]  # of a whole, and every score
Whole = Annotated[int, msgspec.Meta(ge=-_INT64 - 1, le=_INT64)]
Count = Annotated[int, msgspec.Meta(ge=0, le=_INT64)]
Divisor = Annotated[int, msgspec.Meta(ge=1, le=_INT64)]  # a count by which other figures are divided
Word = Annotated[str, msgspec.Meta(max_length=200)]  # a name
Line = Annotated[str, msgspec.Meta(max_length=20_000)]  # a sentence

T = TypeVar("T")


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a record."""


def encode(value: object, what: str) -> dict[str, Any]:
    """Return a section as plain JSON values; raise RecordError, naming `what`, for a figure out of range."""
    plain: dict[str, Any] = msgspec.to_builtins(value)
    try:
        msgspec.convert(plain, type(value))
    except msgspec.ValidationError as error:
        path, fault = _fault(error)
        raise RecordError(f"{what}: {path.lstrip('.')}: {fault}") from None
    return plain


def decode(plain: object, kind: type[T], where: str) -> T:
    """Turn plain values, or JSON text as bytes, into `kind`.

    Raise RecordError for a field that is unknown, missing, of another type or out of range.
    """
    try:
        if isinstance(plain, bytes | msgspec.Raw):
            return msgspec.json.decode(plain, type=kind)
        return msgspec.convert(plain, kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:  # a ValidationError is one of the former
        path, fault = _fault(error)
    except RecursionError:
        path, fault = "", _DEEP
    raise RecordError(f"{where}{path}: {fault}")


def parse(text: bytes, where: str) -> Any:  # noqa: ANN401 - any JSON value
    """Return JSON text as plain values; raise RecordError for what is none, or repeats a key."""
    try:
        return json.loads(text, object_pairs_hook=_unrepeated, parse_constant=_refuse_constant)
    except RecordError as error:
        fault = str(error)
    except RecursionError:
        fault = _DEEP
    except ValueError:  # of JSON, of its encoding, and of an int of thousands of digits
        fault = "no JSON"
    raise RecordError(f"{where}: {fault}")


def refuse_repeated_keys(text: bytes, where: str) -> None:
    """Raise RecordError for JSON text, which was decoded before, with an object that has a key twice.

    Programs differ in which of the two they read. A value that loses a key when it is decoded is written with
    fewer quotes, which is seen ten times sooner than by parsing in Python.
    """
    if b"\\" in text or msgspec.json.encode(msgspec.json.decode(text)).count(b'"') != text.count(b'"'):
        parse(text, where)


def read_bytes(path: Path) -> bytes:
    """Return what a file holds; raise OSError for what is no file, e.g. a pipe, or is too large."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:  # no waiting for a pipe
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a file")
        if status.st_size > MOST_BYTES:
            raise OSError(errno.EFBIG, "too large")
        return file.read()


_DEEP = "objects within objects, too deep for any record"


def _unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise RecordError(f"{repeated[:80]} occurs twice in an object; keep one of the two")
    return found


def _refuse_constant(word: str) -> None:
    raise RecordError(f"a figure is not finite ({word}); write null and a reason")


def _fault(error: Exception) -> tuple[str, str]:
    """Return the path of the field that msgspec refuses, and why."""
    fault, _, path = str(error).replace("`", "").partition(" - at $")
    if fault.startswith(("Expected float >=", "Expected float <=")):
        bound = float(fault.split()[-1])
        if abs(bound) == _LARGEST:
            return path, "a figure is not finite; write null and a reason"
        limit = "below 0" if bound == 0 else f"above {bound:g}"
        return path, f"a figure is not finite, or {limit}; write null and a reason"
    return path, f"{fault[0].lower()}{fault[1:]}"
