"""Predictions: the answers of a trained network for each test image, for statistics over patients."""

from __future__ import annotations

from typing import Any

import msgspec

from redl.errors import RecordError
from redl.record.strict import Count, Number, Section, decode, encode

_QUOTES = 6  # of three keys, and of nothing else


class Predictions(Section, frozen=True, kw_only=True):
    """One entry for each test image, in the order of the split, which all cases of a data set share.

    `subjects` are indices without a meaning elsewhere, `labels` 0 or 1, `probabilities` those of class 1,
    None where the network's answer is not finite.
    """

    subjects: tuple[Count, ...]
    labels: tuple[Count, ...]
    probabilities: tuple[Number | None, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the predictions as plain JSON values."""
        return encode(self, "predictions")

    @classmethod
    def from_json(cls, value: object) -> Predictions:
        """Rebuild predictions; raise RecordError for entries that do not describe one set of images."""
        found = decode(value, cls, "predictions")
        if isinstance(value, bytes | msgspec.Raw) and bytes(value).count(b'"') != _QUOTES:
            raise RecordError("predictions: a key occurs twice; keep one of the two")
        if not len(found.subjects) == len(found.labels) == len(found.probabilities):
            raise RecordError("predictions: subjects, labels and probabilities differ in number")
        if set(found.labels) - {0, 1}:
            raise RecordError("predictions.labels: a label is 0 or 1")
        if any(p is not None and not 0 <= p <= 1 for p in found.probabilities):
            raise RecordError("predictions.probabilities: a probability lies from 0 to 1")
        return found
