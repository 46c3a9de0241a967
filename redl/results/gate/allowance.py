"""Allowances: how much worse a figure may get by a rule, in the figure's unit."""

from __future__ import annotations

from redl.errors import RecordError
from redl.record import Record
from redl.results.gate.noise import TRIPWIRE, accuracy_margin, inference_peak_margin, peak_margin
from redl.results.gate.rule import Rule
from redl.results.reference import Reference


def allowance(
    rule: Rule, record: Record, before: float, *, seeds: int, reference: Reference | None, figures: int
) -> float:
    """Return how much worse than `before` the mean of `seeds` seeds of a record's case may get.

    `figures` is how many are gated at once. Raise RecordError where the noise that the rule allows is not
    known.
    """
    parts = [rule.absolute or 0.0, (rule.relative or 0.0) * abs(before)]
    if rule.noise:
        parts.append(_noise(rule, record, before, seeds, reference, figures))
    return max(parts)


def _noise(
    rule: Rule, record: Record, before: float, seeds: int, reference: Reference | None, figures: int
) -> float:
    band = reference.band_of(record.case) if reference else None
    other = band.difference(record) if band else None
    match rule.quantity.name:
        case "accuracy":
            if band is None or other is not None:
                fault = (
                    "there is no reference of it" if band is None else f"its reference is of another {other}"
                )
                raise RecordError(
                    f"{rule.text}: {fault}; write one by --redl-save-reference, or give a number, "
                    "accuracy:0.02"
                )
            return accuracy_margin(band, seeds=seeds, figures=figures)
        case "peak_memory":
            fitting = None if other else band
            return peak_margin(record, before, fitting, seeds=seeds, figures=figures)
        case "inference_memory":
            return inference_peak_margin(record, before)
        case _ if rule.quantity.of_machine:
            return TRIPWIRE * abs(before)
        case name:
            raise RecordError(
                f"{rule.text}: the noise of {name} was never measured; give a number, as {name}:0.02"
            )
