"""Gated figures: those of each cell that have a rule, gathered, because noise is shared among all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean

from redl.errors import RecordError
from redl.record import Record
from redl.results.gate.change import Change
from redl.results.gate.noise import FALSE_ALARMS, OF_BANDS, repeats_of, tolerance
from redl.results.gate.rule import Rule, rules_for
from redl.results.gate.scores import ScorePair, score_changes
from redl.results.gate.times import PER_IMAGE, TimePair, time_changes
from redl.results.reference import Reference


@dataclass(kw_only=True, slots=True)
class Gated:
    """Figures of `cells` cells that are gated by rules; `identical` are the cases of which no digit moved."""

    rules: Sequence[Rule]
    reference: Reference | None
    identical: frozenset[str]
    cells: int
    changes: list[Change] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    scores: list[ScorePair] = field(default_factory=list)
    times: list[TimePair] = field(default_factory=list)
    without_auc: list[str] = field(default_factory=list)
    loaded: dict[str, list[str]] = field(default_factory=dict)

    def add(self, pairs: Sequence[tuple[Record, Record]]) -> None:
        """Take in the records of a cell's seeds, before and after."""
        case = pairs[0][1].case
        found = rules_for(case, self.rules)
        if not found:
            self.faults.append(f"{case.cell}: no rule applies to it; give one, e.g. accuracy:0.02")
        for rule in found:
            try:
                self._add(rule, pairs)
            except RecordError as error:
                self.faults.append(f"{case.cell}: {error}")

    def judged(self) -> tuple[list[Change], list[str], list[str]]:
        """Return all changes, faults and notes."""
        changes = self.changes + score_changes(self.scores, FALSE_ALARMS["scores"])
        changes += time_changes(self.times, FALSE_ALARMS["times"])
        judged = {change.figure.name for change in changes}
        notes = []
        if self.without_auc:
            words = f"auc: the reference has none of {_cells(self.without_auc)}"
            notes.append(f"{words}, where it is not gated; renew it by --redl-save-reference")
        for name, cells in self.loaded.items():
            words = f"{name}: taken under foreign load in {_cells(cells)}"
            if name in judged:
                notes.append(f"{words}, where it is not gated")
            else:
                self.faults.append(f"{words}; run again where nothing else runs, or drop the rule")
        return changes, self.faults, notes

    def _add(self, rule: Rule, pairs: Sequence[tuple[Record, Record]]) -> None:
        record = pairs[0][1]
        before, after = _known(rule, pairs)
        if rule.figure.of_machine and any(_loaded(one, rule) for pair in pairs for one in pair):
            self.loaded.setdefault(rule.figure.name, []).append(record.case.cell)
            return
        seeds = tuple(new.case.seed for _, new in pairs)
        if rule.noise_only and rule.figure.name in OF_BANDS:
            repeats = repeats_of(rule, record, self.reference)
            if not repeats.scores:
                self.without_auc.append(record.case.cell)
                return
            self.scores.append(
                ScorePair(
                    rule=rule,
                    case=record.case,
                    repeats=repeats,
                    seeds=seeds,
                    before=before,
                    after=after,
                    identical=all(new.case.id in self.identical for _, new in pairs),
                )
            )
            return
        mean = fmean(before)
        if rule.noise_only and rule.figure.name in PER_IMAGE:
            self.times.append(
                TimePair(rule=rule, cell=record.case.cell, seeds=seeds, before=mean, after=fmean(after))
            )
            return
        allowed = tolerance(rule, record, mean, seeds=len(seeds), reference=self.reference, cells=self.cells)
        self.changes.append(
            Change(
                cell=record.case.cell,
                seeds=seeds,
                figure=rule.figure,
                before=mean,
                expected=mean,
                after=fmean(after),
                allowed=allowed,
                rule=rule.text,
            )
        )


def _loaded(record: Record, rule: Rule) -> bool:
    return record.under_load(inference=rule.figure.name.startswith("inference"))


def _cells(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{len(names)} cases, e.g. {names[0]}"


def _known(rule: Rule, pairs: Sequence[tuple[Record, Record]]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return a figure of each seed, before and after; raise RecordError if one is not known."""
    before = [rule.figure.of(old) for old, _ in pairs]
    after = [rule.figure.of(new) for _, new in pairs]
    for side, figures in (("this run", after), ("the baseline", before)):
        if None in figures:
            raise RecordError(f"{rule.figure.name} is not known in {side}; measure it or drop the rule")
    return tuple(f for f in before if f is not None), tuple(f for f in after if f is not None)
