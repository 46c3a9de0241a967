"""The checks of a session, made once all of its cases have run.

They wait for the end because a cell of the study is judged by all of its seeds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from redl.errors import RedlError

if TYPE_CHECKING:
    from redl.plugin.options.gate import VerdictOptions
    from redl.plugin.session import RedlSession


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionCheck:
    """Text and exit status of a check at the end, and properties for the JUnit report."""

    text: str
    status: int
    properties: Mapping[str, str] = field(default_factory=dict)


def session_checks(session: RedlSession, *, width: int) -> Iterator[SessionCheck]:
    """Write the reference, and yield the outcome of it, the gate and the verdicts, as requested."""
    options = session.options
    if options.save_reference is not None:
        from redl.results.reference import save_reference

        try:
            session.check_complete("--redl-save-reference")
            save_reference(options.save_reference, session.records.values())
        except RedlError as error:
            yield SessionCheck(text=f"{error}\n", status=pytest.ExitCode.USAGE_ERROR)
    if options.gate is not None:
        yield _gate(session, width)
    if options.verdict is not None:
        yield _verdict(options.verdict, session, width)
    if options.report is not None and session.records:
        yield _report(session, options.report)


def _report(session: RedlSession, folder: Path) -> SessionCheck:
    """Write the report; where that fails the run keeps its status, because its results are saved."""
    from redl.results.report.report import MARGIN, write_report

    verdict = session.options.verdict
    margin = MARGIN if verdict is None else verdict.margin
    try:
        words = write_report([session.run], folder, margin=margin).words
    except Exception as error:  # a fault in a drawing is no fault of what was trained
        line = next(iter(str(error).splitlines()), "")
        words = f"--redl-report {folder}: not whole ({type(error).__name__}: {line}); try `redl report`"
    return SessionCheck(text=f"{words}\n", status=pytest.ExitCode.OK)


def _gate(session: RedlSession, width: int) -> SessionCheck:
    from redl.results.gate.comparison import Outcome, compare
    from redl.results.gate.report import as_table, summary

    gate = session.options.gate
    assert gate is not None, "this was asked for"
    comparison = compare(
        gate.base, session.run, gate.rules, reference=gate.reference, other_machine=gate.other_machine
    )
    fine = comparison.outcome is Outcome.FINE
    return SessionCheck(
        text=as_table(comparison, width=width, changed_only=True),
        status=pytest.ExitCode.OK if fine else pytest.ExitCode.TESTS_FAILED,
        properties={"redl_gate": summary(comparison)},
    )


def _verdict(asked: VerdictOptions, session: RedlSession, width: int) -> SessionCheck:
    from redl.results.deployments import judged
    from redl.results.noninferiority.table import verdict_table
    from redl.results.noninferiority.verdict import Outcome

    try:
        session.verdicts, session.runtime_verdicts = judged(
            session.records,
            session.predictions,
            session.run.deployments,
            margin=asked.margin,
            metric=asked.metric,
            pool_seeds=asked.pool_seeds,
        )
        found = [*session.verdicts, *session.runtime_verdicts]
    except RedlError as error:
        words = f"--redl-verdict: {error}"
        return SessionCheck(
            text=f"{words}\n", status=pytest.ExitCode.TESTS_FAILED, properties={"redl_verdict": words}
        )
    counts = {outcome: sum(one.outcome is outcome for one in found) for outcome in Outcome}
    words = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
    passed = counts[Outcome.NON_INFERIOR] == len(found)
    return SessionCheck(
        text=f"{verdict_table(found, width=width)}verdicts: {words}\n",
        status=pytest.ExitCode.OK if passed else pytest.ExitCode.TESTS_FAILED,
        properties={"redl_verdict": words},
    )
