"""The second run: what changed against it, figure by figure, and what could not be compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from redl.errors import RedlError
from redl.record import Predictions, Record
from redl.results.gate.change import Change
from redl.results.gate.comparison import compare
from redl.results.gate.report import summary
from redl.results.gate.rule import DEFAULT_RULES, parse_rule
from redl.results.reference import find_reference, load_reference
from redl.results.store import Run

_RULES = (*DEFAULT_RULES, "train_time_per_image:noise", "energy_per_image:noise")


@dataclass(frozen=True, kw_only=True, slots=True)
class Second:
    """The run that was compared with, how the comparison ended, and its changes and faults."""

    name: str
    summary: str
    changes: tuple[Change, ...]
    faults: tuple[str, ...]


def second_of(
    other: Run, records: Mapping[str, Record], predictions: Mapping[str, Predictions], reports: Path
) -> Second:
    """Return what changed from `other`, the earlier run; noise is that of the folder's reference."""
    new = Run(name="these runs", records=records, read_predictions=lambda: predictions)
    path = find_reference(next(iter(records.values())).case.profile, reports)
    try:
        found = compare(
            other,
            new,
            [parse_rule(text) for text in _RULES],
            reference=None if path is None else load_reference(path),
        )
    except RedlError as error:
        return Second(name=other.name, summary=f"not compared: {error}", changes=(), faults=())
    # Each figure of each cell; the changes over several cells at once judge, and repeat these.
    changes = tuple(change for change in found.changes if change.cells == 1)
    return Second(name=other.name, summary=summary(found), changes=changes, faults=found.faults)
