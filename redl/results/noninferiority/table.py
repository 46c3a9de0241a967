"""The table of verdicts, one row per saving, with the reasons and the meaning of its columns below."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from redl.printable import printable
from redl.results.metric import Metric
from redl.results.noninferiority.pooling import Pooling
from redl.results.noninferiority.verdict import Outcome, Verdict

_MISSING = "-"
_ENOUGH_SEEDS = 5


def verdict_table(verdicts: Sequence[Verdict], *, width: int) -> str:
    """Return one row per saving, and below why one is inconclusive and what the columns mean."""
    console = Console(file=io.StringIO(), width=width, markup=False, highlight=False, emoji=False)
    with console.capture() as captured:
        console.print(_table(verdicts))
        for line in [*_reasons(verdicts), *_poolings(verdicts), *_legend(verdicts)]:
            console.print(line)
    return printable(captured.get())


def _table(verdicts: Sequence[Verdict]) -> Table:
    downsampled = any(verdict.downsample > 1 for verdict in verdicts)
    first = verdicts[0]
    table = Table(title=f"{_name(first.metric)}, margin {first.margin:g}", title_justify="left")
    for head in ("data", "model", "setting"):
        table.add_column(head, no_wrap=True)
    for head in (*(["S"] * downsampled), "difference"):
        table.add_column(head, justify="right", no_wrap=True)
    # In a narrow terminal these two columns break, but between words.
    table.add_column("95 % interval", justify="right", min_width=len("+0.000 to"))
    for head in ("p", "shows", "could\nshow", "diverged"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("verdict", min_width=len(Outcome.NON_INFERIOR))
    for verdict in verdicts:
        scale = [str(verdict.downsample)] * downsampled
        table.add_row(verdict.dataset, verdict.model, verdict.setting, *scale, *_figures(verdict))
    return table


def _figures(verdict: Verdict) -> tuple[str, ...]:
    interval = _MISSING
    if verdict.low is not None and verdict.high is not None:
        interval = f"{verdict.low:+.3f} to {verdict.high:+.3f}"
    return (
        _number(verdict.difference, "+.3f"),
        interval,
        "<0.001" if verdict.p is not None and verdict.p < 0.001 else _number(verdict.p, ".3f"),
        _number(verdict.shown_margin, ".3f"),
        _number(verdict.detectable_margin, ".3f"),
        f"{verdict.diverged}/{verdict.attempted}",
        f"{verdict.outcome} (but lower)" if verdict.but_lower else verdict.outcome,
    )


def _number(found: float | None, form: str) -> str:
    return _MISSING if found is None else format(found, form)


def _name(metric: Metric) -> str:
    return "minus the Brier score" if metric is Metric.BRIER else metric.replace("_", " ")


def _reasons(verdicts: Sequence[Verdict]) -> list[str]:
    reasons = [f"{_of(one)}: {one.outcome}: {one.reason}." for one in verdicts if one.reason]
    return reasons + [
        f"{_of(one)}: left out, because its baseline ran under another fingerprint: "
        f"seed{'s' * (len(one.apart) > 1)} {', '.join(map(str, one.apart))}."
        for one in verdicts
        if one.apart
    ]


def _poolings(verdicts: Sequence[Verdict]) -> list[str]:
    """Return one line for the savings that share their seed variance, or the reason why they do not."""
    settings: dict[tuple[str, str, int, Pooling], list[str]] = {}
    for verdict in verdicts:
        if verdict.pooling is not None:
            family = verdict.dataset, verdict.model, verdict.downsample, verdict.pooling
            settings.setdefault(family, []).append(verdict.setting)
    return [
        f"{dataset} {model} {', '.join(of)}{_scale(downsample)}: {_pooled(pooling)}."
        for (dataset, model, downsample, pooling), of in settings.items()
    ]


def _pooled(pooling: Pooling) -> str:
    return (
        pooling.reason or f"seed variance pooled over {pooling.arms} arms (homogeneity: p = {pooling.p:.3f})"
    )


def _of(verdict: Verdict) -> str:
    return f"{verdict.dataset} {verdict.model} {verdict.setting}{_scale(verdict.downsample)}"


def _scale(downsample: int) -> str:
    return f" at S = {downsample}" if downsample > 1 else ""


def _legend(verdicts: Sequence[Verdict]) -> list[str]:
    sizes = dict.fromkeys(
        f"{verdict.dataset} {verdict.patients} patients, {verdict.positive_patients} of them positive, "
        f"{verdict.images} images"
        for verdict in verdicts
        if verdict.seeds
    )
    legend = [
        "difference: saving minus baseline, the mean over the seeds that both have. "
        f"95 % interval: over new seeds and new patients ({'; '.join(sizes) or 'none seen'}).",
        "p: one-sided, of a loss of the margin or more; Holm's over the settings of a data set, model and S.",
        "shows: the smallest margin that the interval excludes. could show: the smallest that four of five "
        "such runs would exclude if nothing were lost (80 % power).",
        "verdict: non-inferior if the interval lies above minus the margin and p below 0.025 (but lower: if "
        "the interval also lies below 0); degraded if it lies below minus the margin; otherwise "
        "inconclusive, which is never a pass.",
        "diverged: k of S seeds diverged or did not finish; such a saving is never non-inferior.",
    ]
    if any(verdict.downsample > 1 for verdict in verdicts):
        legend.append("S: the side of the squares of pixels that are averaged into one.")
    if any(len(verdict.seeds) < _ENOUGH_SEEDS for verdict in verdicts):
        legend.append(
            "caveat: fewer than 5 seeds are a smoke test; a claim needs 5, and a margin of 0.02 needs 10."
        )
    return legend
