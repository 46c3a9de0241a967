"""Comparisons: a run against a baseline, figure by figure, and whatever keeps them from being compared.

A gate that cannot fail is a defect. So whatever was expected and is missing, or is not a number, is a fault,
and a comparison with a fault does not pass. A regression that was found counts even beside faults.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from statistics import fmean

from redl.errors import RecordError
from redl.record import Record
from redl.results.gate.figure import Figure
from redl.results.gate.fingerprint import difference
from redl.results.gate.noise import tolerance
from redl.results.gate.rule import Rule, rules_for
from redl.results.reference import Reference
from redl.results.store import Run


class Outcome(IntEnum):
    """End of a comparison; the number is the exit status of `redl compare`."""

    FINE = 0
    REGRESSED = 1
    NOT_COMPARABLE = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A figure of one cell of the study, the mean over its seeds, before and after.

    `allowed` is how much worse it may get, in the figure's unit.
    """

    cell: str
    seeds: tuple[int, ...]
    figure: Figure
    before: float
    after: float
    allowed: float
    rule: str

    @property
    def regressed(self) -> bool:
        """Return whether it got worse by more than is allowed."""
        return not self.figure.worse_by(self.before, self.after) <= self.allowed

    @property
    def improved(self) -> bool:
        """Return whether it got better by more than it may get worse."""
        return self.figure.worse_by(self.before, self.after) < -self.allowed


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Every change, every fault in one line each, and the number of cases that were left out on purpose."""

    baseline: str
    changes: tuple[Change, ...]
    faults: tuple[str, ...]
    cases: int
    deselected: int

    @property
    def outcome(self) -> Outcome:
        """Return how the comparison ended; one with a fault, or with nothing to compare, is never fine."""
        if any(change.regressed for change in self.changes):
            return Outcome.REGRESSED
        return Outcome.FINE if self.changes and not self.faults else Outcome.NOT_COMPARABLE


def compare(
    base: Run,
    new: Run,
    rules: Sequence[Rule],
    *,
    reference: Reference | None = None,
    other_machine: bool = False,
) -> Comparison:
    """Compare a run with its baseline by rules.

    `reference` has the noise of accuracies. With `other_machine`, machine and software may differ, and a rule
    for a figure that depends on them is a fault.
    """
    wanted = {case: record for case, record in base.records.items() if case not in new.deselected}
    both = [case for case in new.records if case in wanted]
    faults = list(_missing(base, new, wanted))
    faults += [
        f"{rule.text}: {rule.figure.name} depends on machine and software; leave the rule out"
        for rule in rules
        if other_machine and rule.figure.of_machine
    ]
    sound = []
    for case in both:
        if fault := _incomparable(wanted[case], new.records[case], other_machine=other_machine):
            faults.append(f"{case}: {fault}")
        else:
            sound.append(case)
    cells = _cells(wanted, new.records, sound)
    # All figures with a rule of noise share the false alarms, e.g. an accuracy and a peak of every cell.
    shared = len(cells) * max(1, len({rule.figure.name for rule in rules if rule.noise}))
    changes: list[Change] = []
    for cell in cells.values():
        for found in _changes(cell, rules, reference, shared):
            if isinstance(found, Change):
                changes.append(found)
            else:
                faults.append(found)
    return Comparison(
        baseline=base.name,
        changes=tuple(changes),
        faults=tuple(faults),
        cases=len(sound),
        deselected=len(base.records) - len(wanted),
    )


def _missing(base: Run, new: Run, wanted: Mapping[str, Record]) -> Iterator[str]:
    """Yield a line for each case that is not on both sides, or was to run and left no record."""
    for case in new.collected:
        if case not in new.records:
            yield f"{case}: was to run and left no record; it was skipped or ended in an error"
    for case in wanted:
        if case not in new.records and case not in new.collected:
            yield f"{case}: is in the baseline and not in this run"
    for case in new.records:
        if case not in base.records:
            yield f"{case}: is not in the baseline; to add it, set this run by `redl baseline set RUN`"
    if not wanted or not new.records:
        yield "there is no case to compare"


def _incomparable(before: Record, after: Record, *, other_machine: bool) -> str | None:
    for record, side in ((before, "the baseline"), (after, "this run")):
        if record.metrics is None:
            return f"did not finish in {side}: {record.status}: {record.reason}"
    return difference(before, after, other_machine=other_machine)


def _cells(
    base: Mapping[str, Record], new: Mapping[str, Record], cases: Sequence[str]
) -> dict[str, list[tuple[Record, Record]]]:
    """Return pairs of records, before and after, grouped by all that their cases share but the seed."""
    cells: dict[str, list[tuple[Record, Record]]] = {}
    for name in cases:
        case = new[name].case
        cells.setdefault(case.cell, []).append((base[name], new[name]))
    return cells


def _changes(
    pairs: Sequence[tuple[Record, Record]], rules: Sequence[Rule], reference: Reference | None, shared: int
) -> Iterator[Change | str]:
    """Yield a change for each figure that has a rule, or the reason why it could not be compared."""
    record = pairs[0][1]
    case, seeds = record.case, tuple(after.case.seed for _, after in pairs)
    found = rules_for(case, rules)
    if not found:
        yield f"{case.cell}: no rule applies to it; give one, e.g. accuracy:0.02"
    for rule in found:
        figures = [(rule.figure.of(before), rule.figure.of(after)) for before, after in pairs]
        known = [(before, after) for before, after in figures if before is not None and after is not None]
        if len(known) < len(figures):
            side = "this run" if any(after is None for _, after in figures) else "the baseline"
            yield f"{case.cell}: {rule.figure.name} is not known in {side}; measure it or drop the rule"
            continue
        before, after = (fmean(side) for side in zip(*known, strict=True))
        try:
            allowed = tolerance(rule, record, before, seeds=len(seeds), reference=reference, figures=shared)
        except RecordError as error:
            yield f"{case.cell}: {error}"
            continue
        yield Change(
            cell=case.cell,
            seeds=seeds,
            figure=rule.figure,
            before=before,
            after=after,
            allowed=allowed,
            rule=rule.text,
        )
