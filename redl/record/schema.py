"""The JSON Schema of a record, for programs that read saved runs: `python -m redl.record.schema`."""

from __future__ import annotations

import json
import sys
from typing import Any

import msgspec

from redl.record import SavedRecord


def schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a record, which is `extra_info.redl` of a saved benchmark."""
    found: dict[str, Any] = _without_bounds(msgspec.json.schema(SavedRecord))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}


def _without_bounds(part: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Leave out the largest and smallest floats, which only keep NaN and infinities out; JSON has neither."""
    match part:
        case dict():
            return {k: _without_bounds(v) for k, v in part.items() if k not in {"minimum", "maximum"}}
        case list():
            return [_without_bounds(one) for one in part]
        case _:
            return part


def schema_text() -> str:
    """Return the schema as it is published in docs/record-schema.json."""
    return json.dumps(schema(), indent=1) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
