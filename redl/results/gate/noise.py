"""Noise: how far figures of equal runs lie apart, which a gate must allow.

Measured by `benchmarks/test_memory_spread.py` and the reference's repeats (docs/gate.md, docs/memory.md).
"""

from __future__ import annotations

import math
from functools import cache
from statistics import stdev

from redl.record import Record
from redl.results.reference import LEAST_SEEDS, Band

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
