"""Changes: figures of a cell, or of several cells together, before and after."""

from __future__ import annotations

from dataclasses import dataclass

from redl.results.gate.figure import Figure


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A figure of one cell of the study, the mean over its seeds, before and after.

    `cells` counts those that are judged together, and `cell` then names them. `before` is the baseline's
    figure; `after` is compared with `expected`, which differs from it where the reference's repeats count
    too. `allowed` is how much worse it may get, and `detectable` the loss that would have been found with a
    probability of 90 %, where that is known; both are in the figure's unit.
    """

    cell: str
    cells: int = 1
    seeds: tuple[int, ...]
    figure: Figure
    before: float
    expected: float
    after: float
    allowed: float
    detectable: float | None = None
    rule: str

    @property
    def regressed(self) -> bool:
        """Return whether it got worse by more than is allowed."""
        return not self.figure.worse_by(self.expected, self.after) <= self.allowed

    @property
    def improved(self) -> bool:
        """Return whether it got better by more than it may get worse."""
        return self.figure.worse_by(self.expected, self.after) < -self.allowed
