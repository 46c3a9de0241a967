"""The tables of the trade-off with the meaning of their columns, and the same as strict JSON."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from redl.record import EnergyKind
from redl.results.layout import named_table, uncut
from redl.results.noninferiority.verdict import Verdict
from redl.results.tradeoff.adjusted import PER, Adjusted
from redl.results.tradeoff.benefit import TREAT_NONE
from redl.results.tradeoff.change import LEAST_SEEDS, SAVED_SHARE
from redl.results.tradeoff.pepr import LETTERS, PeprScore
from redl.results.tradeoff.recommendation import chosen, recommendation, verdicts_of
from redl.results.tradeoff.setting_summary import SettingSummary
from redl.results.tradeoff.tradeoff import Tradeoff

_MISSING = "-"
_WHOLE_FROM = 100  # net benefit from which tenths are not printed


def tradeoff_tables(found: Sequence[Tradeoff], verdicts: Sequence[Verdict], *, width: int) -> str:
    """Return what each setting scores and costs, what it is worth, and below what the columns mean.

    Each model's recommendation stands below its tables.
    """
    # No markup: a reason may contain brackets.
    console = Console(file=io.StringIO(), width=width, markup=False, highlight=False, emoji=False)
    with console.capture() as captured:
        for tradeoff in found:
            console.print(_scores(tradeoff, verdicts))
            console.print(_worth(tradeoff))
            console.print(_pepr(tradeoff))
            # No wrapping: a line that is searched for, or copied, stays whole.
            for note in _notes(tradeoff):
                console.print(f"note: {note}", soft_wrap=True)
            console.print(recommendation(tradeoff, verdicts), soft_wrap=True)
            console.print()
        for line in _legend(found):
            console.print(line)
    return captured.get()


def to_json(found: Sequence[Tradeoff], verdicts: Sequence[Verdict]) -> str:
    """Return trade-offs, each with its verdicts and its recommendation, as strict JSON, a list of objects."""
    return json.dumps([_plain(tradeoff, verdicts) for tradeoff in found], indent=2, allow_nan=False)


def _plain(tradeoff: Tradeoff, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    return asdict(tradeoff) | {
        "verdicts": [asdict(verdict) for verdict in verdicts_of(tradeoff, verdicts)],
        "recommended": chosen(tradeoff, verdicts),
        "recommendation": recommendation(tradeoff, verdicts),
    }


def _scores(tradeoff: Tradeoff, verdicts: Sequence[Verdict]) -> Table:
    outcomes = {verdict.setting: _outcome(verdict) for verdict in verdicts_of(tradeoff, verdicts)}
    # Line breaks in the heads: rich may make a column narrower than its longest word.
    figures = (
        "memory\n(MB)",
        "T_c\n(s)",
        "E\n(Wh)",
        f"mWh per\n{tradeoff.unit}",
        "Pareto\n(P)",
        "NB",
        "saves",
    )
    table = named_table(_title(tradeoff), ("setting", "verdict"), (tradeoff.metric, *figures))
    for summary in tradeoff.summaries:
        table.add_row(
            summary.setting,
            outcomes.get(summary.setting, "is the baseline"),
            _number(summary.performance, 3) + ("*" if summary.diverged else ""),
            _number(summary.train_peak_bytes, 0, per=1e6),
            _number(summary.train_seconds, 1),
            _energy(summary.train_wh, 2, summary.train_kind),
            _energy(summary.inference_wh, 3, summary.inference_kind, per=1e-3),
            _pareto(summary),
            _number(summary.net_benefit, 3),
            ", ".join(summary.savings) or _MISSING,
        )
    return uncut(table)


def _worth(tradeoff: Tradeoff) -> Table:
    grid = [f"INB at\n{wh:g} Wh" for wh in tradeoff.plan.lambdas_wh]
    title = f"Against the baseline, per {PER} {tradeoff.unit}s"
    table = named_table(title, ("setting",), ("dNB", "dC\n(Wh)", *grid))
    for summary in tradeoff.summaries:
        if summary.more_benefit is None:
            continue
        worth = [f"{_inb(adjusted)} ({adjusted.probability:.2f})" for adjusted in summary.adjusted]
        table.add_row(
            summary.setting,
            f"{summary.more_benefit:+.1f}",
            _energy(summary.more_energy_wh, 3, _weakest(summary), sign="+"),
            *(worth or [_MISSING] * len(grid)),
        )
    return uncut(table)


def _pepr(tradeoff: Tradeoff) -> Table:
    compared = [summary for summary in tradeoff.summaries if summary.pepr]
    heads = [f"PePR-{LETTERS[score.resource]}" for score in compared[0].pepr] if compared else []
    title = f"Performance per resource unit, within these {len(compared)} settings"
    table = named_table(title, ("setting",), heads)
    for summary in compared:
        table.add_row(summary.setting, *map(_score, summary.pepr))
    return uncut(table)


def _score(score: PeprScore) -> str:
    if score.score is None or score.low is None or score.high is None:
        return _MISSING
    return f"{score.score:.3f} ({score.low:.3f} to {score.high:.3f})"


def _pareto(summary: SettingSummary) -> str:
    if summary.pareto is None:
        return _MISSING
    return f"{'yes' if summary.pareto else 'no'} ({_number(summary.pareto_probability, 2)})"


def _inb(adjusted: Adjusted) -> str:
    return f"{adjusted.value:+.{0 if abs(adjusted.value) >= _WHOLE_FROM else 1}f}"


def _outcome(verdict: Verdict) -> str:
    lower = ", but lower" if verdict.but_lower else ""
    lost = f", {verdict.diverged}/{verdict.attempted} diverged" if verdict.diverged else ""
    return f"{verdict.outcome}{lower}{lost}"


def _title(tradeoff: Tradeoff) -> str:
    reduced = " (reduced)" if tradeoff.reduced else ""
    scale = f", S = {tradeoff.downsample}" if tradeoff.downsample > 1 else ""
    images = "phantom" if tradeoff.synthetic else "real"
    counted = f"{tradeoff.patients} patients, seeds {', '.join(map(str, tradeoff.seeds)) or 'none'}"
    profile = f"{tradeoff.profile} profile, {images} images"
    return f"Trade-off of {tradeoff.model}{reduced} on {tradeoff.dataset}{scale}, {profile}, {counted}"


def _notes(tradeoff: Tradeoff) -> Iterator[str]:
    for resource, why in tradeoff.not_compared.items():
        yield f"{resource} is not compared: {why}"
    for summary in tradeoff.summaries:
        if summary.left_out:
            yield f"{summary.setting} is left out: {summary.left_out}"
        if summary.not_adjusted:
            yield f"{summary.setting} has no INB: {summary.not_adjusted}"
    if tradeoff.treat_all is not None:
        counted = f"{tradeoff.units} {tradeoff.unit}s"
        yield f"NB of treating {counted}: all {tradeoff.treat_all:.3f}, none {TREAT_NONE:.3f}"
    if len(tradeoff.seeds) == 1:
        yield "only one seed: the draws, and so all probabilities, say nothing about other seeds"


def _legend(found: Sequence[Tradeoff]) -> list[str]:
    plan = found[0].plan
    accuracys = ", accuracy's cut" if plan.threshold == 0.5 else ""
    return [
        f"{found[0].metric}: the mean over seeds. * diverged or did not finish.",
        "memory: peak of training, the largest of the seeds. T_c: training until it stopped. E: of training. "
        "mWh: of inference. ~ marks an estimate.",
        "Pareto: no other setting is at least as good in performance, memory, T_c and E and better in one of "
        f"them. P: the share of {found[0].draws} draws of seeds and patients with replacement in which it is "
        "so.",
        f"saves: at least {SAVED_SHARE:.0%} less than the baseline over new seeds, by a t test of the log "
        "ratio paired by seed, corrected for all settings and resources (Holm, p < 0.025); "
        f"{LEAST_SEEDS} seeds at least.",
        "NB: net benefit TP/n - FP/n * t/(1-t), where treatment follows a probability above t = "
        f"{plan.threshold:g}{accuracys}.",
        "INB = dNB - dC/lambda, and P(INB > 0): the net benefit gained minus the additional energy (a share "
        f"of one training for {plan.patients} patients, and inference), if one more correctly triaged "
        "patient, net, may cost lambda Wh.",
        "PePR-R = P / (1 + R_n), with R_n from 0 for the setting that takes least to 1 for the most; "
        "E energy, C CO2eq, T time, M memory of training; 95 % of the draws. It can be compared only within "
        "these settings, another one moves them all, and it replaces no verdict.",
    ]


def _weakest(summary: SettingSummary) -> EnergyKind:
    kinds = (summary.train_kind, summary.inference_kind)
    return EnergyKind.ESTIMATED if EnergyKind.ESTIMATED in kinds else EnergyKind.MEASURED


def _energy(wh: float | None, digits: int, kind: EnergyKind | None, *, per: float = 1, sign: str = "") -> str:
    if wh is None:
        return _MISSING
    return f"{'~' if kind is EnergyKind.ESTIMATED else ''}{wh / per:{sign}.{digits}f}"


def _number(value: float | None, digits: int, *, per: float = 1) -> str:
    return _MISSING if value is None else f"{value / per:.{digits}f}"
