"""Cells: figures of one setting of a group over its seeds, as the plots show them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from redl.record import Record
from redl.results.aggregate import Aggregate, aggregated, comparable
from redl.results.report.page.fields import COSTS, SCORES, Field
from redl.results.report.page.groups import Group, groups_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Range:
    """Mean over seeds, and the lowest and the highest of them."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """Scores and costs of one setting by their fields' paths; None where a seed that finished lacks one."""

    group: str
    setting: str
    seeds: int
    scores: Mapping[str, Range | None]
    costs: Mapping[str, float | None]


def cells_of(records: Iterable[Record]) -> list[Cell]:
    """Return the cells of records; memory is the largest of the seeds, as in the tables, all else a mean.

    A group that ran on several machines has no costs, because they would be compared.
    """
    return [
        _cell(group, found) for group in groups_of(records) for found in comparable(aggregated(group.records))
    ]


def costs_of(aggregate: Aggregate) -> dict[str, float | None]:
    """Return the costs of an aggregate by their fields' paths."""
    known = (aggregate.train_peak_bytes, aggregate.train_seconds, aggregate.energy_wh)
    return {field.path: value for field, value in zip(COSTS, known, strict=True)}


def _cell(group: Group, aggregate: Aggregate) -> Cell:
    setting = aggregate.record.case.setting
    records = (record for record in group.records if record.case.setting == setting)
    finished = [record for record in records if record.metrics is not None]
    return Cell(
        group=group.name,
        setting=setting,
        seeds=len(finished),
        scores={field.path: _range(field, finished) for field in SCORES},
        costs=costs_of(aggregate),
    )


def _range(field: Field, records: Sequence[Record]) -> Range | None:
    values = [field.value(record) for record in records]
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return None
    return Range(mean=fmean(known), low=min(known), high=max(known))
