"""The trade-off laid out: for a terminal with what its columns mean, and as strict JSON."""

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
from redl.results.tradeoff.recommendation import chosen, recommendation
from redl.results.tradeoff.setting_summary import SAVED_PROBABILITY, SAVED_SHARE, SettingSummary
from redl.results.tradeoff.tradeoff import Tradeoff

_MISSING = "-"
_WHOLE_FROM = 100  # net benefit of which tenths are not told


def tradeoff_tables(found: Sequence[Tradeoff], verdicts: Sequence[Verdict], *, width: int) -> str:
    """Lay out what each setting scores and spends, then what it is worth, and below what that means.

    Each model's recommendation stands below its tables.
    """
    # No markup: a reason may hold brackets.
    console = Console(file=io.StringIO(), width=width, markup=False, highlight=False, emoji=False)
    with console.capture() as captured:
        for one in found:
            console.print(_scores(one, verdicts))
            console.print(_worth(one))
            # No wrapping: a line that is searched for, or copied, stays whole.
            for note in _notes(one):
                console.print(f"note: {note}", soft_wrap=True)
            console.print(recommendation(one, verdicts), soft_wrap=True)
            console.print()
        for line in _legend(found):
            console.print(line)
    return captured.get()


def to_json(found: Sequence[Tradeoff], verdicts: Sequence[Verdict]) -> str:
    """Spell trade-offs, each with its verdicts and its recommendation, as strict JSON, a list of objects."""
    return json.dumps([_plain(one, verdicts) for one in found], indent=2, allow_nan=False)


def _plain(one: Tradeoff, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    own = [asdict(verdict) for verdict in verdicts if _is_of(verdict, one)]
    told = {"recommended": chosen(one, verdicts), "recommendation": recommendation(one, verdicts)}
    return asdict(one) | {"verdicts": own} | told


def _is_of(verdict: Verdict, one: Tradeoff) -> bool:
    return (verdict.dataset, verdict.model, verdict.downsample) == (one.dataset, one.model, one.downsample)


def _scores(one: Tradeoff, verdicts: Sequence[Verdict]) -> Table:
    outcomes = {verdict.setting: _outcome(verdict) for verdict in verdicts if _is_of(verdict, one)}
    # A line break in a head: rich gives a column that it must narrow no room for its longest word.
    figures = (
        "memory\n(MB)",
        "T_c\n(s)",
        "E\n(Wh)",
        f"mWh a\n{one.unit}",
        "Pareto\n(P)",
        "NB",
        "saves",
    )
    table = named_table(_title(one), ("setting", "verdict"), (one.metric, *figures))
    for summary in one.summaries:
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


def _worth(one: Tradeoff) -> Table:
    grid = [f"INB at\n{wh:g} Wh" for wh in one.plan.lambdas_wh]
    title = f"Against the baseline, per {PER} {one.unit}s"
    table = named_table(title, ("setting",), ("dNB", "dC\n(Wh)", *grid))
    for summary in one.summaries:
        if summary.more_benefit is None:
            continue
        worth = [f"{_worth_of(each)} ({each.probability:.2f})" for each in summary.adjusted]
        table.add_row(
            summary.setting,
            f"{summary.more_benefit:+.1f}",
            _energy(summary.more_energy_wh, 3, _least_sure(summary), sign="+"),
            *(worth or [_MISSING] * len(grid)),
        )
    return uncut(table)


def _pareto(one: SettingSummary) -> str:
    if one.pareto is None:
        return _MISSING
    return f"{'yes' if one.pareto else 'no'} ({_number(one.pareto_probability, 2)})"


def _worth_of(one: Adjusted) -> str:
    return f"{one.value:+.{0 if abs(one.value) >= _WHOLE_FROM else 1}f}"


def _outcome(verdict: Verdict) -> str:
    lower = ", but lower" if verdict.but_lower else ""
    lost = f", {verdict.diverged}/{verdict.attempted} diverged" if verdict.diverged else ""
    return f"{verdict.outcome}{lower}{lost}"


def _title(one: Tradeoff) -> str:
    reduced = " (reduced)" if one.reduced else ""
    scale = f", S = {one.downsample}" if one.downsample > 1 else ""
    images = "phantom" if one.synthetic else "real"
    counted = f"{one.patients} patients, seeds {', '.join(map(str, one.seeds)) or 'none'}"
    profile = f"{one.profile} profile, {images} images"
    return f"Trade-off of {one.model}{reduced} on {one.dataset}{scale}, {profile}, {counted}"


def _notes(one: Tradeoff) -> Iterator[str]:
    for resource, why in one.not_compared.items():
        yield f"{resource} is not compared: {why}"
    for summary in one.summaries:
        if summary.left_out:
            yield f"{summary.setting} is left out: {summary.left_out}"
        if summary.not_adjusted:
            yield f"{summary.setting} has no INB: {summary.not_adjusted}"
    if one.treat_all is not None:
        treated = f"{one.units} {one.unit}s: all {one.treat_all:.3f}, none {TREAT_NONE:.3f}"
        yield f"NB of treating {treated}"
    if len(one.seeds) == 1:
        yield "one seed alone: the draws, and so all probabilities, know nothing of other seeds"


def _legend(found: Sequence[Tradeoff]) -> list[str]:
    plan = found[0].plan
    accuracys = ", accuracy's cut" if plan.threshold == 0.5 else ""
    return [
        f"{found[0].metric}: the mean over seeds. * diverged or did not finish.",
        "memory: peak of training, the largest of the seeds. T_c: training until it stopped. E: of training. "
        "mWh: of inference. ~ marks an estimate.",
        "Pareto: no other setting is as good in performance, memory, T_c and E, and better in one of them. "
        f"P: share of {found[0].draws} draws, of seeds and of patients with replacement.",
        f"saves: at least {SAVED_SHARE:.0%} less than the baseline in {SAVED_PROBABILITY:.1%} of the draws.",
        f"NB: net benefit TP/n - FP/n * t/(1-t), treated from a probability above t = {plan.threshold:g}"
        f"{accuracys}.",
        "INB = dNB - dC/lambda, and P(INB > 0): net benefit gained, less energy spent more (a share of one "
        f"training for {plan.patients} patients, and inference), where lambda Wh are accepted for one more "
        "patient rightly triaged, net.",
    ]


def _least_sure(summary: SettingSummary) -> EnergyKind:
    kinds = (summary.train_kind, summary.inference_kind)
    return EnergyKind.ESTIMATED if EnergyKind.ESTIMATED in kinds else EnergyKind.MEASURED


def _energy(wh: float | None, digits: int, kind: EnergyKind | None, *, per: float = 1, sign: str = "") -> str:
    if wh is None:
        return _MISSING
    return f"{'~' if kind is EnergyKind.ESTIMATED else ''}{wh / per:{sign}.{digits}f}"


def _number(value: float | None, digits: int, *, per: float = 1) -> str:
    return _MISSING if value is None else f"{value / per:.{digits}f}"
