"""Choice: the cheapest model and setting within a memory budget that is shown to be as good as the best.

What has no evidence is never chosen: a candidate needs a memory figure within the budget, seeds that all
finished and none that diverged, and a verdict of non-inferiority to the reference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from redl.errors import OptionError
from redl.nearest import one_of
from redl.results.arms import Arm, pairs_of
from redl.results.metric import Metric
from redl.results.noninferiority.crossed import LEAST_PATIENTS, LEAST_SEEDS
from redl.results.noninferiority.verdict import Outcome, Verdict, verdicts
from redl.results.tradeoff.costs import Resource, costs
from redl.results.tradeoff.models import Models, Standing, models_of
from redl.results.tradeoff.tradeoff import COMPARED
from redl.study.case import Setting

_POSITIONS = {
    Resource.ENERGY: "train_wh",
    Resource.MEMORY: "train_peak_bytes",
    Resource.TIME: "train_seconds",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """One model under one setting, its verdict against the reference, and all reasons why it is out.

    `peak_bytes` is the largest peak of training of all its seeds. The reference has no verdict.
    """

    standing: Standing
    is_reference: bool
    peak_bytes: int | None
    verdict: Verdict | None
    out: tuple[str, ...]

    @property
    def qualifies(self) -> bool:
        """Return whether it may be chosen."""
        return not self.out


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """The candidates of one data set and scale, and the one to take, None if none qualifies.

    `reference` is what all are judged against, None if no combination can be one; `named` says that the user
    chose it. `by` is the resource by which `chosen` is the cheapest.
    """

    models: Models
    margin: float
    budget_bytes: int
    by: Resource | None
    reference: str | None
    named: bool
    candidates: tuple[Candidate, ...]
    chosen: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What a user asks for: the budget, the margin of which metric, by what, and against which reference.

    `by` is None for the first of energy, memory and time that can be compared.
    """

    budget_bytes: int
    margin: float
    metric: Metric
    by: Resource | None = None
    reference: tuple[str, str] | None = None


def read_reference(text: str, *, option: str) -> tuple[str, str]:
    """Return model and setting of a text `MODEL,SETTING`; raise OptionError, which names `option`."""
    model, comma, setting = text.rpartition(",")
    if not (model and comma and setting):
        raise OptionError(f"{option} {text}: give a model and a setting, e.g. densenet,baseline")
    return model.strip(), setting.strip()


def choices(arms: Sequence[Arm], wish: Wish) -> list[Choice]:
    """Return the choice on each data set and scale.

    Raise OptionError for a reference that was not run, RecordError if models saw different test images.
    """
    groups: dict[tuple[str, int], list[Arm]] = {}
    for arm in arms:
        groups.setdefault((arm.dataset, arm.downsample), []).append(arm)
    return [_choice(group, wish) for group in groups.values()]


def _choice(arms: Sequence[Arm], wish: Wish) -> Choice:
    models = models_of(arms, metric=wish.metric)
    reference = _reference(arms, models, wish)
    judged = _judged(arms, reference, wish) if reference is not None else {}
    pairs = zip(arms, models.standings, strict=True)
    candidates = [
        _candidate(arm, standing, reference, judged.get(_key(arm)), wish) for arm, standing in pairs
    ]
    by = wish.by or next((name for name in COMPARED if name in models.compared), None)
    candidates = [_with_figure(one, models, by) for one in candidates]
    chosen = min((one for one in candidates if one.qualifies), key=lambda one: _cost(one, by), default=None)
    return Choice(
        models=models,
        margin=wish.margin,
        budget_bytes=wish.budget_bytes,
        by=by,
        reference=None if reference is None else " ".join(_key(reference)),
        named=wish.reference is not None,
        candidates=tuple(candidates),
        chosen=None if chosen is None else chosen.standing.name,
    )


def _key(arm: Arm) -> tuple[str, str]:
    return arm.model, arm.setting


def _reference(arms: Sequence[Arm], models: Models, wish: Wish) -> Arm | None:
    """Return the arm that was named, or the best of those whose seeds all finished, converged and learned."""
    if wish.reference is not None:
        named = next((arm for arm in arms if _key(arm) == wish.reference), None)
        if named is None:
            known = [",".join(_key(arm)) for arm in arms]
            given = ",".join(wish.reference)
            raise OptionError(
                f"--reference {given}: was not run on {arms[0].dataset}; {one_of(given, known)}"
            )
        return named
    fit = [
        (standing.summary.performance, -place, arm)
        for place, (arm, standing) in enumerate(zip(arms, models.standings, strict=True))
        if standing.summary.performance is not None and not arm.diverged and not arm.is_at_chance
    ]
    return max(fit, key=lambda one: one[:2])[2] if fit else None


