"""Comparisons: a run against a baseline, figure by figure, and whatever keeps them from being compared.

A gate that cannot fail is a defect. So whatever was expected and is missing, or is not a number, is a fault,
and a comparison with a fault does not pass. A regression that was found counts even beside faults.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from redl.record import Record
from redl.results.gate.bits import Bits, bits
from redl.results.gate.change import Change
from redl.results.gate.fingerprint import difference
from redl.results.gate.gated import Gated
from redl.results.gate.rule import Rule
from redl.results.reference import Reference
from redl.results.store import Run


class Outcome(IntEnum):
    """End of a comparison; the number is the exit status of `redl compare`."""

    FINE = 0
    REGRESSED = 1
    NOT_COMPARABLE = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Every change, every fault and every note in one line each, and how many cases there were.

    `bits` says whether the runs computed the same, `deselected` counts the cases left out on purpose.
    """

    baseline: str
    bits: Bits
    changes: tuple[Change, ...]
    faults: tuple[str, ...]
    notes: tuple[str, ...] = ()
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
    same = bits(sound, (wanted, new.records), (base.predictions, new.predictions))
    cells = _cells(wanted, new.records, sound)
    gated = Gated(rules=rules, reference=reference, identical=same.identical, cells=len(cells))
    for pairs in cells.values():
        gated.add(pairs)
    changes, found, notes = gated.judged()
    faults += found
    return Comparison(
        baseline=base.name,
        bits=same,
        changes=tuple(changes),
        faults=tuple(faults),
        notes=tuple(notes),
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
