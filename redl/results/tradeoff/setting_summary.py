"""Summaries of settings: what each scores, costs and is worth, in all draws and against the baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from redl.record import EnergyKind
from redl.results.arms import Arm
from redl.results.machine import Machine, machines_of
from redl.results.metric import Metric
from redl.results.tradeoff.adjusted import PER, Adjusted, adjusted, per_thousand
from redl.results.tradeoff.benefit import Units, gains, units_of
from redl.results.tradeoff.change import Change
from redl.results.tradeoff.costs import Costs, Resource, costs
from redl.results.tradeoff.decision_curve import DecisionPoint, decision_curve
from redl.results.tradeoff.error_costs import losses
from redl.results.tradeoff.footprint import Footprint, Spent, footprint, of_thousand, of_training
from redl.results.tradeoff.interval import Interval, over_units, patients_of
from redl.results.tradeoff.pepr import PeprScore
from redl.results.tradeoff.performance import by_patient, performance
from redl.results.tradeoff.plan import Plan
from redl.results.tradeoff.resampling import Draws
from redl.training.metrics import Floats


@dataclass(frozen=True, kw_only=True, slots=True)
class SettingSummary:
    """Summary of one setting over its seeds: memory is the largest of them, everything else a mean.

    `net_benefit`, the points of `decision_curve` and `inference_wh` are per unit; `more_benefit`, `adjusted`,
    `expected_cost` of errors (None unless their costs were given) and `more_cost` per 1000 units. What is
    more, and `changes` of what training takes, are differences to the baseline, which has none. `training` is
    the footprint of one training, `thousand` that of 1000 units. `pepr` are scores within the settings that
    are compared. What is not known is None: `left_out` says why a setting is not compared at all, `unknown`
    why it lacks a resource, `not_adjusted` why its benefit is not adjusted.
    """

    setting: str
    diverged: int
    left_out: str | None = None
    performance: float | None = None
    train_peak_bytes: int | None = None
    train_seconds: float | None = None
    train_wh: float | None = None
    inference_wh: float | None = None
    train_kind: EnergyKind | None = None
    inference_kind: EnergyKind | None = None
    unknown: dict[Resource, str] = field(default_factory=dict)
    pareto: bool | None = None
    pareto_probability: float | None = None
    changes: tuple[Change, ...] = ()
    pepr: tuple[PeprScore, ...] = ()
    net_benefit: float | None = None
    more_benefit: Interval | None = None
    decision_curve: tuple[DecisionPoint, ...] = ()
    expected_cost: Interval | None = None
    more_cost: Interval | None = None
    training: Footprint | None = None
    thousand: Footprint | None = None
    adjusted: tuple[Adjusted, ...] = ()
    not_adjusted: str | None = None

    @property
    def savings(self) -> tuple[Resource, ...]:
        """Return the resources of which the setting surely takes less than the baseline."""
        return tuple(change.resource for change in self.changes if change.is_saving)


@dataclass(frozen=True, kw_only=True, slots=True)
class SettingDraws:
    """One setting in all draws: arrays (B + 1,), whose first element is of the data themselves.

    `benefit` and the energy of inference are per unit; `units` are the answers from which all follows.
    """

    setting: str
    is_baseline: bool
    diverged: int
    costs: Costs
    units: Units
    images_per_unit: float
    performance: Floats
    benefit: Floats
    spent: dict[Resource, Floats]
    machines: frozenset[Machine]


def setting_draws(
    arm: Arm, seeds: Sequence[int], *, metric: Metric, threshold: float, draws: Draws
) -> SettingDraws:
    """Return an arm in all draws of `seeds`; `diverged` counts all seeds that the arm has."""
    places = [arm.seeds.index(seed) for seed in seeds]
    records = tuple(arm.records[place] for place in places)
    chosen = replace(arm, seeds=tuple(seeds), records=records, probabilities=arm.probabilities[places])
    units, found = units_of(chosen), costs(records)
    sizes = by_patient(np.ones((1, len(units.labels))), units.subjects)[0]
    images_per_unit = len(arm.labels) / len(units.labels)
    return SettingDraws(
        setting=arm.setting,
        is_baseline=arm.is_baseline,
        diverged=arm.diverged,
        costs=found,
        units=units,
        images_per_unit=images_per_unit,
        performance=performance(chosen, metric, draws),
        benefit=draws.share(by_patient(gains(units, threshold), units.subjects), sizes),
        spent=spent_in(found, draws, images_per_unit=images_per_unit),
        machines=machines_of(records),
    )


def summarise(
    setting: SettingDraws,
    baseline: SettingDraws | None,
    *,
    changes: tuple[Change, ...],
    pepr: tuple[PeprScore, ...],
    plan: Plan,
    planned: float,
    in_pareto_set: NDArray[np.bool_],
) -> SettingSummary:
    """Return the summary of a setting.

    `changes` are those of what its training takes. `planned` is the number of units that one training will
    serve; `in_pareto_set` is of the data themselves and then of each draw.
    """
    peak = setting.spent.get(Resource.MEMORY)
    found = SettingSummary(
        setting=setting.setting,
        diverged=setting.diverged,
        performance=float(setting.performance[0]),
        train_peak_bytes=None if peak is None else int(peak[0]),
        train_seconds=_observed(setting, Resource.TIME),
        train_wh=_observed(setting, Resource.ENERGY),
        inference_wh=_observed(setting, Resource.INFERENCE),
        train_kind=setting.costs.kinds[Resource.ENERGY],
        inference_kind=setting.costs.kinds[Resource.INFERENCE],
        unknown=setting.costs.missing,
        pareto=bool(in_pareto_set[0]),
        pareto_probability=float(in_pareto_set[1:].mean()) if len(in_pareto_set) > 1 else None,
        pepr=pepr,
        net_benefit=float(setting.benefit[0]),
        decision_curve=decision_curve(
            setting.units, baseline.units if baseline is not None else None, plan.thresholds
        ),
        expected_cost=_cost(setting.units, None, plan),
        training=_training(setting, baseline, plan),
        thousand=_thousand(setting, baseline, plan, planned),
    )
    if baseline is None:
        return found if setting.is_baseline else replace(found, not_adjusted="its baseline is not compared")
    found = replace(
        found,
        changes=changes,
        more_benefit=_more_benefit(setting.units, baseline.units, plan),
        more_cost=_cost(setting.units, baseline.units, plan),
    )
    why_not = why_not_adjusted(setting, baseline)
    if why_not:
        return replace(found, not_adjusted=why_not)
    return replace(found, adjusted=adjusted(*beyond(setting, baseline, planned), plan.lambdas_wh))


def spent_in(found: Costs, draws: Draws, *, images_per_unit: float) -> dict[Resource, Floats]:
    """Return what is known of a unit's costs in all draws, (B + 1,) each: the largest memory, else a mean."""
    spent: dict[Resource, Floats] = {}
    for resource, values in found.spent.items():
        match resource:
            case Resource.MEMORY:
                spent[resource] = draws.largest(values)
            case Resource.INFERENCE | Resource.INFERENCE_CARBON:
                spent[resource] = draws.over_seeds(values * images_per_unit)
            case Resource.ENERGY | Resource.CARBON | Resource.TIME:
                spent[resource] = draws.over_seeds(values)
    return spent


