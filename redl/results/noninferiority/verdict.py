"""Verdicts: whether a saving costs performance, by a margin that was fixed beforehand.

Inconclusive is never a pass: it says that the experiment was too small, not that nothing was lost.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum

import numpy as np

from redl.errors import RecordError
from redl.printable import printable_json
from redl.results.arms import Arm, Pair
from redl.results.metric import OF_RANKS, OF_SUBJECTS, Metric
from redl.results.noninferiority.crossed import (
    FEW_INFLUENTIAL,
    LEAST_PATIENTS,
    LEAST_SEEDS,
    Comparison,
    compare,
    patients_that_show,
)
from redl.results.noninferiority.holm import holm
from redl.results.noninferiority.influence import Units, over_seeds, units
from redl.results.noninferiority.margin import check_margin
from redl.results.noninferiority.paired import interval_of_one_pair
from redl.results.noninferiority.pooling import Pooling, poolings
from redl.training.metrics import Floats, Ints

_LEVEL = 0.025  # one-sided, as the interval's 95 % of both sides
_SAME = 1e-9  # spread of a network's answers from which on it tells images apart

# Metrics whose patients count by class: many of one class do not make more of the few of the other.
_BY_CLASS = (*OF_RANKS, Metric.BALANCED_ACCURACY)


class Outcome(StrEnum):
    """What a comparison shows."""

    NON_INFERIOR = "non-inferior"
    DEGRADED = "degraded"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """Verdict on one saving by the difference of a metric, saving minus baseline.

    `low` to `high` is the 95 % interval over new seeds and new patients. `p` is one-sided, of a loss of the
    margin or more, and corrected by Holm's method over all settings of the data set, model and scale. These,
    `shown_margin` and `detectable_margin` (see Comparison) are None where they could not be computed;
    `reason` then says why. `but_lower` marks a saving that is within the margin and yet surely lower. `seeds`
    are those that both arms have, `apart` those that they have under two fingerprints; `patients` and
    `images` are what the metric is about, `positive_patients` of them with a positive image. `diverged` of
    the `attempted` seeds diverged or did not finish. `pooling` says what the other settings told of the seed
    variance; it is None unless that was asked for.
    """

    dataset: str
    model: str
    setting: str
    downsample: int
    metric: Metric
    margin: float
    outcome: Outcome
    but_lower: bool
    reason: str | None
    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    shown_margin: float | None
    detectable_margin: float | None
    seeds: tuple[int, ...]
    patients: int
    positive_patients: int
    images: int
    diverged: int
    attempted: int
    baseline_diverged: int
    baseline_attempted: int
    pooling: Pooling | None = None
    apart: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Finding:
    """Comparison of a pair, or why there is none or none that counts; `lost` if the saving's answers are."""

    pair: Pair
    pooling: Pooling | None
    patients: int
    positive_patients: int
    images: int
    comparison: Comparison | None = None
    p: float | None = None
    problem: str | None = None
    lost: bool = False


def verdicts(
    pairs: Sequence[Pair], *, margin: float, metric: Metric, pool_seeds: bool = False
) -> list[Verdict]:
    """Return a verdict on each saving, in the order of `pairs`; higher is better for every metric.

    `pool_seeds` lets the savings of a data set, model and scale share what they show of the seeds' variance.

    Raise OptionError for a margin that is not above 0 and below 1 and for a metric that has no meaning for
    the labels, RecordError if there is nothing to judge.
    """
    check_margin(margin)
    if not pairs:
        raise RecordError("this run has no saving to judge; run other settings beside their baseline")
    pooled = poolings(pairs, metric) if pool_seeds else [None] * len(pairs)
    found = [_find(pair, margin, metric, pooling) for pair, pooling in zip(pairs, pooled, strict=True)]
    findings = _adjusted(found)
    return [_judge(finding, margin, metric) for finding in findings]


def to_json(judged: Sequence[Verdict]) -> str:
    """Return verdicts as strict JSON, a list of objects."""
    return printable_json(json.dumps([asdict(verdict) for verdict in judged], indent=2, allow_nan=False))


