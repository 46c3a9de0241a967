"""Quantities: the figures of a record that can be gated, each with its unit and its better direction."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from redl.record import Record, Scores, Status


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """Hold a figure's name, unit and direction, and how to read it from a record.

    `of_machine` says that it can only be compared on the same machine with the same software.
    """

    name: str
    unit: str
    higher_is_better: bool
    of_machine: bool
    read: Callable[[Record], float | None]

    def of(self, record: Record) -> float | None:
        """Return a record's figure; None if it was not measured or is not finite."""
        figure = self.read(record)
        return figure if figure is not None and math.isfinite(figure) else None

    def worse_by(self, before: float, after: float) -> float:
        """Return how much worse `after` is; below 0 it is better."""
        return before - after if self.higher_is_better else after - before


def figures_of(record: Record) -> dict[str, float]:
    """Return the figures of a record that are known, named for a CI's report, as `redl_accuracy`."""
    known = {name: figure.of(record) for name, figure in FIGURES.items()}
    return {f"redl_{name}": figure for name, figure in known.items() if figure is not None}


def _score(name: str, *, higher_is_better: bool = True) -> Figure:
    def read(record: Record) -> float | None:
        scores: Scores | None = record.metrics.test if record.metrics else None
        figure: float | None = None if scores is None else getattr(scores, name)
        return figure

    return Figure(name=name, unit="", higher_is_better=higher_is_better, of_machine=False, read=read)


def _cost(name: str, unit: str, read: Callable[[Record], float | None], *, of_machine: bool = True) -> Figure:
    return Figure(name=name, unit=unit, higher_is_better=False, of_machine=of_machine, read=read)


FIGURES = {
    figure.name: figure
    for figure in (
        *(
            _score(name)
            for name in (
                "accuracy",
                "subject_accuracy",
                "auc",
                "subject_auc",
                "balanced_accuracy",
                "sensitivity",
                "specificity",
            )
        ),
        _score("brier", higher_is_better=False),
        _cost(
            "diverged",
            "",
            lambda r: None if r.metrics is None else float(r.status is Status.DIVERGED),
            of_machine=False,
        ),
        _cost(
            "peak_memory",
            "B",
            lambda r: r.memory.train_peak_bytes if r.memory else None,
            of_machine=False,
        ),
        _cost(
            "inference_memory",
            "B",
            lambda r: r.memory.inference_peak_bytes if r.memory else None,
            of_machine=False,
        ),
        _cost("train_time", "s", lambda r: r.training.seconds_to_stop if r.training else None),
        _cost(
            "inference_time", "s", lambda r: r.inference.seconds / r.inference.passes if r.inference else None
        ),
        _cost("energy", "Wh", lambda r: r.energy.train.energy_wh if r.energy else None),
        _cost(
            "inference_energy", "Wh", lambda r: r.energy.inference.energy_wh_per_image if r.energy else None
        ),
    )
}
