"""Strict JSON for frozen data classes: the type hints are the schema.

Written here rather than taken from a library because the lowest floor stands on the standard library alone.
"""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from enum import StrEnum
from typing import Any, TypeVar

from redl.errors import RecordError

T = TypeVar("T")


def encode(value: Any, what: str) -> dict[str, Any]:
    """Return a data class as plain JSON values; raise RecordError, naming `what`, for a non-finite figure."""
    try:
        encoded = json.dumps(dataclasses.asdict(value), allow_nan=False)
    except ValueError as error:
        raise RecordError(f"{what}: a figure is not finite; write null and a reason") from error
    return typing.cast("dict[str, Any]", json.loads(encoded))


def decode(value: object, kind: type[T], where: str) -> T:
    """Turn JSON values into `kind`; raise RecordError for an unknown, missing, mistyped or infinite field."""
    return typing.cast("T", _decode(value, kind, where))


def _decode(value: Any, kind: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is types.UnionType:
        return _decode_union(value, arguments, where)
    if dataclasses.is_dataclass(kind):
        return _decode_object(value, typing.cast("type[Any]", kind), where)
    if origin is tuple and isinstance(value, list):
        return tuple(_decode(item, arguments[0], f"{where}[{index}]") for index, item in enumerate(value))
    if origin is dict and isinstance(value, dict):
        return {key: _decode(item, arguments[1], f"{where}.{key}") for key, item in value.items()}
    if (
        kind is float
        and isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
    ):
        return float(value)
    if isinstance(kind, type) and issubclass(kind, StrEnum) and value in list(kind):
        return kind(value)
    if kind in (int, str, bool, types.NoneType) and type(value) is kind:
        return value
    raise RecordError(f"{where}: {value!r} is no {getattr(kind, '__name__', kind)}")


def _decode_union(value: Any, kinds: tuple[Any, ...], where: str) -> Any:
    if value is None and types.NoneType in kinds:
        return None
    wanted = [kind for kind in kinds if kind is not types.NoneType]
    exact = [kind for kind in wanted if type(value) is kind]
    return _decode(value, (exact or wanted)[0], where)


def _decode_object(value: Any, kind: type[Any], where: str) -> Any:
    if not isinstance(value, dict):
        raise RecordError(f"{where}: {value!r} is no {kind.__name__}")
    hints = typing.get_type_hints(kind)
    if wrong := sorted(hints.keys() ^ value.keys()):
        state = "missing" if wrong[0] in hints else "unknown"
        raise RecordError(f"{where}.{wrong[0]}: {state} field")
    return kind(**{name: _decode(value[name], hint, f"{where}.{name}") for name, hint in hints.items()})
