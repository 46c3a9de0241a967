"""Bits: whether two runs of a case computed the same, digit for digit.

On one machine equal code gives equal digits, so a case whose first losses and answers are those of the
baseline has not changed, and no statistics are needed to say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from redl.record import Predictions, Record


@dataclass(frozen=True, kw_only=True, slots=True)
class Bits:
    """Ids of the cases that gave identical digits, of those whose digits moved, and of those not known."""

    identical: frozenset[str]
    moved: tuple[str, ...]
    unknown: tuple[str, ...]

    def __str__(self) -> str:
        """Return the finding in one line."""
        if not self.moved and not self.unknown and self.identical:
            count = _cases(len(self.identical))
            return f"identical: {count} gave the baseline's losses and answers, digit for digit"
        parts = []
        if self.moved:
            total = len(self.moved) + len(self.identical)
            parts.append(f"bits moved in {len(self.moved)} of {_cases(total)}, e.g. {self.moved[0]}")
        if self.unknown:
            parts.append(
                f"bits unknown of {_cases(len(self.unknown))}, which were saved without their answers"
            )
        return "; ".join(parts)


def bits(
    cases: Iterable[str],
    sides: tuple[Mapping[str, Record], Mapping[str, Record]],
    answers: tuple[Mapping[str, Predictions], Mapping[str, Predictions]],
) -> Bits:
    """Compare the first epoch's losses and the answers of cases before and after, by id."""
    identical, moved, unknown = [], [], []
    for case in cases:
        old, new = (side.get(case) for side in answers)
        if old is None or new is None:
            unknown.append(case)
        elif old == new and _first_losses(sides[0][case]) == _first_losses(sides[1][case]):
            identical.append(case)
        else:
            moved.append(case)
    return Bits(identical=frozenset(identical), moved=tuple(moved), unknown=tuple(unknown))


def _first_losses(record: Record) -> tuple[float | None, float | None] | None:
    if record.training is None or not record.training.trace:
        return None
    first = record.training.trace[0]
    return first.train_loss, first.valid_loss


def _cases(count: int) -> str:
    return f"{count} case{'' if count == 1 else 's'}"