def _find(pair: Pair, margin: float, metric: Metric, pooling: Pooling | None) -> _Finding:
    """Compare a pair over its seeds; raise OptionError for a metric without a meaning for its labels."""
    if not pair.seeds:
        problem = f"no seed finished in both arms{' under one fingerprint' * bool(pair.apart)}"
        return _Finding(
            pair=pair, pooling=pooling, patients=0, positive_patients=0, images=0, problem=problem
        )
    labels, subjects = pair.saving.labels, pair.saving.subjects
    counted = units(metric, labels, pair.new[0], subjects)
    positive = _positive(counted)
    finding = _Finding(
        pair=pair,
        pooling=pooling,
        patients=len(positive),
        positive_patients=int(positive.sum()),
        images=len(labels) if metric in OF_SUBJECTS else len(counted.labels),
    )
    if (of_baseline := _of_baseline(pair.old)) is not None:
        return replace(finding, problem=of_baseline)
    if len(pair.seeds) == 1:
        return replace(finding, problem=_one_seed(pair, metric))
    new, old = (over_seeds(metric, labels, rows, subjects) for rows in (pair.new, pair.old))
    if new is None or old is None:
        arm = "baseline" if old is None else "saving"
        problem = f"not all answers of the {arm} are finite, which leaves no {metric}"
        return replace(finding, problem=problem, lost=arm == "saving")
    one_answer_each = len(counted.labels) == len(positive) and metric not in (*OF_RANKS, Metric.BRIER)
    comparison = compare(
        new[0] - old[0],
        new[1] - old[1],
        margin=margin,
        classes=positive if metric in _BY_CLASS else None,
        one_answer_each=one_answer_each,
        pooled=pooling.seed_variance if pooling else None,
    )
    if comparison is None:
        return replace(finding, problem="the metric is about only one patient of a class")
    found = replace(finding, comparison=comparison, p=comparison.p)
    rests_on_few = comparison.influential < FEW_INFLUENTIAL and not one_answer_each
    return replace(found, problem=_too_little(found, margin, metric, rests_on_few=rests_on_few))


def _positive(counted: Units) -> Ints:
    """Return for each patient, in the order of their numbers, 1 if any answer is about a positive, else 0."""
    patients, patient = np.unique(counted.subjects, return_inverse=True)
    positive = np.zeros(len(patients), int)
    np.maximum.at(positive, patient, counted.labels)
    return positive


def _of_baseline(answers: Floats) -> str | None:
    """Return why answers (S, N) are none to compare with, e.g. because a network tells no image apart."""
    if not np.isfinite(answers).all():
        return "not all answers of the baseline are finite"
    if (np.ptp(answers, axis=1) < _SAME).any():
        return "the baseline answers the same for every image"
    return None


def _too_little(finding: _Finding, margin: float, metric: Metric, *, rests_on_few: bool) -> str | None:
    """Return why there is too little to judge by, whatever the interval says."""
    if len(finding.pair.seeds) < LEAST_SEEDS:
        return f"{len(finding.pair.seeds)} seeds; at least {LEAST_SEEDS} are needed"
    negative = finding.patients - finding.positive_patients
    if metric in _BY_CLASS and min(negative, finding.positive_patients) < LEAST_PATIENTS:
        counts = f"{finding.positive_patients} patients are positive and {negative} are not"
        return f"{counts}; at least {LEAST_PATIENTS} of each are needed"
    if finding.patients < LEAST_PATIENTS:
        return f"{finding.patients} patients; at least {LEAST_PATIENTS} are needed"
    needed = patients_that_show(margin)
    if rests_on_few and finding.patients < needed:
        return (
            f"the difference rests on fewer than {FEW_INFLUENTIAL} patients, and {finding.patients} are too "
            f"few to be sure of meeting one in {1 / margin:.0f}; {needed} are needed"
        )
    return None


