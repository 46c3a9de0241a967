"""Placement: where and beside what a case ran, without the name of any machine."""

from __future__ import annotations

from typing import Literal

import msgspec

from redl.printable import printable_line
from redl.record.strict import Amount, Count, Divisor, Line, Section


class Placement(Section, frozen=True, kw_only=True):
    """Where and beside what the last attempt at a case ran.

    `engine` "here" runs one case at a time, as a child of pytest. `node` is a label that the run gave, never
    the name of a host. `device` is what of the node the case could use, e.g. "GPU 1 of 4"; None where that is
    not known. `attempt` counts the workers that have begun the case; attempts of `--redl-retries` on one
    worker are not counted. `queued_seconds` passed from submission until a worker began. `neighbours` are the
    other workers of the run on the node, and `shared` says that they could use the same processors or GPU.
    `process_seconds` passed from the start of the case's last process until its record was there; None where
    the process brought none.
    """

    engine: Literal["here", "workers", "dask"]
    node: Line
    device: Line | None
    attempt: Divisor
    queued_seconds: Amount
    neighbours: Count
    shared: bool
    process_seconds: Amount | None

    def __post_init__(self) -> None:
        """Make the labels fit to be printed, whoever wrote them."""
        msgspec.structs.force_setattr(self, "node", printable_line(self.node))
        if self.device is not None:
            msgspec.structs.force_setattr(self, "device", printable_line(self.device))


HERE = Placement(
    engine="here",
    node="node 1",
    device=None,
    attempt=1,
    queued_seconds=0.0,
    neighbours=0,
    shared=False,
    process_seconds=None,
)
