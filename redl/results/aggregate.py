"""Aggregates: a case over its seeds, as run and over only the converged ones.

A seed that diverged stays in the mean, because nobody knows before training which one will.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, stdev

from scipy.stats import binomtest

from redl.record import EnergyKind, Record
from redl.results.machine import Machine, machines_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Spread:
    """Mean and standard deviation over seeds; a single seed has no deviation."""

    mean: float
    sd: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Aggregate:
    """Figures of one case over its seeds; None if any seed lacks the figure.

    So are the costs if the seeds ran on several `machines`, because they would be those of none of them.

    `broken` counts the seeds that did not finish, which have no figures at all, and `diverged` those of the
    others that diverged; `diverged_interval` is the exact (Clopper-Pearson) 95 % interval of their share.
    `converged` is the accuracy of the rest. Memory is the largest of any seed, everything else a mean;
    `energy_wh_partial` needs seeds that all lack the same components. Time and energy of a phase are
    `under_load` if those of any seed were taken while others computed.
    """

    record: Record
    seeds: tuple[int, ...]
    broken: int
    diverged: int
    diverged_interval: tuple[float, float] | None
    accuracy: Spread | None
    converged: Spread | None
    train_peak_bytes: int | None
    train_seconds: float | None
    inference_seconds: float | None
    energy_wh: float | None
    energy_wh_partial: float | None
    energy_kind: EnergyKind | None
    machines: frozenset[Machine]
    train_under_load: bool
    inference_under_load: bool


def aggregated(records: Iterable[Record]) -> list[Aggregate]:
    """Group records by everything but the seed of their cases, in the order in which they come."""
    groups: dict[tuple[object, ...], list[Record]] = {}
    for record in records:
        case = record.case
        key = (case.dataset, case.model, case.setting, case.downsample, case.profile)
        groups.setdefault(key, []).append(record)
    return [_aggregate(group) for group in groups.values()]


def comparable(aggregates: Sequence[Aggregate]) -> list[Aggregate]:
    """Return aggregates whose costs are to be compared: without them if they come from several machines."""
    machines = frozenset[Machine]().union(*(found.machines for found in aggregates))
    return list(aggregates) if len(machines) <= 1 else [_without_costs(found) for found in aggregates]


def _aggregate(group: Sequence[Record]) -> Aggregate:
    finished = [record for record in group if record.metrics is not None]
    diverged = [record for record in finished if record.divergence and record.divergence.ever]
    converged = [record for record in finished if record not in diverged]
    interval = None
    if finished:
        exact = binomtest(len(diverged), len(finished)).proportion_ci(method="exact")
        interval = (float(exact.low), float(exact.high))
    peaks = _all(finished, lambda r: r.memory.train_peak_bytes if r.memory else None)
    machines = machines_of(finished)
    found = Aggregate(
        record=finished[0] if finished else group[0],
        seeds=tuple(record.case.seed for record in group),
        broken=len(group) - len(finished),
        diverged=len(diverged),
        diverged_interval=interval,
        accuracy=_spread(finished),
        converged=_spread(converged),
        train_peak_bytes=None if peaks is None else int(max(peaks)),
        train_seconds=_mean(finished, lambda r: r.training.seconds_to_stop if r.training else None),
        inference_seconds=_mean(
            finished, lambda r: r.inference.seconds / r.inference.passes if r.inference else None
        ),
        energy_wh=_mean(finished, lambda r: r.energy.train.energy_wh if r.energy else None),
        energy_wh_partial=_partial(finished),
        energy_kind=_weakest(finished),
        machines=machines,
        train_under_load=any(record.under_load() for record in finished),
        inference_under_load=any(record.under_load(inference=True) for record in finished),
    )
    return found if len(machines) <= 1 else _without_costs(found)


def _without_costs(found: Aggregate) -> Aggregate:
    return replace(
        found,
        train_peak_bytes=None,
        train_seconds=None,
        inference_seconds=None,
        energy_wh=None,
        energy_wh_partial=None,
        energy_kind=None,
        train_under_load=False,
        inference_under_load=False,
    )


def _all(records: Sequence[Record], figure: Callable[[Record], float | None]) -> list[float] | None:
    """Return a figure of every record; None if any lacks it, as a mean of some would pass for that of all."""
    found = [figure(record) for record in records]
    known = [value for value in found if value is not None]
    return known if known and len(known) == len(found) else None


def _mean(records: Sequence[Record], figure: Callable[[Record], float | None]) -> float | None:
    found = _all(records, figure)
    return None if found is None else fmean(found)


def _spread(records: Sequence[Record]) -> Spread | None:
    found = _all(records, lambda record: record.metrics.test.accuracy if record.metrics else None)
    if found is None:
        return None
    return Spread(mean=fmean(found), sd=stdev(found) if len(found) > 1 else None)


def _partial(records: Sequence[Record]) -> float | None:
    missing = {record.energy.train.missing for record in records if record.energy}
    if len(missing) != 1:
        return None
    return _mean(records, lambda r: r.energy.train.energy_wh_partial if r.energy else None)


def _weakest(records: Sequence[Record]) -> EnergyKind | None:
    kinds = {record.energy.train.kind for record in records if record.energy}
    order = (EnergyKind.UNAVAILABLE, EnergyKind.ESTIMATED, EnergyKind.MEASURED)
    return next((kind for kind in order if kind in kinds), None)
