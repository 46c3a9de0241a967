"""Allowances: how much worse a figure may get by a rule, in the figure's unit."""

from __future__ import annotations

from redl.errors import RecordError
from redl.record import Record
from redl.results.gate.noise import TRIPWIRE, accuracy_margin, memory_margin
from redl.results.gate.rule import Rule
from redl.results.reference import Reference


def allowance(
    rule: Rule, record: Record, before: float, *, seeds: int, reference: Reference | None, cells: int
) -> float:
    """Return how much worse than `before` the mean of `seeds` seeds of a record's case may get.

    `cells` is how many others are gated with it. Raise RecordError where the noise that the rule allows is
    not known.
    """
    parts = [rule.absolute or 0.0, (rule.relative or 0.0) * abs(before)]
    if rule.noise:
        parts.append(_noise(rule, record, before, seeds, reference, cells))
    return max(parts)


def _noise(
    rule: Rule, record: Record, before: float, seeds: int, reference: Reference | None, cells: int
) -> float:
    match rule.quantity.name:
        case "accuracy":
            band = reference.band_of(record.case) if reference else None
            if band is None:
                fault = "there is no reference of it"
            elif other := band.difference(record):
                fault = f"its reference is of another {other}"
            else:
                return accuracy_margin(band, seeds=seeds, cases=cells)
            raise RecordError(
                f"{rule.text}: {fault}; write one by --redl-save-reference, or give a number, accuracy:0.02"
            )
        case "peak_memory":
            return memory_margin(record, before)
        case "inference_memory":
            return memory_margin(record, before, inference=True)
        case _ if rule.quantity.of_machine:
            return TRIPWIRE * abs(before)
        case name:
            raise RecordError(
                f"{rule.text}: the noise of {name} was never measured; give a number, as {name}:0.02"
            )
