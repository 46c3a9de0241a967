"""Figures: the numbers of a record that can be compared, each with its unit and its better direction."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from redl.errors import OptionError
from redl.nearest import one_of
from redl.record import Record, Scores, Status
from redl.results.metric import Metric


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """Name, unit and direction of a number, and how to read it from a record.

    `highest` is the largest value that it can have, None for one without a limit; the least is 0.
    `of_machine` marks a figure that can only be compared on the same machine with the same software.
    """

    name: str
    unit: str
    higher_is_better: bool
    highest: float | None
    of_machine: bool
    read: Callable[[Record], float | None]

    def of(self, record: Record) -> float | None:
        """Return a record's figure; None if it was not measured or is not finite."""
        figure = self.read(record)
        return figure if figure is not None and math.isfinite(figure) else None

    def worse_by(self, before: float, after: float) -> float:
        """Return how much worse `after` is; below 0 it is better."""
        return before - after if self.higher_is_better else after - before


def figure_named(name: str) -> Figure:
    """Return the figure of a name; raise OptionError, with the nearest name, for an unknown one."""
    if name in FIGURES:
        return FIGURES[name]
    raise OptionError(f"no figure {name!r}; {one_of(name, FIGURES)}")


def figures_of(record: Record) -> dict[str, float]:
    """Return the figures of a record that are known, named for a CI's report, e.g. `redl_accuracy`."""
    known = {name: figure.of(record) for name, figure in FIGURES.items()}
    return {f"redl_{name}": figure for name, figure in known.items() if figure is not None}


def _score(metric: Metric) -> Figure:
    def read(record: Record) -> float | None:
        scores: Scores | None = record.metrics.test if record.metrics else None
        figure: float | None = None if scores is None else getattr(scores, metric)
        return figure

    better = metric is not Metric.BRIER  # the record has the Brier score itself, not minus it
    return Figure(
        name=metric.value, unit="", higher_is_better=better, highest=1.0, of_machine=False, read=read
    )


def _cost(name: str, unit: str, read: Callable[[Record], float | None], *, of_machine: bool = True) -> Figure:
    return Figure(
        name=name, unit=unit, higher_is_better=False, highest=None, of_machine=of_machine, read=read
    )


def _seconds_per_image(record: Record) -> float | None:
    rate = record.training.images_per_second if record.training else 0.0
    return 1 / rate if rate else None


FIGURES = {
    figure.name: figure
    for figure in (
        *map(_score, Metric),
        Figure(
            name="diverged",
            unit="",
            higher_is_better=False,
            highest=1.0,
            of_machine=False,
            read=lambda r: None if r.metrics is None else float(r.status is Status.DIVERGED),
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
        _cost("train_time_per_image", "s", _seconds_per_image),
        _cost("epochs", "", lambda r: r.training.epochs_run if r.training else None, of_machine=False),
        _cost("train_time", "s", lambda r: r.training.seconds_to_stop if r.training else None),
        _cost(
            "inference_time", "s", lambda r: r.inference.seconds / r.inference.passes if r.inference else None
        ),
        _cost("energy_per_image", "Wh", lambda r: r.energy.train.energy_wh_per_image if r.energy else None),
        _cost("energy", "Wh", lambda r: r.energy.train.energy_wh if r.energy else None),
        _cost(
            "inference_energy", "Wh", lambda r: r.energy.inference.energy_wh_per_image if r.energy else None
        ),
    )
}
