"""The JSON Schema of a record, for programs that read saved runs: `python -m redl.record.schema`."""

from __future__ import annotations

import json
import sys
from typing import Any

import msgspec

from redl.record import SavedRecord


def schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a record, which is `extra_info.redl` of a saved benchmark."""
    found: dict[str, Any] = msgspec.json.schema(SavedRecord)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}


def schema_text() -> str:
    """Return the schema as it is published in docs/record-schema.json."""
    return json.dumps(schema(), indent=1) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
