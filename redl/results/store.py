"""Store: records and predictions read back from the JSON that pytest-benchmark saves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from redl.errors import RecordError
from redl.record import Predictions, Record

# Of a benchmark's `extra_info`: the record, and the answers for each test image.
KEY, PREDICTIONS_KEY = "redl", "redl_predictions"


def load_records(path: Path) -> list[Record]:
    """Return a saved run's records, each case once; raise RecordError if there is none or one is damaged."""
    try:
        records = [Record.from_json(entry[KEY]) for entry in _entries(path)]
    except RecordError as error:
        raise RecordError(f"{path}: {error}") from error
    return list({record.case.id: record for record in records}.values())


def load_predictions(path: Path) -> dict[str, Predictions]:
    """Return a saved run's predictions by the case's id; a case that did not finish has none.

    Raise RecordError for damaged ones.
    """
    found: dict[str, Predictions] = {}
    for entry in _entries(path):
        if PREDICTIONS_KEY in entry:
            try:
                found[Record.from_json(entry[KEY]).case.id] = Predictions.from_json(entry[PREDICTIONS_KEY])
            except RecordError as error:
                raise RecordError(f"{path}: {error}") from error
    return found


def _entries(path: Path) -> list[dict[str, Any]]:
    """Return the `extra_info` of every benchmark that has a record; there must be one."""
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
        infos = [benchmark["extra_info"] for benchmark in saved["benchmarks"]]
        entries = [info for info in infos if info.get(KEY) is not None]
    except OSError as error:
        raise RecordError(f"{path}: cannot be read ({type(error).__name__})") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RecordError(
            f"{path}: not a run saved by pytest-benchmark; name one of --benchmark-json"
        ) from error
    if not entries:
        raise RecordError(f"{path}: holds no record of redl; save a run of `pytest benchmarks`")
    return entries
