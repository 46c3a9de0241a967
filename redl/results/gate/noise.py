"""Noise: how far figures of equal runs lie apart, which a gate must allow.

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
# what the smallest networks' peaks lie apart in bytes.
CPU_SPREAD, CPU_BYTES = 0.04, 4 * 2**20
CPU_INFERENCE_SPREAD = 0.12

# A GPU's allocator repeats itself; what is allowed is what another cuDNN or driver moves.
DEVICE_SPREAD, DEVICE_BYTES = 0.01, 8 * 2**20

# Time and energy of a shared machine: a tripwire, no measurement.
TRIPWIRE = 0.25

# Of one whole gate, all its figures together, where nothing changed.
FALSE_ALARMS = 0.025


def accuracy_margin(band: Band, *, seeds: int, figures: int) -> float:
    """Return how far the mean accuracy of `seeds` seeds may fall from one run to the next without a cause.

    Two runs whose sums differ in their order are to each other as two seeds are, so nothing is gained by
    pairing them. `figures` is how many are gated at once.
    """
    return _margin(band.spread, len(band.accuracies), seeds, figures)


def peak_margin(record: Record, before: float, band: Band | None, *, seeds: int, figures: int) -> float:
    """Return how many bytes a training peak of `before` bytes may grow without a cause.

    The repeats of a band count where they are of a CPU too, whose peaks are noisier for some networks.
    """
    if not _on_cpu(record):
        return max(before * DEVICE_SPREAD, DEVICE_BYTES)
    least = max(before * CPU_SPREAD, CPU_BYTES)
    known = [peak for peak in band.train_peak_bytes if peak is not None] if band else []
    if band is None or len(known) < LEAST_SEEDS:
        return least
    return max(least, _margin(stdev(known), len(known), seeds, figures))


def inference_peak_margin(record: Record, before: float) -> float:
    """Return how many bytes a peak of inference may grow without a cause."""
    if _on_cpu(record):
        return max(before * CPU_INFERENCE_SPREAD, CPU_BYTES)
    return max(before * DEVICE_SPREAD, DEVICE_BYTES)


def _on_cpu(record: Record) -> bool:
    return record.memory is not None and record.memory.device == "cpu"


def _margin(spread: float, repeats: int, seeds: int, figures: int) -> float:
    """Return a one-sided t interval of the difference of two means of `seeds` runs each.

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
    match rule.figure.name:
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
        case _ if rule.figure.of_machine:
            return TRIPWIRE * abs(before)
        case name:
            raise RecordError(
                f"{rule.text}: the noise of {name} was never measured; give a number, as {name}:0.02"
            )