def _judged(arms: Sequence[Arm], reference: Arm, wish: Wish) -> Mapping[tuple[str, str], Verdict]:
    """Return the verdict on each other arm.

    All count as one family, whatever the budget, so that several budgets may be asked of one run. A verdict
    knows only the settings of one model: here a setting's name says the model too.
    """
    others = [arm for arm in arms if arm is not reference]
    if not others:
        return {}
    baseline = replace(reference, setting=Setting.BASELINE)
    renamed = [replace(arm, model=reference.model, setting=" ".join(_key(arm))) for arm in others]
    found = verdicts(pairs_of([baseline, *renamed]), margin=wish.margin, metric=wish.metric)
    return {
        _key(arm): replace(
            verdict, model=arm.model, setting=arm.setting, reason=_of_reference(verdict.reason)
        )
        for arm, verdict in zip(others, found, strict=True)
    }


def _of_reference(reason: str | None) -> str | None:
    return None if reason is None else reason.replace("baseline", "reference")


def _candidate(
    arm: Arm, standing: Standing, reference: Arm | None, verdict: Verdict | None, wish: Wish
) -> Candidate:
    found = costs(arm.records)
    peaks = found.spent.get(Resource.MEMORY)
    peak = int(peaks.max()) if peaks is not None and len(peaks) else None
    out = []
    if peak is None:
        out.append(f"no memory figure: {found.missing.get(Resource.MEMORY, 'no seed finished')}")
    elif peak > wish.budget_bytes:
        out.append(f"over the budget: {peak / 1e6:.0f} MB of {wish.budget_bytes / 1e6:.0f}")
    if arm.diverged:
        out.append(f"{arm.diverged} of {len(arm.seeds) + len(arm.broken)} seeds diverged or did not finish")
    out += _not_shown(arm, reference, verdict)
    return Candidate(
        standing=standing,
        is_reference=arm is reference,
        peak_bytes=peak,
        verdict=verdict,
        out=tuple(out),
    )


def _not_shown(arm: Arm, reference: Arm | None, verdict: Verdict | None) -> list[str]:
    if reference is None:
        return ["nothing to judge it against: no combination finished, converged and beat chance"]
    if arm is reference:
        return _little_evidence(arm)
    if verdict is None or verdict.outcome is not Outcome.NON_INFERIOR:
        return [f"not shown non-inferior: {_why(verdict)}"]
    return []


def _why(verdict: Verdict | None) -> str:
    if verdict is None:
        return "not judged"
    if verdict.reason or verdict.low is None or verdict.high is None:
        return f"{verdict.outcome}, {verdict.reason}" if verdict.reason else str(verdict.outcome)
    return f"{verdict.outcome}, {verdict.low:+.3f} to {verdict.high:+.3f}"


def _little_evidence(arm: Arm) -> list[str]:
    """Return why the reference itself has too little evidence to be chosen."""
    if arm.is_at_chance:
        return ["no seed is better than chance"]
    patients = len(np.unique(arm.subjects))
    if len(arm.seeds) < LEAST_SEEDS or patients < LEAST_PATIENTS:
        return [
            f"seeds: {len(arm.seeds)}, patients: {patients}; at least {LEAST_SEEDS} and {LEAST_PATIENTS} "
            "are needed"
        ]
    return []


def _with_figure(candidate: Candidate, models: Models, by: Resource | None) -> Candidate:
    """Return a candidate that is out too if it cannot be ranked."""
    left_out = candidate.standing.summary.left_out
    if left_out:
        return replace(candidate, out=tuple(dict.fromkeys((*candidate.out, left_out))))
    if by is None:
        return replace(candidate, out=(*candidate.out, "no resource can be compared"))
    if by not in models.compared:
        why = candidate.standing.summary.unknown.get(by) or models.not_compared.get(by, "not known")
        return replace(candidate, out=(*candidate.out, f"{by} cannot be compared: {why}"))
    return candidate


def _cost(candidate: Candidate, by: Resource | None) -> tuple[float, ...]:
    """Return what is compared: the resource, then the others in their order, then performance."""
    order = [by, *(name for name in COMPARED if name is not by)]
    known = [getattr(candidate.standing.summary, _POSITIONS[name]) for name in order if name is not None]
    figures = [float("inf") if each is None else float(each) for each in known]
    return (*figures, -(candidate.standing.summary.performance or 0.0))
