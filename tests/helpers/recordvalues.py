"""Values that a record may hold, for Hypothesis: within the ranges that its fields declare."""

import dataclasses
import re

import msgspec
from hypothesis import strategies as st

from redl.record import Record, SavedRecord
from redl.study.case import Case

_NAMES = st.from_regex(re.compile(r"[a-z0-9][a-z0-9_.+]{0,9}"), fullmatch=True)
_TEXT = st.text(st.characters(codec="utf-8"), max_size=20)


def records():
    """Return a strategy of whole records."""
    saved = {field.name: values(field.type) for field in msgspec.inspect.type_info(SavedRecord).fields}
    cases = st.builds(
        Case,
        **{field.name: _NAMES for field in dataclasses.fields(Case) if field.type == "str"},
        seed=st.integers(0, 2**63 - 1),
        downsample=st.integers(1, 64),
    )
    return st.builds(Record, **saved | {"schema": st.just(1), "case": cases})


def values(kind):
    """Return a strategy of the values of a msgspec type."""
    inspect = msgspec.inspect
    match kind:
        case inspect.NoneType():
            return st.none()
        case inspect.BoolType():
            return st.booleans()
        case inspect.IntType():
            return st.integers(kind.ge, kind.le)
        case inspect.FloatType():
            return st.floats(kind.ge, kind.le)
        case inspect.StrType():
            return _NAMES if kind.pattern else _TEXT
        case inspect.EnumType():
            return st.sampled_from(kind.cls)
        case inspect.LiteralType():
            return st.sampled_from(kind.values)
        case inspect.UnionType():
            return st.one_of(map(values, kind.types))
        case inspect.VarTupleType():
            return st.lists(values(kind.item_type), max_size=2).map(tuple)
        case inspect.TupleType():
            return st.tuples(*map(values, kind.item_types))
        case inspect.DictType():
            return st.dictionaries(values(kind.key_type), values(kind.value_type), max_size=2)
        case inspect.StructType():
            return st.builds(kind.cls, **{field.name: values(field.type) for field in kind.fields})
    raise AssertionError(kind)
