"""Recommendation: which setting may replace the baseline, as one sentence for whoever decides.

Only a setting that was shown to be non-inferior and never diverged is considered for what it saves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from redl.results.metric import OF_RANKS, Metric
from redl.results.noninferiority.verdict import Outcome, Verdict
from redl.results.tradeoff.change import Change
from redl.results.tradeoff.costs import Resource
from redl.results.tradeoff.setting_summary import SettingSummary
from redl.results.tradeoff.tradeoff import COMPARED, Tradeoff
from redl.study.case import Setting
from redl.study.profile import PAPER

_NO_SHARES = (*OF_RANKS, Metric.BRIER)
_NAMES = {Metric.AUC: "AUC", Metric.SUBJECT_AUC: "subject AUC", Metric.BRIER: "Brier score"}
_SAVES_NOTHING = "non-inferior but not surely saving it"
_THE_SAME = 0.005  # of the baseline's cost; a smaller difference rounds to 0 %


def chosen(tradeoff: Tradeoff, verdicts: Sequence[Verdict]) -> str:
    """Return the setting to take: of those that may replace the baseline the least, or the baseline itself.

    A setting may replace it that is non-inferior, never diverged, and surely saves the resource that ranks
    first among those of which all settings have a figure: energy of training, then memory, then time. The
    least is the least by this order.
    """
    may = {verdict.setting for verdict in verdicts_of(tradeoff, verdicts) if _passed(verdict)}
    first = next((name for name in COMPARED if name in tradeoff.compared), None)
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
        return f"For {_subject(tradeoff)}: {_why_none(judged)}."
    verdict = next(verdict for verdict in judged if verdict.setting == setting)
    summaries = {summary.setting: summary for summary in tradeoff.summaries}
    name, margin = _name(verdict.metric), _amount(verdict.margin, verdict.metric)
    shown = f"it was shown to be no more than {margin} worse in {name}"
    if verdict.but_lower and verdict.difference is not None:
        shown += f", though it is worse by {_amount(-verdict.difference, verdict.metric)}"
    spent = _spent(summaries[setting], tradeoff.compared)
    return (
        f"For {_subject(tradeoff)}: {setting} may replace the baseline, because {shown}, "
        f"and training takes {spent}; "
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


def _why_none(judged: Sequence[Verdict]) -> str:
    if not judged:
        return "keep the baseline, because this run has no other setting"
    first = judged[0]
    if first.baseline_diverged:
        share = f"{first.baseline_diverged} of {first.baseline_attempted} seeds"
        return f"no recommendation, because the baseline itself diverged or did not finish with {share}"
    fates = Counter(map(_fate, judged))
    what = "no setting that surely saves what ranks first" if fates[_SAVES_NOTHING] else "no setting"
    counted = ", ".join(f"{count} {fate}" for fate, count in fates.most_common())
    within = f"{_amount(first.margin, first.metric)} of its {_name(first.metric)}"
    return f"keep the baseline, because {what} was shown to be within {within} ({counted})"


def _fate(verdict: Verdict) -> str:
    if verdict.diverged:
        return "diverged"
    return _SAVES_NOTHING if verdict.outcome is Outcome.NON_INFERIOR else verdict.outcome


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
    found = {change.resource: change for change in summary.changes}
    parts = []
    for name in (Resource.MEMORY, Resource.TIME, Resource.ENERGY):
        if name in compared:
            kind = f" ({summary.train_kind})" if name is Resource.ENERGY else ""
            parts.append(f"{_words(found[name])} {name}{kind}")
    listed = f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else parts[0]
    return listed if Resource.ENERGY in compared else f"{listed} (its energy is not known)"


def _words(change: Change) -> str:
    """Return a change in words, with its interval unless that is as narrow as the words."""
    if change.change is None:
        return "an unknown change of"
    if abs(change.change) < _THE_SAME:
        words = "the same"
    else:
        words = f"{_percent(abs(change.change))} {'less' if change.change < 0 else 'more'}"
    if change.low is None or change.high is None or _percent(change.low) == _percent(change.high):
        return words
    return f"{words} ({100 * change.low:+.0f} to {100 * change.high:+.0f} %)"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
