"""Recommendation: which setting may replace the baseline, in one sentence for who decides.

Only what was shown to be non-inferior and never diverged is asked what it saves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from redl.results.metric import OF_RANKS, Metric
from redl.results.noninferiority.verdict import Outcome, Verdict
from redl.results.tradeoff.costs import Resource
from redl.results.tradeoff.setting_summary import SettingSummary
from redl.results.tradeoff.tradeoff import COMPARED, Tradeoff
from redl.study.case import Setting
from redl.study.profile import PAPER

_NO_SHARES = (*OF_RANKS, Metric.BRIER)
_SAVES_NOTHING = "non-inferior but saving nothing"
_AS_MUCH = 0.005  # of the baseline's, what a difference rounds to 0 % below


def chosen(found: Tradeoff, verdicts: Sequence[Verdict]) -> str:
    """Return the setting to take: of those that may replace the baseline the least, or the baseline itself.

    A setting may replace it that is non-inferior, never diverged, and surely saves one resource that all
    settings have a figure of. The least has the least energy of training, then memory, then time.
    """
    may = {verdict.setting for verdict in _own(found, verdicts) if _passed(verdict)}
    candidates = [one for one in found.summaries if one.setting in may and one.savings]
    least = min(candidates, key=lambda one: _costs(one, found.compared), default=None)
    return Setting.BASELINE if least is None else least.setting


def recommendation(found: Tradeoff, verdicts: Sequence[Verdict]) -> str:
    """Say in one sentence which setting may replace the baseline and why, or why none may.

    `verdicts` are of the metric and the seeds that were compared; those of other models are passed over.
    """
    own = _own(found, verdicts)
    setting = chosen(found, own)
    if setting == Setting.BASELINE:
        return f"For {_subject(found)}: {_why_none(own)}."
    verdict = next(one for one in own if one.setting == setting)
    summaries = {one.setting: one for one in found.summaries}
    shown = f"it was shown to be no more than {_margin(verdict)} worse"
    if verdict.but_lower and verdict.difference is not None:
        shown += f", though lower by {_number(-verdict.difference, verdict.metric)}"
    spent = _spent(summaries[setting], summaries[Setting.BASELINE], found.compared)
    return (
        f"For {_subject(found)}: {setting} may replace the baseline: {shown}, and trains {spent}; "
        f"{_counted(verdict.patients, 'patient')}, {_counted(len(verdict.seeds), 'seed')}."
    )


def _own(found: Tradeoff, verdicts: Sequence[Verdict]) -> list[Verdict]:
    of = (found.dataset, found.model, found.downsample)
    return [one for one in verdicts if (one.dataset, one.model, one.downsample) == of]


def _passed(verdict: Verdict) -> bool:
    never_diverged = verdict.diverged == 0 and verdict.baseline_diverged == 0
    return verdict.outcome is Outcome.NON_INFERIOR and never_diverged


def _costs(one: SettingSummary, compared: Sequence[Resource]) -> list[float]:
    return [cost for name in COMPARED if name in compared and (cost := _cost(one, name)) is not None]


def _cost(one: SettingSummary, resource: Resource) -> float | None:
    costs = {
        Resource.ENERGY: one.train_wh,
        Resource.MEMORY: one.train_peak_bytes,
        Resource.TIME: one.train_seconds,
    }
    return costs[resource]


def _why_none(own: Sequence[Verdict]) -> str:
    if not own:
        return "keep the baseline: this run holds no other setting"
    first = own[0]
    if first.baseline_diverged:
        share = f"{first.baseline_diverged} of {first.baseline_attempted} seeds"
        return f"no recommendation: the baseline itself diverged or did not finish with {share}"
    fates = Counter(map(_fate, own))
    what = "no setting that surely saves" if fates[_SAVES_NOTHING] else "no saving"
    told = ", ".join(f"{count} {fate}" for fate, count in fates.most_common())
    return f"keep the baseline: {what} was shown to be within {_margin(first)} ({told})"


def _fate(verdict: Verdict) -> str:
    if verdict.diverged:
        return "diverged"
    return _SAVES_NOTHING if verdict.outcome is Outcome.NON_INFERIOR else verdict.outcome


def _subject(found: Tradeoff) -> str:
    """Name the model and the data, and all that keeps the sentence from holding for patients."""
    reduced = " (reduced)" if found.reduced else ""
    scale = f" at 1/{found.downsample} of the resolution" if found.downsample > 1 else ""
    limits = ["phantom images"] * found.synthetic + [f"{found.profile} profile"] * (
        found.profile != PAPER.name
    )
    limited = f" ({', '.join(limits)})" if limits else ""
    return f"{found.model}{reduced} on {found.dataset}{scale}{limited}"


def _margin(verdict: Verdict) -> str:
    number, name = _number(verdict.margin, verdict.metric), verdict.metric.replace("_", " ")
    if verdict.metric in _NO_SHARES:
        return f"{number} of {name}"
    return f"{number} percentage point{'' if number == '1' else 's'} of {name}"


def _number(difference: float, metric: Metric) -> str:
    """Spell a difference of shares in percentage points, one of an area or a score as it is."""
    return f"{difference:.3g}" if metric in _NO_SHARES else f"{100 * difference:.2g}"


def _spent(new: SettingSummary, old: SettingSummary, compared: Sequence[Resource]) -> str:
    parts = []
    for name, word in ((Resource.MEMORY, "in"), (Resource.TIME, "in"), (Resource.ENERGY, "with")):
        cost, before = _cost(new, name), _cost(old, name)
        if name in compared and cost is not None and before:
            kind = f" ({new.train_kind})" if name is Resource.ENERGY else ""
            parts.append(f"{word} {_change(cost / before - 1)} {name}{kind}")
    if Resource.ENERGY not in compared:
        parts.append("with energy that is not known")
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else parts[0]


def _change(share: float) -> str:
    if abs(share) < _AS_MUCH:
        return "as much"
    return f"{abs(share):.0%}".replace("%", " %") + (" less" if share < 0 else " more")


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
