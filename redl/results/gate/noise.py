"""Noise: how far the figures of equal runs lie apart, which a gate must allow.

Measured by `benchmarks/test_memory_spread.py` and the reference's repeats (docs/explanation/noise.md).
"""

from __future__ import annotations

import math
from functools import cache
from statistics import stdev

from redl.errors import RecordError
from redl.record import Record
from redl.results.gate.rule import Rule
from redl.results.reference import LEAST_SEEDS, Band, Reference

# (max - min) / median of ten equal runs on a CPU, whose resident peak is noisier than a GPU's allocator, and
# how far the peaks of the smallest networks lie apart, in bytes.
CPU_SPREAD, CPU_BYTES = 0.04, 4 * 2**20
CPU_INFERENCE_SPREAD = 0.12

# A GPU's allocator repeats itself; the allowance is for another cuDNN or driver.
DEVICE_SPREAD, DEVICE_BYTES = 0.01, 8 * 2**20

# Time and energy of a shared machine: a tripwire that was not measured.
TRIPWIRE = 0.25

# Share of gates that fail although nothing changed, over all figures of a gate together.
FALSE_ALARMS = 0.025


def accuracy_margin(band: Band, *, seeds: int, figures: int) -> float:
    """Return by how much the mean accuracy of `seeds` seeds may fall between runs that do not differ.

    Two runs that add up in another order differ as much as two seeds do, so pairing them gains nothing.
    `figures` is the number of figures that are gated at once.
    """
    return _margin(band.spread, len(band.accuracies), seeds, figures)


def peak_margin(record: Record, before: float, band: Band | None, *, seeds: int, figures: int) -> float:
    """Return by how many bytes a training peak of `before` bytes may grow between runs that do not differ.

    On a CPU, where the peaks of some networks are noisier, the repeats of a band count too.
    """
    if not _on_cpu(record):
        return max(before * DEVICE_SPREAD, DEVICE_BYTES)
    least = max(before * CPU_SPREAD, CPU_BYTES)
    known = [peak for peak in band.train_peak_bytes if peak is not None] if band else []
    if band is None or len(known) < LEAST_SEEDS:
        return least
    return max(least, _margin(stdev(known), len(known), seeds, figures))


def inference_peak_margin(record: Record, before: float) -> float:
    """Return by how many bytes a peak of inference may grow between runs that do not differ."""
    if _on_cpu(record):
        return max(before * CPU_INFERENCE_SPREAD, CPU_BYTES)
    return max(before * DEVICE_SPREAD, DEVICE_BYTES)


def _on_cpu(record: Record) -> bool:
    return record.memory is not None and record.memory.device == "cpu"


def _margin(spread: float, repeats: int, seeds: int, figures: int) -> float:
    """Return the half-width of a one-sided t interval of the difference of two means of `seeds` runs each.

    `spread` is the standard deviation of `repeats` runs. The figures that are gated at once divide the share
    of false alarms among them (Bonferroni).
    """
    return _quantile(1 - FALSE_ALARMS / figures, repeats - 1) * spread * math.sqrt(2 / seeds)


@cache
def _quantile(share: float, degrees: int) -> float:
    from scipy.stats import t  # slow to import, and the plugin imports this module to collect tests

    return float(t.ppf(share, degrees))


def tolerance(
    rule: Rule, record: Record, before: float, *, seeds: int, reference: Reference | None, figures: int
) -> float:
    """Return how much worse than `before` the mean over `seeds` seeds of a record's case may get.

    `figures` is the number of figures that are gated at once. Raise RecordError if the rule allows noise that
    is not known.
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
    match rule.figure.name:
        case "accuracy":
            if band is None or other is not None:
                fault = "it has no reference" if band is None else f"its reference differs in {other}"
                raise RecordError(
                    f"{rule.text}: {fault}; write one by --redl-save-reference, or give a number, "
                    "e.g. accuracy:0.02"
                )
            return accuracy_margin(band, seeds=seeds, figures=figures)
        case "peak_memory":
            fitting = None if other else band
            return peak_margin(record, before, fitting, seeds=seeds, figures=figures)
        case "inference_memory":
            return inference_peak_margin(record, before)
        case _ if rule.figure.of_machine:
            return TRIPWIRE * abs(before)
        case name:
            raise RecordError(
                f"{rule.text}: the noise of {name} was never measured; give a number, e.g. {name}:0.02"
            )
