"""Saved runs, read back from the JSON that pytest-benchmark writes."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import msgspec

from redl.errors import RecordError
from redl.record import Predictions, Record
from redl.record.deployment import Deployment
from redl.record.strict import parse, read_bytes

# What redl adds to the JSON: to the `extra_info` of a benchmark a record under KEY and the answers for each
# test image under PREDICTIONS_KEY; to the whole, under KEY too, which cases were to run and which were not.
KEY, PREDICTIONS_KEY = "redl", "redl_predictions"
# In the same place, of a test of its own: what a runtime took and answered, or what fits into a budget.
DEPLOYMENT_KEY, FIT_KEY = "redl_deployment", "redl_fit"
# Beside a record: what decides whether two cases are the same job.
STAMP_KEY = "redl_stamp"

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Run:
    """Records of a run by their cases' ids.

    `collected` are the ids of the cases that were to run, `deselected` those that `-k` or the like left out;
    a run saved without them was to run the cases that it has records of. `reused` are the ids of cases that
    were taken over from an earlier run, and not trained again. `read_predictions` is called when
    `predictions` are first used, because they take longer to read than the records and the gate needs none.
    """

    name: str
    records: Mapping[str, Record]
    collected: tuple[str, ...] = ()
    deselected: frozenset[str] = field(default_factory=frozenset)
    reused: frozenset[str] = field(default_factory=frozenset)
    read_predictions: Callable[[], Mapping[str, Predictions]] = dict
    read_deployments: Callable[[], tuple[Deployment, ...]] = tuple

    @cached_property
    def deployments(self) -> tuple[Deployment, ...]:
        """Return what was measured of trained networks in other runtimes."""
        return self.read_deployments()

    @cached_property
    def predictions(self) -> Mapping[str, Predictions]:
        """Return the predictions by the case's id; a case that did not finish has none."""
        return self.read_predictions()


def load_run(path: Path) -> Run:
    """Return a saved run; raise RecordError if it has no record or a damaged one."""
    with without_collection():
        saved = _parse(path)
        entries = [one.extra_info for one in saved.benchmarks if one.extra_info.redl not in _NOTHING]
        if not entries:
            raise RecordError(f"{path}: has no record of redl; save a run of `pytest benchmarks`")
        with _naming(path):
            # Training and inference of one case save the same record.
            found = {
                text: Record.from_json(text) for text in dict.fromkeys(bytes(one.redl) for one in entries)
            }
    records = _records(found.values(), path)
    answers = _by_case(
        (
            (found[bytes(one.redl)].case.id, one.redl_predictions)
            for one in entries
            if one.redl_predictions not in _NOTHING
        ),
        "sets of answers",
        path,
    )
    chosen = saved.redl or _Selection(collected=tuple(records), deselected=frozenset())
    return Run(
        name=path.name,
        records=records,
        collected=chosen.collected,
        deselected=chosen.deselected,
        reused=chosen.reused,
        read_predictions=lambda: _predictions(answers, path),
        read_deployments=lambda: _deployments(saved, path),
    )


def merged(runs: Sequence[Run]) -> tuple[dict[str, Record], dict[str, Predictions]]:
    """Return records and predictions of several runs by the cases' ids.

    Raise RecordError if two runs have differing records of one case.
    """
    records: dict[str, Record] = {}
    predictions: dict[str, Predictions] = {}
    for run in runs:
        for name, record in run.records.items():
            if records.setdefault(name, record) != record:
                raise RecordError(
                    f"{run.name}: has another record of {name} than the runs before it; leave one out"
                )
        predictions |= run.predictions
    return records, predictions


def _records(found: Iterable[Record], path: Path) -> dict[str, Record]:
    """Return records by their cases; one of a case that broke after its training counts before the other."""
    pairs = [(record.case.id, record) for record in found]
    whole = _by_case((pair for pair in pairs if pair[1].metrics is not None), "records", path)
    broken = _by_case((pair for pair in pairs if pair[1].metrics is None), "records", path)
    return {case: broken.get(case) or whole[case] for case, _ in pairs}


