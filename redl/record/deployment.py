"""Deployment: what a trained network takes and answers in a runtime, outside of the process that trained it.

A figure that was not measured is None, with its reason in `warnings` or beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redl.errors import RecordError
from redl.record.conditions import PhaseConditions
from redl.record.predictions import Predictions
from redl.record.sections import EnergyReading
from redl.record.strict import Amount, Count, Divisor, Line, Number, Section, Share, Word, decode, encode


class SingleImages(Section, frozen=True, kw_only=True):
    """Time of images one by one, each from its bytes to its probability, after a warm-up."""

    passes: Divisor
    p50_seconds: Amount
    p95_seconds: Amount
    cpu_seconds_per_image: Amount


class Batches(Section, frozen=True, kw_only=True):
    """Time of whole batches; `images` counts those of all passes."""

    batch_size: Divisor
    images: Divisor
    seconds: Amount
    images_per_second: Amount


class ServedFile(Section, frozen=True, kw_only=True):
    """The file that the runtime loads."""

    name: Word
    bytes: Count
    sha256: Word


class ServedProcess(Section, frozen=True, kw_only=True):
    """The process of the runtime, from its start.

    Peaks are resident and of the whole process, libraries included: until single images were answered, and
    until batches were. `first_answer_cpu_seconds` are what it computed until its first answer.
    """

    peak_bytes: Count | None
    batch_peak_bytes: Count | None
    first_answer_cpu_seconds: Amount
    torch_loaded: bool
    versions: dict[Word, Word | None]


class Agreement(Section, frozen=True, kw_only=True):
    """How far a runtime's answers lie from torch's in float32.

    `max_abs_dp` is the largest difference of two probabilities; `flips` are images on whose class the two
    differ, at 0.5.
    """

    max_abs_dp: Share
    flips: Count


class Deployment(Section, frozen=True, kw_only=True):
    """Figures of one trained network in one runtime, on so many threads.

    `answers` are the runtime's for each test image, `reference` those of torch in float32 to the same images.
    `agreement` is None for a network that is no better than chance, which would agree with anything;
    `agreement_reason` then says so. `calibration_images`, of the training part, set the ranges of static
    int8; None for others.
    """

    case: Line
    runtime: Word
    threads: Divisor
    single: SingleImages
    batches: Batches
    process: ServedProcess
    file: ServedFile
    energy: EnergyReading
    conditions: PhaseConditions
    calibration_images: Count | None
    agreement: Agreement | None
    agreement_reason: Line | None
    answers: Predictions
    reference: tuple[Number | None, ...]
    warnings: tuple[Line, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain JSON values; raise RecordError for one outside its range."""
        return encode(self, f"{self.case} in {self.runtime}")

    @classmethod
    def from_json(cls, value: object) -> Deployment:
        """Rebuild the figures; raise RecordError for what breaks the schema or contradicts the answers."""
        found = decode(value, cls, "deployment")
        Predictions.from_json(found.answers.to_json())
        if len(found.reference) != len(found.answers.labels):
            raise RecordError("deployment.reference: not one answer for each test image")
        if (found.agreement is None) == (found.agreement_reason is None):
            raise RecordError("deployment.agreement: give it, or a reason why there is none")
        if found.agreement not in (None, agreement_of(found.answers.probabilities, found.reference)):
            raise RecordError("deployment.agreement: does not follow from the answers")
        return found


def agreement_of(answers: Sequence[float | None], reference: Sequence[float | None]) -> Agreement | None:
    """Return how far probabilities lie from others of the same images; None if any is not finite."""
    pairs = [(p, q) for p, q in zip(answers, reference, strict=True) if p is not None and q is not None]
    if len(pairs) < len(answers) or not pairs:
        return None
    return Agreement(
        max_abs_dp=max(abs(p - q) for p, q in pairs),
        flips=sum((p > 0.5) != (q > 0.5) for p, q in pairs),
    )
