"""Store: saved runs, read back from the JSON that pytest-benchmark writes."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from redl.errors import RecordError
from redl.record import Predictions, Record

# Of a benchmark's `extra_info`: the record, and the answers for each test image. Of the whole: which cases
# were to run, and which were left out on purpose.
KEY, PREDICTIONS_KEY, SELECTION_KEY = "redl", "redl_predictions", "redl"


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """Hold a run's records by their cases' ids.

    `collected` are the ids of the cases that were to run, `deselected` of those that `-k` or the like left
    out; a run saved without them was to run what it has records of.
    """

    name: str
    records: Mapping[str, Record]
    collected: tuple[str, ...] = ()
    deselected: frozenset[str] = field(default_factory=frozenset)


def load_run(path: Path) -> Run:
    """Return a saved run; raise RecordError if it holds no record or a damaged one."""
    with without_collection():
        saved = _parse(path)
        records = _records(_entries(saved, path), path)
    collected, deselected = _selection(saved, path)
    collected = collected or tuple(records)
    return Run(name=path.name, records=records, collected=collected, deselected=deselected)


def load_records(path: Path) -> list[Record]:
    """Return a saved run's records, each case once; raise RecordError if there is none or one is damaged."""
    return list(load_run(path).records.values())


def load_predictions(path: Path) -> dict[str, Predictions]:
    """Return a saved run's predictions by the case's id; a case that did not finish has none.

    Raise RecordError for damaged ones.
    """
    found: dict[str, Predictions] = {}
    for entry in _entries(_parse(path), path):
        if PREDICTIONS_KEY in entry:
            try:
                found[_record(entry, path).case.id] = Predictions.from_json(entry[PREDICTIONS_KEY])
            except RecordError as error:
                raise RecordError(f"{path}: {error}") from error
    return found


def selection(collected: Iterable[str], deselected: Iterable[str]) -> dict[str, list[str]]:
    """Return what a saved run says of the cases that were to run, and of those that were left out."""
    return {"collected": sorted(collected), "deselected": sorted(deselected)}


def _parse(path: Path) -> Any:  # noqa: ANN401 - what JSON holds is not known yet
    try:
        return orjson.loads(path.read_bytes())
    except OSError as error:
        raise RecordError(f"{path}: cannot be read ({type(error).__name__})") from error
    except ValueError as error:
        raise _no_run(path) from error


def _entries(saved: Any, path: Path) -> list[dict[str, Any]]:  # noqa: ANN401 - the same
    """Return the `extra_info` of every benchmark that has a record; there must be one."""
    try:
        infos = [benchmark["extra_info"] for benchmark in saved["benchmarks"]]
        entries = [info for info in infos if info.get(KEY) is not None]
    except (KeyError, TypeError, AttributeError) as error:
        raise _no_run(path) from error
    if not entries:
        raise RecordError(f"{path}: holds no record of redl; save a run of `pytest benchmarks`")
    return entries


def _records(entries: Iterable[dict[str, Any]], path: Path) -> dict[str, Record]:
    records: dict[str, Record] = {}
    seen: dict[str, Any] = {}
    for entry in entries:
        case_id = _case_id(entry[KEY])
        # Training and inference of one case save the same record.
        if case_id is None or seen.get(case_id) != entry[KEY]:
            record = _record(entry, path)
            records[record.case.id], seen[record.case.id] = record, entry[KEY]
    return records


@contextmanager
def without_collection() -> Iterator[None]:
    """Keep the garbage collector away, which would look through all records again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _record(entry: dict[str, Any], path: Path) -> Record:
    try:
        return Record.from_json(entry[KEY])
    except RecordError as error:
        raise RecordError(f"{path}: {error}") from error


def _case_id(entry: object) -> str | None:
    match entry:
        case {"case": {"id": str(case_id)}}:
            return case_id
        case _:
            return None


def _selection(saved: Any, path: Path) -> tuple[tuple[str, ...], frozenset[str]]:  # noqa: ANN401 - the same
    match saved.get(SELECTION_KEY):
        case None:
            return (), frozenset()
        case {"collected": list(collected), "deselected": list(deselected)} if all(
            isinstance(one, str) for one in (*collected, *deselected)
        ):
            return tuple(collected), frozenset(deselected)
        case _:
            raise RecordError(
                f"{path}: `{SELECTION_KEY}` does not say which cases were to run; save it again"
            )


def _no_run(path: Path) -> RecordError:
    return RecordError(f"{path}: not a run saved by pytest-benchmark; name one of --benchmark-json")
