"""Store: records read back from the JSON that pytest-benchmark saves."""

from __future__ import annotations

import json
from pathlib import Path

from redl.errors import RecordError
from redl.record import Record

KEY = "redl"  # of a benchmark's `extra_info`


def load_records(path: Path) -> list[Record]:
    """Return a saved run's records, each case once; raise RecordError if there is none or one is damaged."""
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
        entries = [benchmark["extra_info"].get(KEY) for benchmark in saved["benchmarks"]]
    except OSError as error:
        raise RecordError(f"{path}: cannot be read ({type(error).__name__})") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RecordError(
            f"{path}: not a run saved by pytest-benchmark; name one of --benchmark-json"
        ) from error
    try:
        records = [Record.from_json(entry) for entry in entries if entry is not None]
    except RecordError as error:
        raise RecordError(f"{path}: {error}") from error
    if not records:
        raise RecordError(f"{path}: holds no record of redl; save a run of `pytest benchmarks`")
    return list({record.case.id: record for record in records}.values())
