"""Merging: saved runs into one, as a union that refuses contradictions.

A case that several runs have is kept once, from the run that tells most of it; of equals, the first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import msgspec

from redl.errors import RecordError
from redl.record import INCIDENTAL, Record
from redl.results.store import (
    FIT_KEY,
    KEY,
    PREDICTIONS_KEY,
    STAMP_KEY,
    load_run,
    selection,
    without_collection,
)

Benchmark = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Merged:
    """A saved run of several: its JSON, how many `cases` it has records of, and how many are `missing`.

    `repeated` cases were in several runs with the same answers; `finished_elsewhere` had ended early in one.
    """

    content: bytes
    cases: int
    missing: int
    repeated: tuple[str, ...]
    finished_elsewhere: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Kept:
    """A case as one run has it."""

    path: Path
    record: Record
    benchmarks: tuple[Benchmark, ...]
    reused: bool

    def said(self, key: str) -> Any:  # noqa: ANN401 - what JSON holds
        """Return what the first test says under a key that has it; None if none does."""
        found = (one["extra_info"].get(key) for one in self.benchmarks)
        return next((value for value in found if value is not None), None)

    @property
    def rank(self) -> tuple[bool, bool, bool, int]:
        """Rank by how much is told."""
        told = self.said(STAMP_KEY) is not None, self.said(PREDICTIONS_KEY) is not None
        return self.record.metrics is not None, *told, len(self.benchmarks)


@dataclass(frozen=True, kw_only=True)
class _Part:
    """A saved run, taken apart; `others` are tests of no case, by name."""

    path: Path
    cases: Mapping[str, _Kept]
    others: Mapping[str, Benchmark]
    collected: frozenset[str]
    deselected: frozenset[str]
    whole: Mapping[str, Any]


def merge(paths: Sequence[Path]) -> Merged:
    """Return saved runs as one; raise RecordError, naming the case and the files, where they contradict."""
    with without_collection():
        parts = [_read(path) for path in paths]
        _check_together(parts)
        cases: dict[str, _Kept] = {}
        repeated, finished = dict[str, None](), dict[str, None]()
        for part in parts:
            for name, new in part.cases.items():
                old = cases.setdefault(name, new)
                if old is new:
                    continue
                if _ended(old.record) and _ended(new.record):
                    _check_same(name, old, new)
                    repeated[name] = None
                elif _ended(old.record) or _ended(new.record):
                    finished[name] = None
                cases[name] = max(old, new, key=lambda one: one.rank)  # of equals, the first
        return _merged(parts, cases, tuple(repeated), tuple(finished))


def _merged(
    parts: Sequence[_Part], cases: Mapping[str, _Kept], repeated: tuple[str, ...], finished: tuple[str, ...]
) -> Merged:
    collected = frozenset(cases).union(*(part.collected for part in parts))
    deselected = frozenset[str]().union(*(part.deselected for part in parts)) - collected
    benchmarks = [one for kept in cases.values() for one in kept.benchmarks] + _others(parts)
    chosen = selection(collected, deselected, (name for name, kept in cases.items() if kept.reused))
    whole = _whole([part.whole for part in parts]) | {"benchmarks": benchmarks, KEY: chosen}
    return Merged(
        content=msgspec.json.format(msgspec.json.encode(whole), indent=4),
        cases=len(cases),
        missing=len(collected - cases.keys()),
        repeated=repeated,
        finished_elsewhere=finished,
    )


def _read(path: Path) -> _Part:
    run = load_run(path)
    _ = run.predictions, run.deployments  # which raise RecordError for damaged ones
    saved: dict[str, Any] = msgspec.json.decode(path.read_bytes())
    tests: dict[str, list[Benchmark]] = {}
    others: dict[str, Benchmark] = {}
    for one in saved["benchmarks"]:
        if found := one["extra_info"].get(KEY):
            tests.setdefault(found["case"]["id"], []).append(one)
        else:
            others.setdefault(one.get("fullname", ""), one)
    cases = {
        name: _Kept(path=path, record=record, benchmarks=tuple(tests[name]), reused=name in run.reused)
        for name, record in run.records.items()
    }
    return _Part(
        path=path,
        cases=cases,
        others=others,
        collected=frozenset(run.collected),
        deselected=run.deselected,
        whole={name: value for name, value in saved.items() if name not in {"benchmarks", KEY}},
    )


def _check_together(parts: Iterable[_Part]) -> None:
    """Raise RecordError for runs of several profiles, or of one data set with differing data."""
    seen: dict[object, tuple[object, Path]] = {}
    for part in parts:
        for kept in part.cases.values():
            case, data = kept.record.case, kept.record.data
            facts: list[tuple[object, str, object]] = [("profile", "the profile", case.profile)]
            if data is not None:
                cell = case.dataset, case.model, case.downsample
                facts.append((cell, f"the fingerprint of the data of {case.id}", data.fingerprint))
                facts.append((case.dataset, f"whether {case.dataset} is synthetic", data.synthetic))
            for key, what, value in facts:
                known, path = seen.setdefault(key, (value, part.path))
                if known != value:
                    raise RecordError(f"{path} and {part.path}: {what} differs; merge only runs of the same")


def _check_same(name: str, old: _Kept, new: _Kept) -> None:
    """Raise RecordError unless two finished records of a case are of one job and say the same.

    Times, energy and memory may differ, because no two measurements agree.
    """
    if old.benchmarks == new.benchmarks:
        return
    for what, mine, theirs in (
        *((what, value(old), value(new)) for what, value in _SAME.items()),
        *_of_both("stamps", STAMP_KEY, old, new),
        *_of_both("answers", PREDICTIONS_KEY, old, new),
    ):
        if mine != theirs:
            raise RecordError(f"{old.path} and {new.path}: {name} has {what} that differ; leave one out")


def _of_both(what: str, key: str, old: _Kept, new: _Kept) -> list[tuple[str, Any, Any]]:
    mine, theirs = old.said(key), new.said(key)
    return [] if mine is None or theirs is None else [(what, mine, theirs)]


def _machine(kept: _Kept) -> dict[str, Any]:
    found = kept.record.environment or {}
    return {name: value for name, value in found.items() if name not in INCIDENTAL}


# What two records of one job have in common, by its name in a message.
_SAME: dict[str, Callable[[_Kept], object]] = {
    "recipes": lambda kept: kept.record.recipe,
    "machines or software": _machine,
    "ends": lambda kept: (kept.record.status, kept.record.divergence),
    "metrics": lambda kept: kept.record.metrics,
}


def _ended(record: Record) -> bool:
    return record.metrics is not None


def _others(parts: Iterable[_Part]) -> list[Benchmark]:
    """Return tests of no case, each once; raise RecordError for two that found different fits."""
    found: dict[str, tuple[Benchmark, Path]] = {}
    for part in parts:
        for name, new in part.others.items():
            old, path = found.setdefault(name, (new, part.path))
            if old["extra_info"].get(FIT_KEY) != new["extra_info"].get(FIT_KEY):
                raise RecordError(f"{path} and {part.path}: {name} has fits that differ; leave one out")
    return [one for one, _ in found.values()]


def _whole(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what a file says of its machine and code: what all say, and no host."""
    common = reduce(_common, found)
    machine = {**common.get("machine_info", {}), "node": ""}
    dates = [date for one in found if isinstance(date := one.get("datetime"), str)]
    return {
        "machine_info": machine,
        "commit_info": common.get("commit_info", {}),
        "datetime": max(dates, default=""),
        "version": found[0].get("version", ""),
    }


def _common(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries that two objects share."""
    return {
        name: _common(value, theirs[name]) if isinstance(value, dict) else value
        for name, value in mine.items()
        if name in theirs
        and (value == theirs[name] or (isinstance(value, dict) and isinstance(theirs[name], dict)))
    }
