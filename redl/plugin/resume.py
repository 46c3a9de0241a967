"""Resume: finished cases of an earlier run are taken over, and not trained again, if nothing differs."""

from __future__ import annotations

import contextlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from redl.errors import OptionError, RecordError
from redl.execution.stamp import Stamp
from redl.record import Predictions, Record
from redl.results.journal import SUFFIX, Entry, is_in_use, read_journal
from redl.results.store import KEY, PREDICTIONS_KEY, STAMP_KEY, load_run

NEWEST = ""  # --redl-resume without a value
_UNFINISHED = "a test of it not finished there"


class TakenOver:
    """A case of an earlier run in place of its process: it has been trained, and answers what it found."""

    def __init__(self, record: Record, predictions: Predictions | None, entries: Iterable[Entry]) -> None:
        self.case = record.case
        self.entries = {entry.test: entry for entry in entries}
        self._record, self._predictions = record, predictions

    def warm_up(self) -> None:
        """Do nothing."""

    def train(self) -> None:
        """Do nothing."""

    def infer(self) -> None:
        """Do nothing."""

    def export(self) -> None:
        """Do nothing."""

    def extra_info(self, test: str) -> Mapping[str, Any]:
        """Return all that a test of the case said."""
        found: Mapping[str, Any] = self.entries[test].benchmark["extra_info"]
        return found

    def finish(self) -> Record:
        """Return the record."""
        return self._record

    def predictions(self) -> Predictions | None:
        """Return what was answered for each test image; None if the case broke."""
        return self._predictions


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """An earlier run: the journal of one that was interrupted, or a saved one; `faults` of its lines.

    It may be deleted, once another run has all of it, if it is an `intact_journal`.
    """

    path: Path
    entries: tuple[Entry, ...]
    faults: tuple[str, ...] = ()
    intact_journal: bool = False


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Cases that are taken over, by id, and why each of the others is run.

    `kept` is all that need not be lost: what was taken over, and what others had found before they are run.
    """

    taken: Mapping[str, TakenOver]
    reasons: Mapping[str, str]
    kept: tuple[Entry, ...]

    def words(self, name: str) -> str:
        """Return in one line how many cases are taken over from `name`, and why others are run."""
        total = len(self.taken) + len(self.reasons)
        line = f"{len(self.taken)} of {total} cases are taken over from {name}"
        counted = [f"{count} ({reason})" for reason, count in Counter(self.reasons.values()).most_common()]
        return f"{line}; run: {', '.join(counted)}" if counted else line


def find_earlier(text: str, folder: Path) -> Earlier | None:
    """Return the run that `text` names, or the newest one in a folder; None if there is none yet.

    Raise OptionError or RecordError for a named one that is no run.
    """
    if text != NEWEST:
        return _read(_named(text, folder))
    found = [*folder.glob(f"*{SUFFIX}"), *folder.glob("[0-9]*_*.json")]
    for path in sorted(found, key=_written_at, reverse=True):
        if path.suffix == SUFFIX and is_in_use(path):
            continue
        with contextlib.suppress(RecordError):  # a run without redl, or of a case that never finished
            return _read(path)
    return None


def decide(
    earlier: Earlier, tests: Mapping[str, Sequence[str]], stamp_of: Callable[[Record], Stamp]
) -> Decision:
    """Decide which cases are taken over.

    `tests` are the full names of the tests of each case, all of which must have finished. `stamp_of` returns
    the stamp that the case of a record would have now.
    """
    entries = defaultdict(list)
    for entry in earlier.entries:
        entries[entry.case].append(entry)
    taken, reasons, kept = {}, {}, list[Entry]()
    for case, names in tests.items():
        found = _taken_over(entries[case], names, stamp_of)
        match found:
            case TakenOver():
                taken[case] = found
                kept += entries[case]
            case reason:
                reasons[case] = reason
                if reason == _UNFINISHED:
                    kept += entries[case]
    return Decision(taken=taken, reasons=reasons, kept=tuple(kept))


def _taken_over(
    entries: Sequence[Entry], tests: Sequence[str], stamp_of: Callable[[Record], Stamp]
) -> TakenOver | str:
    """Return a finished case, or why it is not taken over."""
    if not entries:
        return "not finished there"
    if not set(tests) <= {entry.test for entry in entries}:
        return _UNFINISHED
    try:
        record = Record.from_json(entries[0].benchmark["extra_info"][KEY])
        answers = [
            found for entry in entries if (found := entry.benchmark["extra_info"].get(PREDICTIONS_KEY))
        ]
        predictions = Predictions.from_json(answers[0]) if answers else None
        stamp = msgspec.convert(entries[0].benchmark["extra_info"][STAMP_KEY], Stamp)
        for entry in entries:
            msgspec.convert(entry.benchmark, _Benchmark)
    except (RecordError, msgspec.ValidationError):
        return "damaged there"
    except KeyError:
        return "saved without what a resume compares"
    if record.metrics is None:
        return f"ended early there: {record.status}"
    if difference := stamp.difference(stamp_of(record)):
        return difference
    return TakenOver(record, predictions, entries)


class _Stats(msgspec.Struct):
    """Figures of pytest-benchmark that a test which is taken over has again."""

    min: float
    max: float
    mean: float
    stddev: float
    rounds: int
    median: float
    iqr: float
    q1: float
    q3: float
    iqr_outliers: int
    stddev_outliers: int
    outliers: str
    ld15iqr: float
    hd15iqr: float
    ops: float
    total: float
    iterations: int
    data: tuple[float, ...] = ()


class _Benchmark(msgspec.Struct):
    fullname: str
    extra_info: dict[str, Any]
    stats: _Stats


def _named(text: str, folder: Path) -> Path:
    """Return the path of a journal or a saved run, given by file or as other options name runs."""
    if Path(text).is_file():
        return Path(text)
    from redl.results.gate.baseline import find_run

    try:
        return find_run(text, folder.parent)
    except OptionError:
        raise OptionError(
            f"--redl-resume {text}: no such journal or saved run; put the option last, or name one"
        ) from None


def _read(path: Path) -> Earlier:
    if path.suffix == SUFFIX:
        content = read_journal(path)
        return Earlier(
            path=path, entries=content.entries, faults=content.faults, intact_journal=content.intact
        )
    load_run(path)  # which raises RecordError for what is none
    saved: dict[str, Any] = msgspec.json.decode(path.read_bytes())
    return Earlier(
        path=path,
        entries=tuple(
            Entry(case=one["extra_info"][KEY]["case"]["id"], benchmark=one)
            for one in saved["benchmarks"]
            if one["extra_info"].get(KEY)
        ),
    )


def _written_at(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:  # taken away just now
        return 0
