"""Recommendation: which setting may replace the baseline, as one sentence for whoever decides.

Only a setting that was shown to be non-inferior and never diverged is considered for what it saves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from redl.record import EnergyKind
from redl.results.metric import OF_RANKS, Metric
from redl.results.noninferiority.verdict import Outcome, Verdict
from redl.results.tradeoff.change import SAVED_SHARE, Change
from redl.results.tradeoff.costs import Resource
from redl.results.tradeoff.setting_summary import SettingSummary
from redl.results.tradeoff.tradeoff import COMPARED, Tradeoff
from redl.study.case import Setting
from redl.study.profile import PAPER

_NO_SHARES = (*OF_RANKS, Metric.BRIER)
_NAMES = {Metric.AUC: "AUC", Metric.SUBJECT_AUC: "subject AUC", Metric.BRIER: "Brier score"}


def chosen(tradeoff: Tradeoff, verdicts: Sequence[Verdict]) -> str:
    """Return the setting to take: of those that may replace the baseline the least, or the baseline itself.

    A setting may replace it that is non-inferior, never diverged, and surely saves the resource that ranks
    first among those of which all settings have a figure: energy of training, then memory, then time. The
    least is the least by this order.
    """
    may = {verdict.setting for verdict in verdicts_of(tradeoff, verdicts) if _passed(verdict)}
    first = _first(tradeoff)
    candidates = [
        summary for summary in tradeoff.summaries if summary.setting in may and first in summary.savings
    ]
    least = min(candidates, key=lambda summary: _costs(summary, tradeoff.compared), default=None)
    return Setting.BASELINE if least is None else least.setting


def recommendation(tradeoff: Tradeoff, verdicts: Sequence[Verdict]) -> str:
    """Return one sentence that says which setting may replace the baseline and why, or why none may.

    `verdicts` are of the metric and the seeds that were compared; those of other models are ignored.
    """
    judged = verdicts_of(tradeoff, verdicts)
    setting = chosen(tradeoff, judged)
    if setting == Setting.BASELINE:
        return f"For {_subject(tradeoff)}: {_why_none(judged, _first(tradeoff))}."
    verdict = next(verdict for verdict in judged if verdict.setting == setting)
    summaries = {summary.setting: summary for summary in tradeoff.summaries}
    name, margin = _name(verdict.metric), _amount(verdict.margin, verdict.metric)
    shown = f"it was shown to be no more than {margin} worse in {name}"
    if verdict.but_lower and verdict.difference is not None:
        shown += f", though it is worse by {_amount(-verdict.difference, verdict.metric)}"
    return (
        f"For {_subject(tradeoff)}: {setting} may replace the baseline, because {shown}, "
        f"and {_spent(summaries[setting], tradeoff.compared)}; "
        f"{_counted(verdict.patients, 'patient')}, {_counted(len(verdict.seeds), 'seed')}."
    )


def verdicts_of(tradeoff: Tradeoff, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Return the verdicts on the settings of a trade-off."""
    group = (tradeoff.dataset, tradeoff.model, tradeoff.downsample)
    return [verdict for verdict in verdicts if (verdict.dataset, verdict.model, verdict.downsample) == group]


def _passed(verdict: Verdict) -> bool:
    never_diverged = verdict.diverged == 0 and verdict.baseline_diverged == 0
    return verdict.outcome is Outcome.NON_INFERIOR and never_diverged


def _costs(summary: SettingSummary, compared: Sequence[Resource]) -> list[float]:
    return [cost for name in COMPARED if name in compared and (cost := _cost(summary, name)) is not None]


def _cost(summary: SettingSummary, resource: Resource) -> float | None:
    costs = {
        Resource.ENERGY: summary.train_wh,
        Resource.MEMORY: summary.train_peak_bytes,
        Resource.TIME: summary.train_seconds,
    }
    return costs[resource]


def _first(tradeoff: Tradeoff) -> Resource | None:
    return next((name for name in COMPARED if name in tradeoff.compared), None)


def _why_none(judged: Sequence[Verdict], first: Resource | None) -> str:
    if not judged:
        return "keep the baseline, because this run has no other setting"
    any_one = judged[0]
    if any_one.baseline_diverged:
        share = f"{any_one.baseline_diverged} of {any_one.baseline_attempted} seeds"
        return f"no recommendation, because the baseline itself diverged or did not finish with {share}"
    counted = ", ".join(
        f"{count} {fate}"
        for fate, count in Counter(_fate(verdict, first) for verdict in judged).most_common()
    )
    within = f"shown to be within {_amount(any_one.margin, any_one.metric)} of its {_name(any_one.metric)}"
    if any(verdict.outcome is Outcome.NON_INFERIOR for verdict in judged):
        within = f"both {within} and shown to save {first or 'anything'}"
    return f"keep the baseline, because no setting was {within} ({counted})"


