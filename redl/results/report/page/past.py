"""The past: figures of every cell over the saved runs, with their steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from redl.errors import RedlError
from redl.results.gate.history import Series, history_of
from redl.results.gate.rule import parse_rule
from redl.results.reference import Reference, find_reference, load_reference
from redl.results.report.page.groups import group_name
from redl.results.store import Run

# What is no step in each figure: what equal runs differ by or, where that is not known, a number.
RULES = (
    ("accuracy:noise", "accuracy:0.02"),
    ("auc:noise", "auc:0.02"),
    ("peak_memory:noise",),
    ("inference_memory:noise",),
    ("train_time_per_image:noise",),
    ("energy_per_image:noise",),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Past:
    """The series of one figure by the first rule that could be used, and why others could not."""

    figure: str
    unit: str
    rule: str | None
    series: tuple[Series, ...]
    problem: str | None


def past_of(runs: Sequence[Run], reports: Path) -> list[Past]:
    """Return the past of each figure over runs, the oldest first; noise is that of the folder's reference."""
    if not runs:
        return []
    reference = _reference(runs[-1], reports)
    return [_past(runs, rules, reference) for rules in RULES]


def groups_by_cell(runs: Sequence[Run]) -> dict[str, tuple[str, str]]:
    """Return the group and the setting of each cell of the study that any run has."""
    return {
        record.case.cell: (group_name(record), record.case.setting)
        for run in runs
        for record in run.records.values()
    }


def _past(runs: Sequence[Run], rules: Sequence[str], reference: Reference | None) -> Past:
    figure, problem = parse_rule(rules[0]).figure, None
    for text in rules:
        try:
            series = tuple(history_of(runs, parse_rule(text), reference))
        except RedlError as error:
            problem = problem or str(error)
        else:
            return Past(figure=figure.name, unit=figure.unit, rule=text, series=series, problem=problem)
    return Past(figure=figure.name, unit=figure.unit, rule=None, series=(), problem=problem)


def _reference(run: Run, reports: Path) -> Reference | None:
    profile = next(iter(run.records.values())).case.profile
    path = find_reference(profile, reports)
    return None if path is None else load_reference(path)
