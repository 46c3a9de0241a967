"""The ending of a run: whether it is worse than its baseline, and whether its settings cost performance.

Both are told once all cases have run, for a cell of the study is judged by all its seeds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from redl.errors import RedlError
from redl.options import Options
from redl.options.gate import VerdictOptions
from redl.record import Predictions, Record
from redl.results.reference import save_reference
from redl.results.store import Run

# As pytest numbers them; the faces alone import it.
FINE, FAILED, USAGE_ERROR = 0, 1, 4


@dataclass(kw_only=True, slots=True)
class Kept:
    """Hold what the cases of this run found out, by their ids, and which cases it was to run."""

    records: dict[str, Record] = field(default_factory=dict)
    predictions: dict[str, Predictions] = field(default_factory=dict)
    collected: set[str] = field(default_factory=set)
    left_out: set[str] = field(default_factory=set)

    @property
    def deselected(self) -> frozenset[str]:
        """Return the cases of which no test was to run; other tests of a case may have been left out."""
        return frozenset(self.left_out - self.collected)

    @property
    def run(self) -> Run:
        """Return this run as if it had been saved."""
        return Run(
            name="this run",
            records=self.records,
            collected=tuple(sorted(self.collected)),
            deselected=self.deselected,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """Hold what to print at the end, the exit status it wants, and properties for a CI's JUnit report."""

    text: str
    status: int
    properties: Mapping[str, str] = field(default_factory=dict)


def endings(options: Options, kept: Kept, *, width: int) -> Iterable[Ending]:
    """Write the reference, and yield how it, the gate and the verdicts that were asked for ended."""
    if options.save_reference is not None:
        try:
            save_reference(options.save_reference, kept.records.values())
        except RedlError as error:
            yield Ending(text=f"{error}\n", status=USAGE_ERROR)
    if options.gate is not None:
        yield _gate(options, kept, width)
    if options.verdict is not None:
        yield _verdict(options.verdict, kept, width)


def _gate(options: Options, kept: Kept, width: int) -> Ending:
    from redl.results.gate.comparison import Outcome, compare
    from redl.results.gate.report import as_table, summary

    assert options.gate is not None, "this was asked for"
    comparison = compare(
        options.gate.base,
        kept.run,
        options.gate.rules,
        reference=options.gate.reference,
        other_machine=options.gate.other_machine,
    )
    return Ending(
        text=as_table(comparison, width=width, changed_only=True),
        status=FINE if comparison.outcome is Outcome.FINE else FAILED,
        properties={"redl_gate": summary(comparison)},
    )


def _verdict(asked: VerdictOptions, kept: Kept, width: int) -> Ending:
    from redl.results.arms import arms_of, pairs_of
    from redl.results.noninferiority.table import verdict_table
    from redl.results.noninferiority.verdict import Outcome, verdicts

    try:
        pairs = pairs_of(arms_of(kept.records.values(), kept.predictions))
        found = verdicts(pairs, margin=asked.margin, metric=asked.metric)
    except RedlError as error:
        words = f"--redl-verdict: {error}"
        return Ending(text=f"{words}\n", status=FAILED, properties={"redl_verdict": words})
    counts = {outcome: sum(one.outcome is outcome for one in found) for outcome in Outcome}
    words = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
    return Ending(
        text=f"{verdict_table(found, width=width)}verdicts: {words}\n",
        status=FINE if counts[Outcome.NON_INFERIOR] == len(found) else FAILED,
        properties={"redl_verdict": words},
    )