def _fate(verdict: Verdict, first: Resource | None) -> str:
    if verdict.diverged:
        return "diverged"
    if verdict.outcome is Outcome.NON_INFERIOR:
        return f"non-inferior but not shown to save {first or 'anything'}"
    return verdict.outcome


def _subject(tradeoff: Tradeoff) -> str:
    """Return the model and the data, and every reason why the sentence says nothing about patients."""
    reduced = " (reduced)" if tradeoff.reduced else ""
    scale = f" at 1/{tradeoff.downsample} of the resolution" if tradeoff.downsample > 1 else ""
    limits = ["phantom images"] * tradeoff.synthetic
    limits += [f"{tradeoff.profile} profile"] * (tradeoff.profile != PAPER.name)
    limited = f" ({', '.join(limits)})" if limits else ""
    return f"{tradeoff.model}{reduced} on {tradeoff.dataset}{scale}{limited}"


def _name(metric: Metric) -> str:
    return _NAMES.get(metric, metric.replace("_", " "))


def _amount(difference: float, metric: Metric) -> str:
    """Return a difference of shares in percentage points, one of an area or a score as it is."""
    if metric in _NO_SHARES:
        return f"{difference:.3g}"
    points = f"{100 * difference:.3g}"
    return f"{points} percentage point{'' if points == '1' else 's'}"


def _spent(summary: SettingSummary, compared: Sequence[Resource]) -> str:
    """Return what training surely saves, then what it surely costs, then what was shown to be neither."""
    found = [change for name in COMPARED for change in summary.changes if change.resource is name]
    saved = [change for change in found if change.is_saving]
    same = [change for change in found if change.is_none]
    cost = [change for change in found if change.is_cost and change not in same]
    words = f"trains with {_listed(_amounts(saved, summary))}"
    if cost:
        words += f", but with {_listed(_amounts(cost, summary))}"
    if same:
        words += f", {'and ' if not cost else ''}with the same {_listed([one.resource for one in same])}"
    if rest := [one for one in found if one not in (*saved, *same, *cost)]:
        listed = _listed([f"{one.resource} ({in_percent(one)})" for one in rest])
        words += f"; {listed} {'were' if len(rest) > 1 else 'was'} {not_shown(rest)}"
    return words if Resource.ENERGY in compared else f"{words}; its energy is not known"


def _amounts(changes: Sequence[Change], summary: SettingSummary) -> list[str]:
    return [
        _amount_of(one, summary.train_kind if one.resource is Resource.ENERGY else None) for one in changes
    ]


def _amount_of(change: Change, kind: EnergyKind | None) -> str:
    """Return how much less or more it is, with its interval unless that is as narrow as the words."""
    share = change.change or 0.0
    words = f"{_percent(abs(share))} % {'less' if share < 0 else 'more'} {change.resource}"
    notes = [] if kind is None else [str(kind)]
    if (interval := _interval(change)) is not None:
        notes = [interval, *notes]
    return f"{words} ({', '.join(notes)})" if notes else words


def not_shown(changes: Sequence[Change]) -> str:
    """Return that these were not shown to differ, by how much if they differ by too little to matter."""
    little = any(one.high is not None and one.high < 0 for one in changes)
    return f"not shown to differ by {100 * SAVED_SHARE:.0f} % or more" if little else "not shown to differ"


def in_percent(change: Change) -> str:
    """Return a change and its interval unless that is as narrow, e.g. `-6 %, -14 to +3 %`."""
    if change.change is None:
        return "not known"
    interval = _interval(change)
    return f"{_percent(change.change, '+')} %{f', {interval}' if interval else ''}"


def _interval(change: Change) -> str | None:
    if change.low is None or change.high is None:
        return None
    low, high = _percent(change.low, "+"), _percent(change.high, "+")
    return None if low == high else f"{low} to {high} %"


def _percent(share: float, sign: str = "") -> str:
    """Return a share in percent, to a tenth below 1 %."""
    return f"{100 * share:{sign}.{1 if abs(share) < 0.0095 else 0}f}"


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
