"""The tables of the trade-off, and the same as strict JSON."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from redl.printable import printable, printable_json
from redl.record import EnergyKind
from redl.results.layout import named_table, uncut
from redl.results.noninferiority.verdict import Verdict
from redl.results.tradeoff.adjusted import PER, Adjusted
from redl.results.tradeoff.change import Change
from redl.results.tradeoff.decision_curve import DecisionPoint, ranges
from redl.results.tradeoff.footprint import Amount
from redl.results.tradeoff.interval import Interval
from redl.results.tradeoff.legend import legend, notes
from redl.results.tradeoff.pepr import LETTERS, PeprScore
from redl.results.tradeoff.recommendation import chosen, in_percent, not_shown, recommendation, verdicts_of
from redl.results.tradeoff.setting_summary import SettingSummary
from redl.results.tradeoff.tradeoff import Tradeoff

_MISSING = "-"
_WHOLE_FROM = 100  # net benefit from which tenths are not printed


def tradeoff_tables(found: Sequence[Tradeoff], verdicts: Sequence[Verdict], *, width: int) -> str:
    """Return each model's recommendation, what its settings score, save, cost and are worth, and a legend."""
    # No markup: a reason may contain brackets.
    console = Console(file=io.StringIO(), width=width, markup=False, highlight=False, emoji=False)
    with console.capture() as captured:
        for tradeoff in found:
            # No wrapping: a line that is searched for, or copied, stays whole.
            console.print(_title(tradeoff), soft_wrap=True)
            console.print(recommendation(tradeoff, verdicts), soft_wrap=True)
            for table in _tables(tradeoff, verdicts):
                if table.row_count and len(table.columns) > 1:
                    console.print(uncut(table))
            for note in notes(tradeoff):
                console.print(f"note: {note}", soft_wrap=True)
            console.print()
        for line in legend(found):
            console.print(line)
    return printable(captured.get())


def to_json(found: Sequence[Tradeoff], verdicts: Sequence[Verdict]) -> str:
    """Return trade-offs, each with its verdicts and its recommendation, as strict JSON, a list of objects."""
    plain = [_plain(tradeoff, verdicts) for tradeoff in found]
    return printable_json(json.dumps(plain, indent=2, allow_nan=False))


def _plain(tradeoff: Tradeoff, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    return asdict(tradeoff) | {
        "verdicts": [asdict(verdict) for verdict in verdicts_of(tradeoff, verdicts)],
        "recommended": chosen(tradeoff, verdicts),
        "recommendation": recommendation(tradeoff, verdicts),
    }


def _tables(tradeoff: Tradeoff, verdicts: Sequence[Verdict]) -> Iterator[Table]:
    """Yield the tables, what a reader asks first at the top."""
    yield _scores(tradeoff, verdicts)
    yield _changes(tradeoff)
    yield _decisions(tradeoff)
    yield _footprints(tradeoff)
    yield _worth(tradeoff)
    yield _pepr(tradeoff)


def _scores(tradeoff: Tradeoff, verdicts: Sequence[Verdict]) -> Table:
    outcomes = {verdict.setting: _outcome(verdict) for verdict in verdicts_of(tradeoff, verdicts)}
    # Line breaks in the heads: rich may make a column narrower than its longest word.
    figures = ("memory\n(MB)", "T_c\n(s)", "E\n(Wh)", f"mWh per\n{tradeoff.unit}", "Pareto\n(P)")
    table = named_table("Scores and costs", ("setting", "verdict"), (tradeoff.metric, *figures))
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
        )
    return table


def _changes(tradeoff: Tradeoff) -> Table:
    table = named_table("Training against the baseline", ("setting",), tradeoff.compared)
    for summary in tradeoff.summaries:
        if summary.changes:
            table.add_row(summary.setting, *map(_change, summary.changes))
    return table


def _change(change: Change) -> str:
    if change.is_none:
        return "the same"
    standing = "saved" if change.is_saving else "more" if change.is_cost else not_shown([change])
    return f"{standing}: {in_percent(change)}"


def _decisions(tradeoff: Tradeoff) -> Table:
    """Lay out net benefit, and what errors cost if that was given."""
    heads = ["NB", f"dNB per {PER}\n{tradeoff.unit}s", "surely useful\nat t", "surely worse\nat t"]
    costs = tradeoff.plan.error_costs
    if costs is not None:
        heads += [f"cost of {PER}\n{tradeoff.unit}s", "beyond the\nbaseline's"]
    title = f"Decisions at t = {tradeoff.plan.threshold:.3g}"
    table = named_table(title, ("setting",), heads)
    for summary in tradeoff.summaries:
        curve = summary.decision_curve
        row = [
            _number(summary.net_benefit, 3),
            _interval(summary.more_benefit, sign="+"),
            _ranges(curve, [point.is_useful for point in curve]),
            _MISSING if summary.more_benefit is None else _ranges(curve, [point.is_worse for point in curve]),
        ]
        if costs is not None:
            row += [_interval(summary.expected_cost), _interval(summary.more_cost, sign="+")]
        table.add_row(summary.setting, *row)
    return table


