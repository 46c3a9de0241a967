"""Saved runs, read back from the JSON that pytest-benchmark writes."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from redl.errors import RecordError
from redl.record import Predictions, Record

# What redl adds to the JSON: to the `extra_info` of a benchmark a record under KEY and the answers for each
# test image under PREDICTIONS_KEY; to the whole, under KEY too, which cases were to run and which were not.
KEY, PREDICTIONS_KEY = "redl", "redl_predictions"


@dataclass(frozen=True, kw_only=True)
class Run:
    """Records of a run by their cases' ids.

    `collected` are the ids of the cases that were to run, `deselected` those that `-k` or the like left out;
    a run saved without them was to run the cases that it has records of. `read_predictions` is called when
    `predictions` are first used.
    """

    name: str
    records: Mapping[str, Record]
    collected: tuple[str, ...] = ()
    deselected: frozenset[str] = field(default_factory=frozenset)
    read_predictions: Callable[[], Mapping[str, Predictions]] = dict

    @cached_property
    def predictions(self) -> Mapping[str, Predictions]:
        """Return the predictions by the case's id; a case that did not finish has none."""
        return self.read_predictions()


def load_run(path: Path) -> Run:
    """Return a saved run; raise RecordError if it holds no record or a damaged one."""
    with without_collection():
        saved = _parse(path)
        entries = _entries(saved, path)
        records = _records(entries, path)
    collected, deselected = _selection(saved, path)
    return Run(
        name=path.name,
        records=records,
        collected=collected or tuple(records),
        deselected=deselected,
        read_predictions=lambda: _predictions(entries, path),
    )


def selection(collected: Iterable[str], deselected: Iterable[str]) -> dict[str, list[str]]:
    """Return what a saved run says about the cases that were to run, and those that were left out."""
    return {"collected": sorted(collected), "deselected": sorted(deselected)}


@contextmanager
def without_collection() -> Iterator[None]:
    """Turn off the garbage collector, which would look through all records again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _parse(path: Path) -> Any:  # noqa: ANN401 - what JSON holds is not known yet
    try:
        return msgspec.json.decode(path.read_bytes())
    except OSError as error:
        raise RecordError(f"{path}: cannot be read ({type(error).__name__})") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
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
            with _naming(path):
                record = Record.from_json(entry[KEY])
            records[record.case.id], seen[record.case.id] = record, entry[KEY]
    return records


def _predictions(entries: Iterable[dict[str, Any]], path: Path) -> dict[str, Predictions]:
    with _naming(path):
        return {
            entry[KEY]["case"]["id"]: Predictions.from_json(entry[PREDICTIONS_KEY])
            for entry in entries
            if PREDICTIONS_KEY in entry
        }


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Put a file's name before what is wrong with its records."""
    try:
        yield
    except RecordError as error:
        raise RecordError(f"{path}: {error}") from error


def _case_id(entry: object) -> str | None:
    match entry:
        case {"case": {"id": str(case_id)}}:
            return case_id
        case _:
            return None


def _selection(saved: Any, path: Path) -> tuple[tuple[str, ...], frozenset[str]]:  # noqa: ANN401 - the same
    match saved.get(KEY):
        case None:
            return (), frozenset()
        case {"collected": list(collected), "deselected": list(deselected)} if all(
            isinstance(one, str) for one in (*collected, *deselected)
        ):
            return tuple(collected), frozenset(deselected)
        case _:
            raise RecordError(f"{path}: `{KEY}` does not say which cases were to run; save it again")


def _no_run(path: Path) -> RecordError:
    return RecordError(f"{path}: not a run saved by pytest-benchmark; name one of --benchmark-json")
