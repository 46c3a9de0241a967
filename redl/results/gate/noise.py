"""Noise: how far the figures of equal runs lie apart, which a gate must allow.

Measured by `benchmarks/test_memory_spread.py` and the reference's repeats (docs/explanation/noise.md).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from statistics import stdev

from redl.errors import RecordError
from redl.record import Record
from redl.results.gate.rule import Rule
from redl.results.gate.times import PER_IMAGE, TRIPWIRE
from redl.results.reference import LEAST_SEEDS, Band, Reference

# (max - min) / median of ten equal runs on a CPU, whose resident peak is noisier than a GPU's allocator, and
# how far the peaks of the smallest networks lie apart, in bytes.
CPU_SPREAD, CPU_BYTES = 0.04, 4 * 2**20
CPU_INFERENCE_SPREAD = 0.12

# A GPU's allocator repeats itself; the allowance is for another cuDNN or driver.
DEVICE_SPREAD, DEVICE_BYTES = 0.01, 8 * 2**20

# Shares of gates that fail although nothing changed, of all figures of a kind together: 2.5 % with the
# default rules, which are of scores and memory.
FALSE_ALARMS = {"scores": 0.02, "memory": 0.005, "times": 0.005}

OF_BANDS = ("accuracy", "auc")  # the scores that a reference has


@dataclass(frozen=True, kw_only=True, slots=True)
class Repeats:
    """Scores of a case over the seeds of a reference, and the least difference its test part can show.

    `scores` are empty for an AUC in a band that was written before they were kept.
    """

    seeds: tuple[int, ...]
    scores: tuple[float, ...]
    least: float


def repeats_of(rule: Rule, record: Record, reference: Reference | None) -> Repeats:
    """Return the repeats of a score in the reference; raise RecordError if no band fits the record."""
    band = reference.band_of(record.case) if reference else None
    other = band.difference(record) if band else None
    if band is None or other is not None:
        fault = "it has no reference" if band is None else f"its reference differs in {other}"
        raise RecordError(
            f"{rule.text}: {fault}; write one by --redl-save-reference, or give a number, "
            f"e.g. {rule.figure.name}:0.02"
        )
    aucs = tuple(auc for auc in band.aucs if auc is not None)
    scores = band.accuracies if rule.figure.name == "accuracy" else aucs
    complete = len(scores) == len(band.seeds)
    return Repeats(seeds=band.seeds, scores=scores if complete else (), least=1 / band.test_images)


def peak_margin(record: Record, before: float, band: Band | None, *, seeds: int, cells: int) -> float:
    """Return by how many bytes a training peak of `before` bytes may grow between runs that do not differ.

    On a CPU, where the peaks of some networks are noisier, the repeats of a band count too.
    """
    if not _on_cpu(record):
        return max(before * DEVICE_SPREAD, DEVICE_BYTES)
    least = max(before * CPU_SPREAD, CPU_BYTES)
    known = [peak for peak in band.train_peak_bytes if peak is not None] if band else []
    if band is None or len(known) < LEAST_SEEDS:
        return least
    return max(least, _margin(stdev(known), len(known), seeds, FALSE_ALARMS["memory"] / cells))


def inference_peak_margin(record: Record, before: float) -> float:
    """Return by how many bytes a peak of inference may grow between runs that do not differ."""
    if _on_cpu(record):
        return max(before * CPU_INFERENCE_SPREAD, CPU_BYTES)
    return max(before * DEVICE_SPREAD, DEVICE_BYTES)


def _on_cpu(record: Record) -> bool:
    return record.memory is not None and record.memory.device == "cpu"


def _margin(spread: float, repeats: int, seeds: int, share: float) -> float:
    """Return the half-width of a one-sided t interval of the difference of two means of `seeds` runs each.

    `spread` is the standard deviation of `repeats` runs, `share` that of the false alarms.
    """
    return _quantile(1 - share, repeats - 1) * spread * math.sqrt(2 / seeds)


@cache
def _quantile(share: float, degrees: int) -> float:
    from scipy.stats import t  # slow to import, and the plugin imports this module to collect tests

    return float(t.ppf(share, degrees))


def tolerance(
    rule: Rule, record: Record, before: float, *, seeds: int, reference: Reference | None, cells: int
) -> float:
    """Return how much worse than `before` the mean over `seeds` seeds of a record's case may get.

    `cells` is the number of cases that are gated at once. Raise RecordError if the rule allows noise that is
    not known.
    """
    parts = [rule.absolute or 0.0, (rule.relative or 0.0) * abs(before)]
    if rule.noise:
        parts.append(_noise(rule, record, before, seeds, reference, cells))
    return max(parts)


def _noise(
    rule: Rule, record: Record, before: float, seeds: int, reference: Reference | None, cells: int
) -> float:
    match rule.figure.name:
        case name if name in OF_BANDS:
            repeats = repeats_of(rule, record, reference)
            if not repeats.scores:
                raise RecordError(
                    f"{rule.text}: the reference has no AUCs; renew it by --redl-save-reference"
                )
            spread = max(stdev(repeats.scores), repeats.least)
            return _margin(spread, len(repeats.scores), seeds, FALSE_ALARMS["scores"] / cells)
        case "peak_memory":
            band = reference.band_of(record.case) if reference else None
            fitting = band if band and band.difference(record) is None else None
            return peak_margin(record, before, fitting, seeds=seeds, cells=cells)
        case "inference_memory":
            return inference_peak_margin(record, before)
        case name if name in PER_IMAGE:
            return TRIPWIRE * abs(before)
        case "train_time" | "energy" as name:
            raise RecordError(
                f"{rule.text}: {name} grows with the number of epochs; gate {name}_per_image:noise, and "
                "epochs by a number, e.g. epochs:20%"
            )
        case name:
            raise RecordError(
                f"{rule.text}: the noise of {name} was never measured; give a number, e.g. {name}:0.02"
            )
