"""Trade-off: the settings of one model on one data set side by side, with the Pareto set among them.

All settings share the same draws of seeds and patients, so that what they have in common cancels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from redl.record import Record
from redl.results.arms import Arm
from redl.results.machine import Machine
from redl.results.metric import OF_RANKS, Metric
from redl.results.tradeoff.acceptability import Acceptability, acceptability
from redl.results.tradeoff.adjusted import PER
from redl.results.tradeoff.benefit import Unit, Units, treat_all, units_of
from redl.results.tradeoff.change import changes
from redl.results.tradeoff.costs import Resource
from redl.results.tradeoff.pareto import pareto_set
from redl.results.tradeoff.pepr import LETTERS, PeprScore, pepr_scores
from redl.results.tradeoff.plan import Plan
from redl.results.tradeoff.resampling import DRAWS, draw
from redl.results.tradeoff.setting_summary import (
    SettingDraws,
    SettingSummary,
    beyond,
    setting_draws,
    summarise,
    why_not_adjusted,
)

# What is compared beside performance, in the order in which a setting is chosen by it.
COMPARED = (Resource.ENERGY, Resource.MEMORY, Resource.TIME)
_DIGITS = 12  # beyond these, means of equal values differ by the order in which they were added up


@dataclass(frozen=True, kw_only=True, slots=True)
class Tradeoff:
    """The settings of one model, data set and scale side by side.

    `seeds` are those that all compared settings have, `patients` the number in the test part, and `units` the
    number of what is treated, patients or images as `unit` says. `compared` are the resources of the Pareto
    set; `not_compared` says why others are not. Where errors have costs, `cost_of_all` and `cost_of_none` are
    those of treating all and none of 1000 units. `acceptability` is over the settings whose energy is known
    beside the baseline's. `synthetic` marks phantom images, `reduced` a network that was made small.
    """

    dataset: str
    model: str
    downsample: int
    profile: str
    synthetic: bool
    reduced: bool
    metric: Metric
    plan: Plan
    seeds: tuple[int, ...]
    patients: int
    unit: Unit
    units: int
    treat_all: float | None
    cost_of_all: float | None
    cost_of_none: float | None
    draws: int
    compared: tuple[Resource, ...]
    not_compared: dict[Resource, str]
    acceptability: tuple[Acceptability, ...]
    summaries: tuple[SettingSummary, ...]


def tradeoffs(arms: Sequence[Arm], *, metric: Metric, plan: Plan, draws: int = DRAWS) -> list[Tradeoff]:
    """Return the trade-off of each model, data set and scale, in the order in which they come.

    All arms of one data set must have seen the same images, which `pairs_of` checks. Raise OptionError for a
    metric of whole subjects if a subject has images of both classes.
    """
    groups: dict[tuple[str, str, int], list[Arm]] = {}
    for arm in arms:
        groups.setdefault((arm.dataset, arm.model, arm.downsample), []).append(arm)
    return [_tradeoff(group, metric, plan, draws) for group in groups.values()]


def _tradeoff(arms: Sequence[Arm], metric: Metric, plan: Plan, draws: int) -> Tradeoff:
    seen = next((arm for arm in arms if arm.seeds), arms[0])
    units, patients = units_of(seen), len(np.unique(seen.subjects))
    seeds = _shared_seeds(arms)
    left_out = {arm.setting: why for arm in arms if (why := _why_left_out(arm, seeds, metric))}
    kept = [arm for arm in arms if arm.setting not in left_out]
    settings: list[SettingDraws] = []
    if kept:
        drawn = draw(seeds=len(seeds), patients=patients, draws=draws)
        settings = [
            setting_draws(arm, seeds, metric=metric, threshold=plan.threshold, draws=drawn) for arm in kept
        ]
    not_compared = _not_compared(settings)
    compared = tuple(resource for resource in COMPARED if settings and resource not in not_compared)
    planned = plan.patients * len(units.labels) / patients if patients else 0.0
    found = {summary.setting: summary for summary in _summaries(settings, compared, metric, plan, planned)}
    record = _with_data(arms)
    cost_of_all, cost_of_none = _constant_costs(units, plan) if patients else (None, None)
    return Tradeoff(
        dataset=seen.dataset,
        model=seen.model,
        downsample=seen.downsample,
        profile=record.case.profile,
        synthetic=bool(record.data and record.data.synthetic),
        reduced=bool(record.recipe and record.recipe.reduced),
        metric=metric,
        plan=plan,
        seeds=seeds,
        patients=patients,
        unit=units.unit,
        units=len(units.labels),
        treat_all=treat_all(units, plan.threshold) if patients else None,
        cost_of_all=cost_of_all,
        cost_of_none=cost_of_none,
        draws=draws,
        compared=compared,
        not_compared=not_compared,
        acceptability=_acceptability(settings, plan, planned),
        summaries=tuple(
            found[arm.setting]
            if arm.setting in found
            else SettingSummary(setting=arm.setting, diverged=arm.diverged, left_out=left_out[arm.setting])
            for arm in arms
        ),
    )


def _shared_seeds(arms: Sequence[Arm]) -> tuple[int, ...]:
    """Return the seeds that all settings share, leaving out settings of which a seed did not finish."""
    whole = [arm for arm in arms if not arm.broken]
    return tuple(seed for seed in whole[0].seeds if all(seed in arm.seeds for arm in whole)) if whole else ()


def _why_left_out(arm: Arm, seeds: Sequence[int], metric: Metric) -> str | None:
    if arm.broken:  # the mean of its survivors would flatter it
        return f"{len(arm.broken)} of {len(arm.broken) + len(arm.seeds)} seeds did not finish"
    if not seeds:
        return "the settings have no seed in common"
    answers = arm.probabilities[[arm.seeds.index(seed) for seed in seeds]]
    if metric in (*OF_RANKS, Metric.BRIER) and not np.isfinite(answers).all():
        return f"an answer is not finite, and {metric} needs all"
    return None


def _not_compared(settings: Sequence[SettingDraws]) -> dict[Resource, str]:
    """Return why resources cannot be compared: of two machines or kinds, or a setting lacks a figure."""
    machines = frozenset[Machine]().union(*(setting.machines for setting in settings))
    if len(machines) > 1:
        return dict.fromkeys(COMPARED, "the cases ran under more than one fingerprint")
    reasons: dict[Resource, str] = {}
    for resource in COMPARED:
        lacking = [setting for setting in settings if resource in setting.costs.missing]
        if lacking:
            reasons[resource] = f"{lacking[0].setting}: {lacking[0].costs.missing[resource]}"
    if len({setting.costs.kinds[Resource.ENERGY] for setting in settings}) > 1:
        reasons.setdefault(Resource.ENERGY, "measured for some settings and estimated for others")
    return reasons


def _summaries(
    settings: Sequence[SettingDraws],
    compared: Sequence[Resource],
    metric: Metric,
    plan: Plan,
    planned: float,
) -> list[SettingSummary]:
    if not settings:
        return []
    members = _in_pareto_set(settings, compared)
    baseline = next((setting for setting in settings if setting.is_baseline), None)
    spent = {setting.setting: setting.costs.spent for setting in settings if not setting.is_baseline}
    found = changes(spent, baseline.costs.spent, compared) if baseline else {}
    scores = _pepr(settings, metric)
    return [
        summarise(
            setting,
            None if setting.is_baseline else baseline,
            changes=found.get(setting.setting, ()),
            pepr=scores[place],
            plan=plan,
            planned=planned,
            in_pareto_set=members[:, place],
        )
        for place, setting in enumerate(settings)
    ]


def _constant_costs(units: Units, plan: Plan) -> tuple[float | None, float | None]:
    """Return the expected costs of treating all and none of 1000 units, if errors have costs."""
    if plan.error_costs is None:
        return None, None
    positive = float(units.labels.mean())
    return PER * (1 - positive) * plan.error_costs.fp, PER * positive * plan.error_costs.fn


def _acceptability(settings: Sequence[SettingDraws], plan: Plan, planned: float) -> tuple[Acceptability, ...]:
    baseline = next((setting for setting in settings if setting.is_baseline), None)
    if baseline is None:
        return ()
    known = [setting for setting in settings if why_not_adjusted(setting, baseline) is None]
    more = {setting.setting: beyond(setting, baseline, planned) for setting in known}
    without_data = {name: (benefit[1:], wh[1:]) for name, (benefit, wh) in more.items()}
    return acceptability(without_data, plan.lambdas_wh)


def _pepr(settings: Sequence[SettingDraws], metric: Metric) -> list[tuple[PeprScore, ...]]:
    """Return the scores of each setting within all of them, for the resources of which all have a figure."""
    if metric is Metric.BRIER:  # with its sign turned, so that no share of it can be taken
        return [() for _ in settings]
    performance = np.stack([setting.performance for setting in settings], axis=1)
    known = [name for name in LETTERS if all(name in setting.spent for setting in settings)]
    spent = {name: np.stack([setting.spent[name] for setting in settings], axis=1) for name in known}
    return pepr_scores(performance, spent, known)


def _in_pareto_set(settings: Sequence[SettingDraws], compared: Sequence[Resource]) -> NDArray[np.bool_]:
    """Return which settings are in the Pareto set, (B + 1, K), without draws that lack a needed class."""
    costs = np.stack(
        [
            np.stack(
                [-setting.performance.round(_DIGITS), *(setting.spent[name] for name in compared)], axis=-1
            )
            for setting in settings
        ],
        axis=1,
    )  # (B + 1, K, F)
    return pareto_set(costs[np.isfinite(costs).all(axis=(1, 2))])


def _with_data(arms: Sequence[Arm]) -> Record:
    """Return a record that has its data, which one that ended early lacks; the first if none has."""
    records = [record for arm in arms for record in (*arm.records, *arm.broken)]
    return next((record for record in records if record.data), records[0])
