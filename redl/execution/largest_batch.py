"""The largest batch that trains under a cap, by few trials: guided by a line, then closed in on.

The peak grows almost linearly with the batch, but faster for large batches than for small ones, so a line
through two small ones promises too much. Each trial is a training that the cap may end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from redl.record.budget import Cap, Probe, Trial

MOST_BATCH = 1024
_FIRST = 4  # images of the first trial
_CAUTION = 0.8  # of what one point promises, or a line far beyond its points
_ENDLESS = 2**31  # what a peak that does not grow promises
_FAR = 1.5  # times the largest known batch
_LARGER = (4, 8, 16)  # images that are tried where the least were refused
MOST_TRIALS = 16  # which only a peak that does not grow with the batch would take

Try = Callable[[int], Trial]


@dataclass(kw_only=True, slots=True)
class Peaks:
    """What batches are known to take, under any cap: by batch, the bytes that a cap would hold."""

    held: Cap
    static_bytes: int = 0
    by_batch: dict[int, int] = field(default_factory=dict)

    def add(self, batch_size: int, probe: Probe) -> None:
        """Take in what a batch took."""
        taken = probe.peak_bytes if self.held is Cap.GROWTH else probe.process_bytes or probe.peak_bytes
        if taken is not None:
            self.by_batch[batch_size] = taken
        self.static_bytes = probe.static_bytes or 0

    def bytes_at(self, batch_size: int) -> float | None:
        """Return the bytes of a batch by the line through the two nearest ones; None with fewer."""
        if (line := self._line(lambda batch, _: abs(batch - batch_size))) is None:
            return None
        slope, intercept = line
        return slope * batch_size + intercept

    def batch_at(self, cap_bytes: int) -> int | None:
        """Return the largest batch that should stay below a cap; None without a trial."""
        if not self.by_batch:
            return None
        if (line := self._line(lambda _, taken: abs(taken - cap_bytes))) is not None:
            slope, intercept = line
            return self._with_caution((cap_bytes - intercept) / slope) if slope > 0 else _ENDLESS
        ((batch, taken),) = self.by_batch.items()
        of_each = max(taken - self.static_bytes, 1) / batch
        return int(_CAUTION * (cap_bytes - self.static_bytes) / of_each)

    def _with_caution(self, batch: float) -> int:
        known = max(self.by_batch)
        return int(batch if batch <= _FAR * known else known + _CAUTION * (batch - known))

    def _line(self, distance: Callable[[int, int], float]) -> tuple[float, float] | None:
        """Return slope and intercept through the two nearest points."""
        nearest = sorted(self.by_batch.items(), key=lambda point: distance(*point))[:2]
        if len(nearest) < 2:
            return None
        (one, first), (other, second) = nearest
        slope = (second - first) / (other - one)
        return slope, first - slope * one


def search(try_batch: Try, peaks: Peaks, cap_bytes: int, *, least: int, most: int) -> Iterator[Trial]:
    """Yield trials until a batch fits and one image more was refused, or nothing is left to try.

    `peaks` guides the search and learns from it. Where `least` was refused some larger batches are tried too:
    on a CPU the C library keeps freed blocks of less than 1 MiB, so a small batch may take more than they do.
    """
    fits, refused = {least - 1}, {most + 1}
    refused_in_a_row = 0
    for _ in range(MOST_TRIALS):
        low = max(fits)
        high = min(batch for batch in refused if batch > low)
        batch = _next(low, high, peaks, cap_bytes, creeping=refused_in_a_row > 1)
        if high - low <= 1:
            left = (larger for larger in _LARGER if larger not in refused and larger <= most)
            if low >= least or (batch := next(left, 0)) == 0:
                return
        trial = try_batch(batch)
        if trial.probe is not None:
            peaks.add(batch, trial.probe)
        (fits if trial.fits else refused).add(batch)
        refused_in_a_row = 0 if trial.fits else refused_in_a_row + 1
        yield trial


def _next(low: int, high: int, peaks: Peaks, cap_bytes: int, *, creeping: bool) -> int:
    """Return the batch to try next, above `low`, which fits, and below `high`, which does not."""
    guess = (low + high) // 2 if creeping else peaks.batch_at(cap_bytes)
    return min(max(_FIRST if guess is None else guess, low + 1), high - 1)


def outcome(trials: list[Trial]) -> tuple[int | None, int | None]:
    """Return the largest batch that fits, and the smallest above it that was refused; None without one."""
    largest = max((trial.batch_size for trial in trials if trial.fits), default=None)
    refused = [trial.batch_size for trial in trials if not trial.fits and trial.batch_size > (largest or 0)]
    return largest, min(refused, default=None)
