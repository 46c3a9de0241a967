"""Models: the combinations of model and setting of one data set side by side, with the Pareto set among them.

The trade-off compares the settings of one model. Here models differ too, so that a small network under the
baseline stands beside a large one that is trained with less.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from redl.errors import RecordError
from redl.record import Record
from redl.results.arms import Arm
from redl.results.metric import OF_RANKS, Metric
from redl.results.tradeoff.costs import Costs, Resource, costs
from redl.results.tradeoff.pareto import pareto_set
from redl.results.tradeoff.pepr import LETTERS, pepr_scores
from redl.results.tradeoff.performance import performance
from redl.results.tradeoff.resampling import DRAWS, Draws, draw
from redl.results.tradeoff.setting_summary import SettingSummary, spent_in
from redl.results.tradeoff.tradeoff import COMPARED
from redl.training.metrics import Floats

_DIGITS = 12  # beyond these, means of equal values differ by the order in which they were added up
_PLACE = ("cpu", "gpu", "device", "usable_cores")  # of a machine, on which its times and energies depend


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """One model and its summary under one setting, as one of all combinations and without a baseline."""

    model: str
    summary: SettingSummary

    @property
    def name(self) -> str:
        """Return model and setting."""
        return f"{self.model} {self.summary.setting}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Models:
    """Combinations on one data set at one scale; `seeds` are those that all compared ones have.

    `compared` are the resources of the Pareto set beside performance; `not_compared` says why others are not.
    Without draws there is no probability and no interval.
    """

    dataset: str
    downsample: int
    profile: str
    synthetic: bool
    metric: Metric
    seeds: tuple[int, ...]
    draws: int
    compared: tuple[Resource, ...]
    not_compared: dict[Resource, str]
    standings: tuple[Standing, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Option:
    """One combination in all draws: performance and what it spent, (B + 1,) each."""

    arm: Arm
    costs: Costs
    performance: Floats
    spent: dict[Resource, Floats]


def across_models(arms: Sequence[Arm], *, metric: Metric, draws: int = DRAWS) -> list[Models]:
    """Return the combinations of each data set and scale on which more than one model was run.

    Raise RecordError if models saw different test images, and OptionError for a metric without a value.
    """
    return [models_of(group, metric=metric, draws=draws) for group in _groups(arms) if _several(group)]


def models_of(arms: Sequence[Arm], *, metric: Metric, draws: int = DRAWS) -> Models:
    """Return the combinations of one data set and scale, in the order in which they come."""
    _check_images(arms)
    seen = next((arm for arm in arms if arm.seeds), arms[0])
    patients = len(np.unique(seen.subjects))
    return _compared(
        arms,
        metric,
        draws,
        drawn=lambda seeds: draw(seeds=seeds, patients=patients, draws=draws),
        score=lambda arm, drawn: performance(arm, metric, drawn),
    )


def observed_models(records: Iterable[Record]) -> list[Models]:
    """Return the same from records only, by accuracy and without draws, where answers are not at hand."""
    groups: dict[tuple[object, ...], list[Record]] = {}
    for record in records:
        case = record.case
        groups.setdefault((case.dataset, case.model, case.setting, case.downsample), []).append(record)
    arms = [_without_answers(group) for group in groups.values()]
    return [
        _compared(
            group,
            Metric.ACCURACY,
            0,
            drawn=lambda seeds: draw(seeds=seeds, patients=1, draws=0),
            score=lambda arm, drawn: drawn.over_seeds(np.array(_accuracies(arm.records))),
        )
        for group in _groups(arms)
        if _several(group)
    ]


def _groups(arms: Iterable[Arm]) -> list[list[Arm]]:
    groups: dict[tuple[str, int], list[Arm]] = {}
    for arm in arms:
        groups.setdefault((arm.dataset, arm.downsample), []).append(arm)
    return list(groups.values())


def _several(arms: Iterable[Arm]) -> bool:
    return len({arm.model for arm in arms}) > 1


def _check_images(arms: Sequence[Arm]) -> None:
    seen = [arm for arm in arms if arm.seeds]
    for arm in seen:
        if not (
            np.array_equal(arm.labels, seen[0].labels) and np.array_equal(arm.subjects, seen[0].subjects)
        ):
            raise RecordError(
                f"{arm.dataset}-{arm.model}-{arm.setting}: saw other test images than {seen[0].model} "
                f"{seen[0].setting}; compare cases of one data set"
            )


def _without_answers(group: Sequence[Record]) -> Arm:
    finished = [record for record in group if _accuracies([record])]
    case = group[0].case
    return Arm(
        dataset=case.dataset,
        model=case.model,
        setting=case.setting,
        downsample=case.downsample,
        seeds=tuple(record.case.seed for record in finished),
        records=tuple(finished),
        broken=tuple(record for record in group if not _accuracies([record])),
        labels=np.empty(0, np.int64),
        subjects=np.empty(0, np.int64),
        probabilities=np.empty((len(finished), 0)),
    )


def _accuracies(records: Iterable[Record]) -> list[float]:
    found = (record.metrics.test.accuracy if record.metrics else None for record in records)
    return [accuracy for accuracy in found if accuracy is not None]


def _compared(
    arms: Sequence[Arm],
    metric: Metric,
    draws: int,
    *,
    drawn: Callable[[int], Draws],
    score: Callable[[Arm, Draws], Floats],
) -> Models:
    whole = [arm for arm in arms if not arm.broken]
    seeds = tuple(seed for seed in whole[0].seeds if all(seed in arm.seeds for arm in whole)) if whole else ()
    left_out = {_key(arm): why for arm in arms if (why := _why_left_out(arm, seeds, metric))}
    kept = [_of_seeds(arm, seeds) for arm in arms if _key(arm) not in left_out]
    same = drawn(len(seeds)) if kept else None
    options = [_option(arm, score(arm, same), same) for arm in kept if same is not None]
    not_compared = _why_not_compared(options)
    compared = tuple(name for name in COMPARED if options and name not in not_compared)
    found = {
        _key(one.arm): each for one, each in zip(options, _standings(options, compared, metric), strict=True)
    }
    first = next((record for arm in arms for record in arm.records), (*arms[0].records, *arms[0].broken)[0])
    return Models(
        dataset=arms[0].dataset,
        downsample=arms[0].downsample,
        profile=first.case.profile,
        synthetic=bool(first.data and first.data.synthetic),
        metric=metric,
        seeds=seeds,
        draws=draws,
        compared=compared,
        not_compared=not_compared,
        standings=tuple(
            found.get(_key(arm))
            or Standing(
                model=arm.model,
                summary=SettingSummary(
                    setting=arm.setting, diverged=arm.diverged, left_out=left_out[_key(arm)]
                ),
            )
            for arm in arms
        ),
    )


def _key(arm: Arm) -> tuple[str, str]:
    return arm.model, arm.setting


def _of_seeds(arm: Arm, seeds: Sequence[int]) -> Arm:
    places = [arm.seeds.index(seed) for seed in seeds]
    records = tuple(arm.records[place] for place in places)
    return replace(arm, seeds=tuple(seeds), records=records, probabilities=arm.probabilities[places])


def _why_left_out(arm: Arm, seeds: Sequence[int], metric: Metric) -> str | None:
    if arm.broken:  # the mean of its survivors would flatter it
        return f"{len(arm.broken)} of {len(arm.broken) + len(arm.seeds)} seeds did not finish"
    if not seeds:
        return "the combinations have no seed in common"
    answers = _of_seeds(arm, seeds).probabilities
    if metric in (*OF_RANKS, Metric.BRIER) and not np.isfinite(answers).all():
        return f"an answer is not finite, and {metric} needs all"
    return None


def _option(arm: Arm, scored: Floats, drawn: Draws) -> _Option:
    found = costs(arm.records)
    return _Option(arm=arm, costs=found, performance=scored, spent=spent_in(found, drawn, images_per_unit=1))


def _why_not_compared(options: Sequence[_Option]) -> dict[Resource, str]:
    """Return why resources cannot be compared: a figure is missing, or figures are of two kinds."""
    reasons: dict[Resource, str] = {}
    for resource in COMPARED:
        lacking = [one for one in options if resource in one.costs.missing]
        if lacking:
            names = " ".join(_key(lacking[0].arm))
            reasons[resource] = f"{names}: {lacking[0].costs.missing[resource]}"
    if len({one.costs.kinds[Resource.ENERGY] for one in options}) > 1:
        reasons.setdefault(Resource.ENERGY, "measured for some and estimated for others")
    places = {
        tuple((r.environment or {}).get(name) for name in _PLACE) for one in options for r in one.arm.records
    }
    if len(places) > 1:
        for resource in (Resource.ENERGY, Resource.TIME):
            reasons.setdefault(resource, "taken on different machines")
    devices = {r.memory.device for one in options for r in one.arm.records if r.memory}
    if len(devices) > 1:
        reasons.setdefault(
            Resource.MEMORY, f"taken on {' and '.join(sorted(devices))}, which count it differently"
        )
    return reasons


def _standings(options: Sequence[_Option], compared: Sequence[Resource], metric: Metric) -> list[Standing]:
    if not options:
        return []
    scored = np.stack([one.performance for one in options], axis=1)  # (B + 1, K)
    spent = {name: np.stack([one.spent[name] for one in options], axis=1) for name in compared}
    figures = np.stack([-scored.round(_DIGITS), *spent.values()], axis=-1)  # (B + 1, K, F)
    members = pareto_set(figures[np.isfinite(figures).all(axis=(1, 2))])
    known = [name for name in LETTERS if name in spent] if metric is not Metric.BRIER else []
    scores = pepr_scores(scored, spent, known)
    sure = compared and len(members) > 1
    return [
        Standing(
            model=one.arm.model,
            summary=replace(
                _summary(one),
                pareto=bool(members[0, place]) if compared else None,
                pareto_probability=float(members[1:, place].mean()) if sure else None,
                pepr=scores[place],
            ),
        )
        for place, one in enumerate(options)
    ]


def _summary(one: _Option) -> SettingSummary:
    """Return what a combination scores and takes by itself."""
    peak = _first(one, Resource.MEMORY)
    return SettingSummary(
        setting=one.arm.setting,
        diverged=one.arm.diverged,
        performance=float(one.performance[0]),
        train_peak_bytes=None if peak is None else int(peak),
        train_seconds=_first(one, Resource.TIME),
        train_wh=_first(one, Resource.ENERGY),
        inference_wh=_first(one, Resource.INFERENCE),
        train_kind=one.costs.kinds[Resource.ENERGY],
        inference_kind=one.costs.kinds[Resource.INFERENCE],
        unknown=one.costs.missing,
        not_adjusted="models are compared without a baseline",
    )


def _first(option: _Option, resource: Resource) -> float | None:
    return float(option.spent[resource][0]) if resource in option.spent else None
