"""The rate: what an image takes in training and in inference, and how far off a prediction from it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from redl.record import EnergyKind, EnergyReading, FinishedRecord
from redl.record.budget import Probe
from redl.results.forecast.history import Sort, sort_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """What an image takes, by the medians of `cases` of one sort, without any PUE.

    A rate without cases was measured by `steps` on noise; its rounds differed by the share `spread`.
    `overhead_seconds` are a case's own beside its images: the start of its process, keeping epochs and so
    on; of a measured rate only opening the model. `memory_bytes` and `state_bytes` (weights and optimizer
    state) are the largest. `estimated` says that any energy is no measured one, `loaded` that all times were
    taken while others computed.
    """

    cases: int
    steps: int = 0
    spread: float | None = None
    overhead_seconds: float | None
    train_seconds: float
    infer_seconds: float
    latency_seconds: float
    train_wh: float | None
    infer_wh: float | None
    memory_bytes: int | None
    state_bytes: int | None
    estimated: bool
    loaded: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Accuracy:
    """How far off each of `cases` was when it was predicted from the others of its sort, as a share of it."""

    cases: int
    median: float
    most: float


def rates(records: Iterable[FinishedRecord]) -> dict[Sort, Rate]:
    """Return the rate of each sort of case; those taken under load count only where there are no others."""
    return {sort: _rate(_quiet(some)) for sort, some in _by_sort(records).items()}


def accuracy(records: Iterable[FinishedRecord], sorts: Iterable[Sort]) -> Accuracy | None:
    """Return how well cases of these sorts are predicted; None where no sort has two of them."""
    wanted = set(sorts)
    found = [
        error
        for sort, some in _by_sort(records).items()
        if sort in wanted
        for error in _left_out([1 / one.training.images_per_second for one in _quiet(some)])
    ]
    return Accuracy(cases=len(found), median=median(found), most=max(found)) if found else None


def rate_measured(probe: Probe) -> Rate:
    """Return the rate of a sort that a probe measured with its pace; a few steps tell no energy."""
    pace = probe.pace
    assert pace is not None, "the pace was asked for"
    train = median(pace.train_seconds)
    return Rate(
        cases=0,
        steps=pace.steps,
        spread=(max(pace.train_seconds) - min(pace.train_seconds)) / train,
        overhead_seconds=pace.start_seconds,
        train_seconds=train,
        infer_seconds=median(pace.infer_seconds),
        latency_seconds=pace.latency.median_seconds,
        train_wh=None,
        infer_wh=None,
        memory_bytes=probe.peak_bytes,
        state_bytes=pace.state_bytes,
        estimated=False,
        loaded=bool(probe.conditions.foreign_load or pace.conditions.foreign_load),
    )


def overhead(record: FinishedRecord) -> float | None:
    """Return the seconds of a case's process that its images do not explain; None if they were not taken.

    They are not taken of a case that was resumed, because an earlier process trained some of its images.
    """
    taken = None if record.placement is None else record.placement.process_seconds
    if taken is None or record.training.resumed_after or record.conditions is None:
        return None
    infer, images = record.inference, record.data.images
    # A pass over the validation images after each epoch, and one more before inference is measured.
    evaluated = (record.training.epochs_run + 1) * images.valid / infer.images_per_second
    settled = record.conditions.train.settled_s + record.conditions.inference.settled_s
    latency = infer.latency.passes * infer.latency.median_seconds
    return max(0.0, taken - record.training.seconds_to_stop - evaluated - infer.seconds - latency - settled)


def _by_sort(records: Iterable[FinishedRecord]) -> Mapping[Sort, list[FinishedRecord]]:
    found: defaultdict[Sort, list[FinishedRecord]] = defaultdict(list)
    for record in records:
        timed = record.training.images_per_second > 0 and record.inference.images_per_second > 0
        if timed and (sort := sort_of(record)) is not None:
            found[sort].append(record)
    return found


def _quiet(records: Sequence[FinishedRecord]) -> Sequence[FinishedRecord]:
    return [one for one in records if not one.under_load()] or records


def _rate(records: Sequence[FinishedRecord]) -> Rate:
    readings = [reading for one in records for reading in (one.energy.train, one.energy.inference)]
    return Rate(
        cases=len(records),
        overhead_seconds=_median(overhead(one) for one in records),
        train_seconds=median(1 / one.training.images_per_second for one in records),
        infer_seconds=median(1 / one.inference.images_per_second for one in records),
        latency_seconds=median(one.inference.latency.median_seconds for one in records),
        train_wh=_median(_wh(one.energy.train) for one in records),
        infer_wh=_median(_wh(one.energy.inference) for one in records),
        memory_bytes=_most(one.memory.train_peak_bytes for one in records),
        state_bytes=_most(_state_bytes(one) for one in records),
        estimated=any(one.kind is EnergyKind.ESTIMATED for one in readings),
        loaded=all(one.under_load() for one in records),
    )


def _left_out(values: Sequence[float]) -> list[float]:
    """Return how far off each value is that is predicted as the median of the others."""
    if len(values) < 2:
        return []
    return [
        abs(median([*values[:place], *values[place + 1 :]]) / own - 1) for place, own in enumerate(values)
    ]


def _wh(reading: EnergyReading) -> float | None:
    per_image = reading.energy_wh_per_image
    return None if per_image is None else per_image / reading.pue.value


def _state_bytes(record: FinishedRecord) -> int | None:
    predicted = record.memory.predicted
    return None if predicted.optimizer_state is None else predicted.weights + predicted.optimizer_state


def _median(values: Iterable[float | None]) -> float | None:
    found = [value for value in values if value is not None]
    return median(found) if found else None


def _most(values: Iterable[int | None]) -> int | None:
    return max((value for value in values if value is not None), default=None)
