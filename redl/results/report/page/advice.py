"""Advice: what is recommended for each model, with the verdicts and the costs that it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from redl.errors import RedlError
from redl.record import Predictions
from redl.results.aggregate import Aggregate, aggregated, comparable
from redl.results.arms import Arm, arms_of, pairs_of
from redl.results.metric import Metric
from redl.results.noninferiority.verdict import Verdict, verdicts
from redl.results.report.page.groups import Group
from redl.results.tradeoff.plan import Plan
from redl.results.tradeoff.recommendation import recommendation
from redl.results.tradeoff.tradeoff import Tradeoff, tradeoffs


@dataclass(frozen=True, kw_only=True, slots=True)
class Advice:
    """The recommendation for a group in one sentence, or why there is none, and what it rests on."""

    group: str
    sentence: str
    aggregates: tuple[Aggregate, ...]
    verdicts: Mapping[str, Verdict]
    tradeoff: Tradeoff | None
    arms: tuple[Arm, ...]


def advice_of(groups: Sequence[Group], predictions: Mapping[str, Predictions], margin: float) -> list[Advice]:
    """Return the advice for each group by its accuracy, at a loss of `margin` that would be acceptable."""
    return [_advice(group, predictions, margin) for group in groups]


def _advice(group: Group, predictions: Mapping[str, Predictions], margin: float) -> Advice:
    arms: list[Arm] = []
    judged: list[Verdict] = []
    found: Tradeoff | None = None
    try:
        arms = arms_of(group.records, predictions)
        pairs = pairs_of(arms)
        (found,) = tradeoffs(arms, metric=Metric.ACCURACY, plan=Plan())
        judged = verdicts(pairs, margin=margin, metric=Metric.ACCURACY) if pairs else []
        sentence = recommendation(found, judged)
    except RedlError as error:
        sentence = f"For {group.name}: no recommendation, because of this: {error}."
    return Advice(
        group=group.name,
        sentence=sentence,
        aggregates=tuple(comparable(aggregated(group.records))),
        verdicts={verdict.setting: verdict for verdict in judged},
        tradeoff=found,
        arms=tuple(arms),
    )