def _ranges(curve: Sequence[DecisionPoint], chosen: Sequence[bool]) -> str:
    found = ranges([point.threshold for point in curve], chosen)
    words = [f"{low:g}" if low == high else f"{low:g} to {high:g}" for low, high in found]
    return ", ".join(words) or ("nowhere" if curve else _MISSING)


def _footprints(tradeoff: Tradeoff) -> Table:
    """Lay out what is known of CO2eq and money of one training, and of energy too of 1000 units."""
    currency = tradeoff.plan.price.currency or "money" if tradeoff.plan.price else ""
    figures = [("energy_wh", "Wh"), ("co2eq_g", "g CO2eq"), ("money", currency)]
    known = [
        (name, unit)
        for name, unit in figures
        if any(one.training and getattr(one.training, name) for one in tradeoff.summaries)
    ]
    heads = [f"training\n({unit})" for _, unit in known[1:]] + [
        f"dC per {PER}\n{tradeoff.unit}s ({unit})" for _, unit in known
    ]
    table = named_table("Footprint", ("setting",), heads)
    for summary in tradeoff.summaries:
        if summary.training is None or summary.thousand is None or summary.training.energy_wh is None:
            continue
        mark = "~" if _weakest(summary) is EnergyKind.ESTIMATED else ""
        cells = [_amount(getattr(summary.training, name)) for name, _ in known[1:]]
        cells += [_more(getattr(summary.thousand, name)) for name, _ in known]
        table.add_row(summary.setting, *(cell if cell == _MISSING else f"{mark}{cell}" for cell in cells))
    return table


def _amount(amount: Amount | None) -> str:
    return _MISSING if amount is None else f"{amount.value:.3g}"


def _more(amount: Amount | None) -> str:
    return _MISSING if amount is None else _interval(amount.more, sign="+")


def _interval(interval: Interval | None, *, sign: str = "") -> str:
    """Return a figure and its interval, with as many digits as the figure needs for three."""
    if interval is None:
        return _MISSING
    size = max(abs(each) for each in (interval.value, interval.low, interval.high) if each is not None)
    digits = 1 if size == 0 else min(6, max(0, 2 - math.floor(math.log10(size))))
    if interval.low is None or interval.high is None:
        return f"{interval.value:{sign}.{digits}f}"
    low, high = f"{interval.low:{sign}.{digits}f}", f"{interval.high:{sign}.{digits}f}"
    value = f"{interval.value:{sign}.{digits}f}"
    return value if low == high else f"{value} ({low} to {high})"


def _worth(tradeoff: Tradeoff) -> Table:
    grid = [f"INB at\n{wh:g} Wh" for wh in tradeoff.plan.lambdas_wh]
    title = f"INB per {PER} {tradeoff.unit}s, and how often it is the highest"
    table = named_table(title, ("setting",), grid)
    for summary in tradeoff.summaries:
        shares = [
            each.shares[summary.setting] for each in tradeoff.acceptability if summary.setting in each.shares
        ]
        worth = [_inb(one) for one in summary.adjusted] or ["0"] * len(shares)
        cells = [f"{value} ({share:.2f})" for value, share in zip(worth, shares, strict=True)]
        if cells:
            table.add_row(summary.setting, *cells)
    return table


def _pepr(tradeoff: Tradeoff) -> Table:
    compared = [summary for summary in tradeoff.summaries if summary.pepr]
    heads = [f"PePR-{LETTERS[score.resource]}" for score in compared[0].pepr] if compared else []
    title = f"Performance per resource unit, within these {len(compared)} settings"
    table = named_table(title, ("setting",), heads)
    for summary in compared:
        table.add_row(summary.setting, *map(_score, summary.pepr))
    return table


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


def _weakest(summary: SettingSummary) -> EnergyKind:
    kinds = (summary.train_kind, summary.inference_kind)
    return EnergyKind.ESTIMATED if EnergyKind.ESTIMATED in kinds else EnergyKind.MEASURED


def _energy(wh: float | None, digits: int, kind: EnergyKind | None, *, per: float = 1) -> str:
    if wh is None:
        return _MISSING
    return f"{'~' if kind is EnergyKind.ESTIMATED else ''}{wh / per:.{digits}f}"


def _number(value: float | None, digits: int, *, per: float = 1) -> str:
    return _MISSING if value is None else f"{value / per:.{digits}f}"