def _by_case(pairs: Iterable[tuple[str, T]], what: str, path: Path) -> dict[str, T]:
    """Return what each case has; raise RecordError for a case that has two that differ."""
    found: dict[str, T] = {}
    for case, one in pairs:
        if found.setdefault(case, one) != one:
            raise RecordError(f"{path}: {case} has two {what} that differ; leave one of them out")
    return found


def selection(
    collected: Iterable[str], deselected: Iterable[str], reused: Iterable[str] = ()
) -> dict[str, list[str]]:
    """Return what a saved run says about cases: which were to run, were left out, and were taken over."""
    taken = {"reused": sorted(reused)} if reused else {}
    return {"collected": sorted(collected), "deselected": sorted(deselected)} | taken


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


class _Selection(msgspec.Struct, frozen=True):
    """Ids of the cases that were to run, of those that were left out, and of those that were taken over."""

    collected: tuple[str, ...]
    deselected: frozenset[str]
    reused: frozenset[str] = frozenset()


class _ExtraInfo(msgspec.Struct, frozen=True):
    """Text of what redl adds to a benchmark."""

    redl: msgspec.Raw = msgspec.Raw()
    redl_predictions: msgspec.Raw = msgspec.Raw()
    redl_deployment: msgspec.Raw = msgspec.Raw()


class _Benchmark(msgspec.Struct, frozen=True):
    extra_info: _ExtraInfo


class _Saved(msgspec.Struct, frozen=True):
    """What redl reads of the JSON that pytest-benchmark writes."""

    benchmarks: tuple[_Benchmark, ...]
    redl: _Selection | None = None


_NOTHING = (msgspec.Raw(), msgspec.Raw(b"null"))


def _parse(path: Path) -> _Saved:
    try:
        text = read_bytes(path)
        saved = msgspec.json.decode(text, type=_Saved)
        if not _says_each_once(text, saved):
            parse(text, str(path))
        return saved
    except OSError as error:
        raise RecordError(f"{path}: cannot be read ({type(error).__name__})") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if f"$.{KEY}" in str(error):
            raise RecordError(
                f"{path}: `{KEY}` does not say which cases were to run; save it again"
            ) from error
        raise RecordError(
            f"{path}: not a run saved by pytest-benchmark; name one of --benchmark-json"
        ) from error


def _says_each_once(text: bytes, saved: _Saved) -> bool:
    """Return whether no key that is read here occurs twice in one object; records are checked one by one.

    Keys are counted, because all of a large run takes longer to parse than to compare.
    """
    records = sum(one.extra_info.redl != msgspec.Raw() for one in saved.benchmarks) + (saved.redl is not None)
    answers = sum(one.extra_info.redl_predictions != msgspec.Raw() for one in saved.benchmarks)
    deployments = sum(one.extra_info.redl_deployment != msgspec.Raw() for one in saved.benchmarks)
    expected = {
        "benchmarks": 1,
        "extra_info": len(saved.benchmarks),
        KEY: records,
        PREDICTIONS_KEY: answers,
        DEPLOYMENT_KEY: deployments,
    }
    return b"\\" not in text and all(
        text.count(f'"{key}"'.encode()) == count for key, count in expected.items()
    )


def _predictions(answers: Mapping[str, msgspec.Raw], path: Path) -> dict[str, Predictions]:
    with _naming(path):
        return {case: Predictions.from_json(text) for case, text in answers.items()}


def _deployments(saved: _Saved, path: Path) -> tuple[Deployment, ...]:
    found = (one.extra_info.redl_deployment for one in saved.benchmarks)
    with _naming(path):
        return tuple(Deployment.from_json(text) for text in found if text not in _NOTHING)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Put a file's name before what is wrong with its records."""
    try:
        yield
    except RecordError as error:
        raise RecordError(f"{path}: {error}") from error