def _one_seed(pair: Pair, metric: Metric) -> str:
    """Return why one seed is not enough, with the interval for just its two networks if there is one."""
    words = f"only seed {pair.seeds[0]}, which shows nothing about other seeds"
    arm = pair.saving
    found = interval_of_one_pair(metric, arm.labels, arm.subjects, pair.new[0], pair.old[0])
    if found is None:
        return words
    author, (low, high) = found
    return f"{words}; for just its two networks, over patients: {low:+.3f} to {high:+.3f} ({author})"


def _adjusted(findings: Sequence[_Finding]) -> list[_Finding]:
    """Correct each p for the settings of its data set, model and scale, by Holm's method.

    A setting without a p counts as one with p = 1, because a failure must not make it easier for the others.
    """
    families: dict[tuple[object, ...], list[int]] = {}
    for place, finding in enumerate(findings):
        arm = finding.pair.saving
        families.setdefault((arm.dataset, arm.model, arm.downsample), []).append(place)
    adjusted = list(findings)
    for places in families.values():
        given = [1.0 if (p := findings[place].p) is None else p for place in places]
        for place, p in zip(places, holm(given), strict=True):
            if findings[place].p is not None:
                adjusted[place] = replace(findings[place], p=p)
    return adjusted


def _judge(finding: _Finding, margin: float, metric: Metric) -> Verdict:
    saving, baseline, found = finding.pair.saving, finding.pair.baseline, finding.comparison
    outcome, reason = _outcome(finding, margin)
    return Verdict(
        dataset=saving.dataset,
        model=saving.model,
        setting=saving.setting,
        downsample=saving.downsample,
        metric=metric,
        margin=margin,
        outcome=outcome,
        but_lower=outcome is Outcome.NON_INFERIOR and found is not None and found.high < 0,
        reason=reason,
        difference=found.difference if found else None,
        low=found.low if found else None,
        high=found.high if found else None,
        p=finding.p,
        shown_margin=found.shown_margin if found else None,
        detectable_margin=found.detectable_margin if found else None,
        seeds=finding.pair.seeds,
        patients=finding.patients,
        positive_patients=finding.positive_patients,
        images=finding.images,
        diverged=saving.diverged,
        attempted=_attempted(saving),
        baseline_diverged=baseline.diverged,
        baseline_attempted=_attempted(baseline),
        pooling=finding.pooling,
        apart=finding.pair.apart,
    )


def _outcome(finding: _Finding, margin: float) -> tuple[Outcome, str | None]:
    """Return the outcome by the first rule that applies, and the reason unless the interval shows it."""
    saving, baseline, found = finding.pair.saving, finding.pair.baseline, finding.comparison
    if baseline.diverged:
        return Outcome.INCONCLUSIVE, f"{_share(baseline)} of the baseline diverged or did not finish"
    if baseline.is_at_chance:
        return Outcome.INCONCLUSIVE, "no seed of the baseline is better than chance, so nothing could be lost"
    if finding.lost:
        return Outcome.DEGRADED, finding.problem
    if found is None or finding.p is None:
        return Outcome.INCONCLUSIVE, finding.problem
    if finding.problem is None and found.high < -margin:
        return Outcome.DEGRADED, None
    if saving.diverged:
        return Outcome.INCONCLUSIVE, f"{_share(saving)} diverged or did not finish"
    if finding.problem is not None:
        return Outcome.INCONCLUSIVE, finding.problem
    if found.low <= -margin:
        return Outcome.INCONCLUSIVE, f"a loss of {margin:g} lies within the interval"
    if finding.p >= _LEVEL:
        return (
            Outcome.INCONCLUSIVE,
            f"p = {finding.p:.3f}, corrected for all settings (Holm), is not below {_LEVEL}",
        )
    return Outcome.NON_INFERIOR, None


def _share(arm: Arm) -> str:
    return f"{arm.diverged} of {_attempted(arm)} seeds"


def _attempted(arm: Arm) -> int:
    return len(arm.seeds) + len(arm.broken)
