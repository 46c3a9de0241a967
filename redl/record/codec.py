"""Strict JSON for frozen data classes: the type hints are the schema.

Written here rather than taken from a library because the lowest floor stands on the standard library alone.
Each type's decoder is made once, for a comparison of saved runs decodes tens of thousands of records.
"""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from collections.abc import Callable, Hashable
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

from redl.errors import RecordError

T = TypeVar("T")
Decoder = Callable[[Any], Any]


class _Misfit(Exception):  # noqa: N818 - never leaves this module
    """Tell what does not fit and, from the inside out, where."""

    def __init__(self, fault: str, place: str = "") -> None:
        super().__init__(fault)
        self.fault, self.place = fault, place


def encode(value: Any, what: str) -> dict[str, Any]:
    """Return a data class as plain JSON values; raise RecordError, naming `what`, for a non-finite figure."""
    try:
        encoded = json.dumps(dataclasses.asdict(value), allow_nan=False)
    except ValueError as error:
        raise RecordError(f"{what}: a figure is not finite; write null and a reason") from error
    return typing.cast("dict[str, Any]", json.loads(encoded))


def decode(value: object, kind: type[T], where: str) -> T:
    """Turn JSON values into `kind`; raise RecordError for an unknown, missing, mistyped or infinite field."""
    try:
        return typing.cast("T", _decoder(typing.cast("Hashable", kind))(value))
    except _Misfit as misfit:
        raise RecordError(f"{where}{misfit.place}: {misfit.fault}") from None


@cache
def _decoder(kind: Hashable) -> Decoder:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is types.UnionType:
        return _union(arguments)
    if dataclasses.is_dataclass(kind):
        return _object(typing.cast("type[Any]", kind))
    if origin is tuple:
        return _sequence(kind, _decoder(arguments[0]))
    if origin is dict:
        return _mapping(kind, _decoder(arguments[1]))
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return _enum(kind)
    return _float if kind is float else _exact(kind)


def _refuse(value: Any, kind: Any) -> typing.NoReturn:
    raise _Misfit(f"{value!r} is no {getattr(kind, '__name__', kind)}")


def _float(value: Any) -> float:
    if type(value) in (float, int) and math.isfinite(value):
        return float(value)
    _refuse(value, float)


def _exact(kind: Any) -> Decoder:
    def decode_exact(value: Any) -> Any:
        return value if type(value) is kind else _refuse(value, kind)

    return decode_exact


def _enum(kind: type[StrEnum]) -> Decoder:
    members = {str(member): member for member in kind}

    def decode_enum(value: Any) -> Any:
        return members[value] if isinstance(value, str) and value in members else _refuse(value, kind)

    return decode_enum


def _union(kinds: tuple[Any, ...]) -> Decoder:
    optional = types.NoneType in kinds
    wanted = [kind for kind in kinds if kind is not types.NoneType]
    by_type = {kind: _decoder(kind) for kind in wanted if isinstance(kind, type)}
    first = _decoder(wanted[0])

    def decode_union(value: Any) -> Any:
        if value is None and optional:
            return None
        return by_type.get(type(value), first)(value)

    return decode_union


def _sequence(kind: Any, item: Decoder) -> Decoder:
    def decode_sequence(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            _refuse(value, kind)
        found = []
        for index, one in enumerate(value):
            try:
                found.append(item(one))
            except _Misfit as misfit:
                raise _Misfit(misfit.fault, f"[{index}]{misfit.place}") from None
        return tuple(found)

    return decode_sequence


def _mapping(kind: Any, item: Decoder) -> Decoder:
    def decode_mapping(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            _refuse(value, kind)
        return {key: _placed(item, one, key) for key, one in value.items()}

    return decode_mapping


def _object(kind: type[Any]) -> Decoder:
    decoders = [(name, _decoder(hint)) for name, hint in typing.get_type_hints(kind).items()]
    names = {name for name, _ in decoders}

    def decode_object(value: Any) -> Any:
        if not isinstance(value, dict):
            _refuse(value, kind)
        if value.keys() != names:
            wrong = min(names ^ value.keys())
            raise _Misfit(f"{'missing' if wrong in names else 'unknown'} field", f".{wrong}")
        return kind(**{name: _placed(decoder, value[name], name) for name, decoder in decoders})

    return decode_object


def _placed(item: Decoder, value: Any, key: str) -> Any:
    try:
        return item(value)
    except _Misfit as misfit:
        raise _Misfit(misfit.fault, f".{key}{misfit.place}") from None
