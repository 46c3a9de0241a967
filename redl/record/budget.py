"""Budgets: what a setting takes of a limited memory, found by trials that a cap ends.

A figure that was not measured is None, with its reason beside it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from redl.record.conditions import PhaseConditions
from redl.record.sections import EnergyReading, Latency
from redl.record.strict import Amount, Count, Divisor, Line, Section, Word, decode, encode


class Cap(StrEnum):
    """What of a process is held below the cap.

    GROWTH: resident memory above the meter's start, which is what the study counts as the model's, on a CPU.
    PROCESS: all that the driver counts for the process, as on a card of that size, on a GPU.
    """

    GROWTH = "growth"
    PROCESS = "process"


class Pace(Section, frozen=True, kw_only=True):
    """What an image takes in training and in inference, by rounds of several batches after a probe's steps.

    A round is timed as an epoch is; `train_seconds` and `infer_seconds` are those of an image in each.
    `steps` are the training steps of all rounds. `start_seconds` passed from opening the model until it was
    warm, before any step. `state_bytes` are weights and optimizer state, None for an unknown optimizer.
    """

    steps: Divisor
    train_seconds: tuple[Amount, ...]
    infer_seconds: tuple[Amount, ...]
    latency: Latency
    start_seconds: Amount
    state_bytes: Count | None
    conditions: PhaseConditions


class Probe(Section, frozen=True, kw_only=True):
    """What some training steps took: the first warms up, the last is timed.

    `peak_bytes` is the growth by the model and `process_bytes` the peak of the whole process, which the
    driver does not tell in every container. `static_bytes` are weights, gradients and optimizer state, as
    predicted; None for an unknown optimizer. `pace` is None where it was not asked for.
    """

    network: Word
    batch_norm: bool
    device: Word
    steps: Divisor
    peak_bytes: Count | None
    process_bytes: Count | None
    static_bytes: Count | None
    step_seconds: Amount
    energy: EnergyReading
    conditions: PhaseConditions
    reason: Line | None
    pace: Pace | None = None


class Trial(Section, frozen=True, kw_only=True):
    """A batch that was tried under a cap.

    One that did not fit was `over_bytes` above the cap when it was ended, if that is known. `probe` is None
    then, unless the peak was only read at the end.
    """

    batch_size: Divisor
    fits: bool
    probe: Probe | None
    over_bytes: Count | None
    reason: Line | None

    @property
    def words(self) -> str:
        """Return how it went, in a few words."""
        if self.fits:
            peak = None if self.probe is None else self.probe.peak_bytes
            return f"batch {self.batch_size} fits" + ("" if peak is None else f", {peak / 1e6:.0f} MB")
        ended = self.reason if self.over_bytes is None else f"ended {self.over_bytes / 1e6:.1f} MB over"
        return f"batch {self.batch_size} refused, {ended}"


class Fit(Section, frozen=True, kw_only=True):
    """The largest batch with which a network trains under a cap.

    `batch_size` is None where not even the smallest batch fits, which `smallest` is. `refused` is the
    smallest batch that was tried and did not fit; None where the search ended at the largest batch it was to
    try. `emulated_on` names a larger card that was limited to the cap.
    """

    model: Word
    network: Word
    setting: Word
    image_size: Divisor
    cap_bytes: Divisor
    held: Cap
    emulated_on: Line | None
    smallest: Divisor
    batch_size: Count | None
    refused: Count | None
    trials: tuple[Trial, ...]

    @property
    def best(self) -> Probe | None:
        """Return what the largest batch took; None where none fits."""
        return next((trial.probe for trial in self.trials if trial.batch_size == self.batch_size), None)

    @property
    def is_proven(self) -> bool:
        """Return whether one image more was refused."""
        return self.batch_size is not None and self.refused == self.batch_size + 1

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values; raise RecordError for a figure out of range."""
        return encode(self, "fit")

    @classmethod
    def from_json(cls, plain: object, where: str = "fit") -> Fit:
        """Read what `to_json` gave; raise RecordError for anything else."""
        return decode(plain, cls, where)
