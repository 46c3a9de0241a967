"""Noise: how far figures of equal runs lie apart, which a gate must allow.

Measured by `benchmarks/test_memory_spread.py` and the reference's repeats (docs/gate.md, docs/memory.md).
"""

from __future__ import annotations

import math

from redl.record import Record
from redl.results.reference import Band

# (max - min) / median of ten equal runs on a CPU, whose resident peak is noisier than a GPU's allocator, and
# what the smallest networks' peaks lie apart in bytes.
CPU_SPREAD, CPU_BYTES = 0.04, 4 * 2**20
CPU_INFERENCE_SPREAD = 0.12

# A GPU's allocator repeats itself; what is allowed is what another cuDNN or driver moves.
DEVICE_SPREAD, DEVICE_BYTES = 0.01, 8 * 2**20

# Time and energy of a shared machine: a tripwire, no measurement.
TRIPWIRE = 0.25

# Of one whole gate, all its cases together, where nothing changed.
FALSE_ALARMS = 0.025


def accuracy_margin(band: Band, *, seeds: int, cases: int) -> float:
    """Return how far the mean accuracy of `seeds` seeds may fall from one run to the next without a cause.

    A one-sided t interval of the difference of two means, its spread that of the band's seeds, at a share of
    false alarms that `cases` cases divide among them (Bonferroni). Two runs whose sums differ in their order
    are to each other as two seeds are, so nothing is gained by pairing them.
    """
    from scipy.stats import t  # slow to import, and the plugin imports this module to collect tests

    repeats = len(band.accuracies)
    quantile = float(t.ppf(1 - FALSE_ALARMS / cases, repeats - 1))
    return quantile * band.spread * math.sqrt(2 / seeds)


def memory_margin(record: Record, before: float, *, inference: bool = False) -> float:
    """Return how many bytes a peak of `before` bytes may grow without a cause."""
    if record.memory is not None and record.memory.device == "cpu":
        return max(before * (CPU_INFERENCE_SPREAD if inference else CPU_SPREAD), CPU_BYTES)
    return max(before * DEVICE_SPREAD, DEVICE_BYTES)
