"""Arms: what one model under one setting answered for each test image, over its seeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redl.errors import RecordError
from redl.record import DivergenceKind, Predictions, Record
from redl.results.machine import same_machine
from redl.study.case import Setting


@dataclass(frozen=True, kw_only=True, slots=True)
class Arm:
    """Answers of one model under one setting on one data set.

    `labels` (N,) are 0 or 1 and `subjects` (N,) say whose image each is; all arms of a data set share both.
    `probabilities` (S, N) have a row for each of `seeds`, NaN where an answer was not finite. `records` are
    those of the seeds, `broken` those of the seeds that did not finish and so have no row.
    """

    dataset: str
    model: str
    setting: str
    downsample: int
    seeds: tuple[int, ...]
    records: tuple[Record, ...]
    broken: tuple[Record, ...]
    labels: NDArray[np.int64]
    subjects: NDArray[np.int64]
    probabilities: NDArray[np.float64]

    @property
    def diverged(self) -> int:
        """Count the seeds whose training broke down in any epoch, or did not finish at all."""
        return len(self.broken) + sum(bool(r.divergence and r.divergence.broke) for r in self.records)

    @property
    def is_at_chance(self) -> bool:
        """Return whether no finished seed ranks images better than chance; an answer of none is no answer."""
        found = [record.divergence for record in self.records]
        return bool(found) and all(one and DivergenceKind.CHANCE in one.kinds for one in found)

    @property
    def is_baseline(self) -> bool:
        """Return whether others are compared with it."""
        return self.setting == Setting.BASELINE


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """A saving and its baseline over the seeds that both have, row by row.

    `apart` are seeds that both have as well, but under two fingerprints, and that are left out.
    """

    saving: Arm
    baseline: Arm
    seeds: tuple[int, ...]
    new: NDArray[np.float64]
    old: NDArray[np.float64]
    apart: tuple[int, ...] = ()


def arms_of(records: Iterable[Record], predictions: Mapping[str, Predictions]) -> list[Arm]:
    """Group a run's records and predictions (by the case's id) into arms, in the order in which they come.

    Raise RecordError if a finished case has no predictions, seeds of an arm saw different images, or there
    are several profiles, whose cases are not one experiment.
    """
    records = list(records)
    profiles = sorted({record.case.profile for record in records})
    if len(profiles) > 1:
        raise RecordError(f"this run has cases of {' and '.join(profiles)}; save a run of one profile")
    groups: dict[tuple[object, ...], list[Record]] = {}
    for record in records:
        case = record.case
        groups.setdefault((case.dataset, case.model, case.setting, case.downsample), []).append(record)
    return [_arm(group, predictions) for group in groups.values()]


def pairs_of(arms: Sequence[Arm]) -> list[Pair]:
    """Pair each saving with the baseline of its model, data set and scale; raise RecordError without one.

    Seeds that only one of the two has are left out, and those of which they ran on different machines.
    """
    baselines = {(a.dataset, a.model, a.downsample): a for a in arms if a.is_baseline}
    pairs = []
    for arm in arms:
        if arm.is_baseline:
            continue
        name = f"{arm.dataset}-{arm.model}-{arm.setting}"
        baseline = baselines.get((arm.dataset, arm.model, arm.downsample))
        if baseline is None:
            raise RecordError(f"{name}: its baseline is not in this run; run `-k baseline` with it")
        pairs.append(_pair(arm, baseline, name))
    return pairs


def _arm(group: Sequence[Record], predictions: Mapping[str, Predictions]) -> Arm:
    case = group[0].case
    finished = [record for record in group if record.metrics is not None]
    missing = [record.case.id for record in finished if record.case.id not in predictions]
    if missing:
        raise RecordError(f"{missing[0]}: its predictions were not saved; run it again with this redl")
    answers = [predictions[record.case.id] for record in finished]
    if len({(one.subjects, one.labels) for one in answers}) > 1:
        raise RecordError(f"{case.dataset}-{case.model}-{case.setting}: its seeds saw other test images")
    first = answers[0] if answers else Predictions(subjects=(), labels=(), probabilities=())
    return Arm(
        dataset=case.dataset,
        model=case.model,
        setting=case.setting,
        downsample=case.downsample,
        seeds=tuple(record.case.seed for record in finished),
        records=tuple(finished),
        broken=tuple(record for record in group if record.metrics is None),
        labels=np.array(first.labels, dtype=np.int64),
        subjects=np.array(first.subjects, dtype=np.int64),
        probabilities=_matrix(answers, len(first.labels)),
    )


def _pair(saving: Arm, baseline: Arm, name: str) -> Pair:
    shared = [seed for seed in saving.seeds if seed in baseline.seeds]
    if shared and not (
        np.array_equal(saving.labels, baseline.labels) and np.array_equal(saving.subjects, baseline.subjects)
    ):
        raise RecordError(f"{name}: its baseline saw other test images; compare cases of one data set")
    new, old = (dict(zip(arm.seeds, arm.records, strict=True)) for arm in (saving, baseline))
    seeds = tuple(seed for seed in shared if same_machine(new[seed], old[seed]))
    return Pair(
        saving=saving,
        baseline=baseline,
        seeds=seeds,
        apart=tuple(seed for seed in shared if seed not in seeds),
        new=saving.probabilities[[saving.seeds.index(seed) for seed in seeds]],
        old=baseline.probabilities[[baseline.seeds.index(seed) for seed in seeds]],
    )


def _matrix(answers: Sequence[Predictions], images: int) -> NDArray[np.float64]:
    rows: list[Any] = [[np.nan if p is None else p for p in one.probabilities] for one in answers]
    return np.array(rows, dtype=np.float64).reshape(len(answers), images)
