"""History: one figure of every cell over all saved runs, with the steps in it.

A step is a run whose figure lies further from the median of the runs before it, back to the last step, than
the rule allows, or one from another machine, other software or other data.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from statistics import fmean, median

from redl.errors import OptionError, RecordError
from redl.record import Record
from redl.results.gate.fingerprint import difference
from redl.results.gate.noise import tolerance
from redl.results.gate.rule import Rule
from redl.results.reference import Reference
from redl.results.store import Run, load_run


class Step(StrEnum):
    """What sets a point apart from those before it."""

    NONE = ""
    WORSE = "worse"
    BETTER = "better"
    OTHER = "not comparable"


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """Figure of a cell in one run, the mean over its seeds; None if it is not known."""

    run: str
    commit: str | None
    value: float | None
    step: Step
    reason: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """Points of one cell of the study, the oldest first."""

    cell: str
    rule: Rule
    points: tuple[Point, ...]


def load_history(reports: Path) -> tuple[list[Run], list[str]]:
    """Return the saved runs of a folder in the order of their numbers, and why others could not be read.

    Raise OptionError if none could.
    """
    runs, faults = [], []
    for path in sorted(reports.glob("*/[0-9]*_*.json"), key=lambda path: (path.name, path.parent.name)):
        try:
            runs.append(load_run(path))
        except RecordError as error:
            faults.append(str(error))
    if not runs:
        raise OptionError(f"{reports}: has no saved run; save one by `pytest benchmarks`")
    return runs, faults


def history_of(runs: Sequence[Run], rule: Rule, reference: Reference | None) -> list[Series]:
    """Return the series of every cell that a rule applies to; raise RecordError if its noise is not known."""
    cells: dict[str, list[tuple[Run, list[Record]]]] = {}
    for run in runs:
        for cell, records in _cells(run.records.values(), rule).items():
            cells.setdefault(cell, []).append((run, records))
    return [_series(cell, found, rule, reference) for cell, found in cells.items()]


def _cells(records: Iterable[Record], rule: Rule) -> dict[str, list[Record]]:
    cells: dict[str, list[Record]] = {}
    for record in records:
        if rule.covers(record.case):
            cells.setdefault(record.case.cell, []).append(record)
    return cells


def _series(
    cell: str, found: Sequence[tuple[Run, list[Record]]], rule: Rule, reference: Reference | None
) -> Series:
    points: list[Point] = []
    since: list[float] = []
    last: Record | None = None
    for run, records in found:
        figures = [rule.figure.of(record) for record in records]
        known = [figure for figure in figures if figure is not None]
        value = fmean(known) if len(known) == len(figures) else None
        step, reason = Step.NONE, None
        if value is not None:
            step, reason = _step(value, records, since, last, rule, reference)
            since = [value] if step is not Step.NONE else [*since, value]
            last = records[0]
        commit = (records[0].environment or {}).get("git_commit")
        points.append(
            Point(run=run.name, commit=str(commit) if commit else None, value=value, step=step, reason=reason)
        )
    return Series(cell=cell, rule=rule, points=tuple(points))


def _step(
    value: float,
    records: Sequence[Record],
    since: Sequence[float],
    last: Record | None,
    rule: Rule,
    reference: Reference | None,
) -> tuple[Step, str | None]:
    if last is None:
        return Step.NONE, None
    if other := difference(last, records[0], other_machine=False):
        return Step.OTHER, other
    before = median(since)
    allowed = tolerance(rule, records[0], before, seeds=len(records), reference=reference, cells=1)
    worse_by = rule.figure.worse_by(before, value)
    if abs(worse_by) <= allowed:
        return Step.NONE, None
    return (Step.WORSE if worse_by > 0 else Step.BETTER), None