def beyond(setting: SettingDraws, baseline: SettingDraws, planned: float) -> tuple[Floats, Floats]:
    """Return net benefit and Wh beyond the baseline's, per 1000 units, in all draws, (B + 1,) each."""
    more = PER * (setting.benefit - baseline.benefit)
    return more, _energy(setting, planned) - _energy(baseline, planned)


def why_not_adjusted(setting: SettingDraws, baseline: SettingDraws) -> str | None:
    """Return why energy beyond the baseline's is not known."""
    if len(setting.machines | baseline.machines) > 1:
        return f"{setting.setting} and {baseline.setting} ran under more than one fingerprint"
    for either in (setting, baseline):
        for resource in (Resource.ENERGY, Resource.INFERENCE):
            if resource in either.costs.missing:
                return f"{either.setting}, {resource}: {either.costs.missing[resource]}"
    if setting.costs.kinds != baseline.costs.kinds:
        names = f"{setting.setting} and {baseline.setting}"
        return f"energy is measured for one of {names}, estimated for the other"
    return None


def _more_benefit(units: Units, baseline: Units, plan: Plan) -> Interval:
    more = gains(units, plan.threshold) - gains(baseline, plan.threshold)
    return over_units(PER * more, patients_of(units))


def _cost(units: Units, baseline: Units | None, plan: Plan) -> Interval | None:
    """Return the expected cost of 1000 units, or what it is beyond the baseline's."""
    if plan.error_costs is None:
        return None
    lost = losses(units, plan.error_costs)
    if baseline is not None:
        lost -= losses(baseline, plan.error_costs)
    return over_units(PER * lost, patients_of(units))


def _training(setting: SettingDraws, baseline: SettingDraws | None, plan: Plan) -> Footprint:
    kind, old = setting.costs.kinds[Resource.ENERGY], _beside(setting, baseline)
    comparable = old is not None and old.costs.kinds[Resource.ENERGY] == kind
    return footprint(
        of_training(setting.costs.spent),
        of_training(old.costs.spent) if old is not None and comparable else None,
        plan.price,
    )


def _beside(setting: SettingDraws, baseline: SettingDraws | None) -> SettingDraws | None:
    """Return the baseline if it ran under the fingerprint of the setting, so that costs can be compared."""
    if baseline is None or len(setting.machines | baseline.machines) > 1:
        return None
    return baseline


def _thousand(setting: SettingDraws, baseline: SettingDraws | None, plan: Plan, planned: float) -> Footprint:
    def each(one: SettingDraws) -> Spent:
        return of_thousand(one.costs.spent, images_per_unit=one.images_per_unit, planned=planned)

    old = _beside(setting, baseline)
    comparable = old is not None and old.costs.kinds == setting.costs.kinds
    return footprint(each(setting), each(old) if old is not None and comparable else None, plan.price)


def _observed(setting: SettingDraws, resource: Resource) -> float | None:
    return float(setting.spent[resource][0]) if resource in setting.spent else None


def _energy(setting: SettingDraws, planned: float) -> Floats:
    spent = setting.spent
    return per_thousand(spent[Resource.ENERGY], spent[Resource.INFERENCE], planned=planned)
