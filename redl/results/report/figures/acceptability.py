"""Acceptability curves: how often each setting is worth most, by the energy that one patient may cost.

Fenwick, Claxton and Sculpher (2001), doi 10.1002/hec.635, with energy for money.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from redl.errors import OptionError
from redl.results.metric import Metric
from redl.results.report.figures.caption import caption, energy_words, name_of, titled
from redl.results.report.figures.drawing import Drawing, LeftOut
from redl.results.report.figures.matrix import Cells, Matrix
from redl.results.report.figures.sheet import columns_for, sheet
from redl.results.report.figures.style import handles, looks
from redl.results.tradeoff.acceptability import Acceptability
from redl.results.tradeoff.plan import Plan
from redl.results.tradeoff.tradeoff import Tradeoff, tradeoffs

# Half a decade apart over the range of the table of `redl tradeoff`; no decision curve is needed here.
PLAN = Plan(thresholds=(0.5,), lambdas_wh=tuple(10 ** (step / 2) for step in range(-4, 7)))
_WORDS = (
    "share of draws in which each setting, the baseline among them, is worth most if one more correctly "
    "treated patient, net, may cost so much energy",
    f"draws are of seeds and patients; one training is taken to serve {PLAN.patients} patients, who are "
    f"treated if their probability lies above {PLAN.threshold:g}",
    "with few seeds a share is unsure itself, and to be worth most in most draws is no proof of being safe",
)


def acceptability(matrix: Matrix) -> Drawing | LeftOut:
    """Return the acceptability curves of a matrix, a panel for each model."""
    name = name_of("acceptability", matrix)
    found = {model: _tradeoff(cells) for model, cells in matrix.models.items()}
    compared = {model: one for model, one in found.items() if one and _compares(one.acceptability)}
    curves = {model: one.acceptability for model, one in compared.items()}
    if not curves:
        return LeftOut(name=name, reason=matrix.unanswered or _why_not(list(found.values())))
    cells = [c for model, one in curves.items() for c in matrix.models[model] if c.setting in one[0].shares]
    draws = next(iter(compared.values())).draws
    return Drawing(
        name=name,
        title=titled("Acceptability", matrix),
        caption=caption(_WORDS, matrix, cells, f"{draws} draws", energy_words(cells)),
        figure=_figure(curves),
    )


def _tradeoff(cells: Cells) -> Tradeoff | None:
    arms = [cell.arm for cell in cells if cell.arm is not None]
    try:
        return tradeoffs(arms, metric=Metric.ACCURACY, plan=PLAN)[0] if arms else None
    except OptionError:  # not even accuracy has a value
        return None


def _compares(curve: Sequence[Acceptability]) -> bool:
    return bool(curve) and len(curve[0].shares) > 1


def _why_not(found: Sequence[Tradeoff | None]) -> str:
    reasons = [s.not_adjusted or s.left_out for one in found if one for s in one.summaries]
    return next((reason for reason in reasons if reason), "no model has a baseline and a setting to compare")


def _figure(curves: Mapping[str, Sequence[Acceptability]]) -> Figure:
    shown = looks(list(dict.fromkeys(setting for curve in curves.values() for setting in curve[0].shares)))
    page = sheet(len(curves), columns=columns_for(len(curves)), height=1.8, entries=handles(shown))
    for axes, (model, curve) in zip(page.panels, curves.items(), strict=True):
        axes.set_title(model)
        lambdas = [point.lambda_wh for point in curve]
        for setting in curve[0].shares:
            axes.plot(
                lambdas, [point.shares[setting] for point in curve], **shown[setting].line(markersize=3.5)
            )
        axes.set_xscale("log")
        ticks = [0.01, 1, 100]
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.set_xticks([], minor=True)
        axes.set_ylim(-0.03, 1.03)
        axes.set_xlabel("energy per patient (Wh)")
        axes.set_ylabel("share of draws")
    return page.figure
