"""Charts: Vega-Lite specifications, whose data the page puts in for the group that a reader chooses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt

from redl.results.report.page.fields import COSTS, Field
from redl.results.report.page.looks import Look

_Drawing = alt.Chart | alt.LayerChart | alt.FacetChart

_HEIGHT = 260
_SPARSE = alt.Axis(tickCount=5)  # labels of more would touch in a narrow column


def specifications(looks: Mapping[str, Look]) -> dict[str, dict[str, Any]]:
    """Return the specification of each chart by its name; `{score}` stands for the chosen score's label."""
    charts: dict[str, _Drawing] = {field.path: _against(field, looks) for field in COSTS}
    charts |= {
        "train_loss": _course("train_loss", "training loss", looks, capped=True),
        "valid_loss": _course("valid_loss", "validation loss", looks, capped=True),
        "valid_accuracy": _course("valid_accuracy", "validation accuracy", looks, capped=False),
        "calibration": _calibration(looks),
        "decision": _decision(looks),
        "history": _history(looks),
    }
    return {name: _finished(chart) for name, chart in charts.items()}


def _against(field: Field, looks: Mapping[str, Look]) -> _Drawing:
    """Draw the score against a cost: seeds small, their mean large, a bar from lowest to highest seed."""
    x = alt.X("x:Q", title=field.head, axis=_SPARSE, scale=alt.Scale(zero=False, nice=True, padding=12))
    y = alt.Y("y:Q", title="{score}", scale=alt.Scale(zero=False, padding=8))
    tooltip = ["setting:N", "seed:N", alt.Tooltip("x:Q", title=field.head), alt.Tooltip("y:Q", title="score")]
    seeds = _named("seeds").mark_point(size=24, opacity=0.55, filled=True).encode(x=x, y=y, tooltip=tooltip)
    means = _named("means")
    bars = means.mark_rule(strokeWidth=1.5).encode(x=x, y=alt.Y("low:Q"), y2="high:Q")
    points = means.mark_point(size=130, filled=True).encode(
        x=x, y=y, tooltip=[*tooltip[:1], *tooltip[2:], alt.Tooltip("low:Q"), alt.Tooltip("high:Q")]
    )
    tolerated = _named("tolerated").mark_rule(strokeDash=[4, 4], color="#767676").encode(y="y:Q")
    return alt.layer(
        tolerated,
        *(layer.encode(color=_colour(looks), shape=_shape(looks)) for layer in (seeds, points)),
        bars.encode(color=_colour(looks)),
    )


def _course(name: str, title: str, looks: Mapping[str, Look], *, capped: bool) -> _Drawing:
    """Draw a line for each seed over epochs; what lies above the parameter `top` is cut off."""
    top = alt.param(name="top", value=1)
    scale = alt.Scale(domainMax=alt.ExprRef("top")) if capped else alt.Scale(zero=False)
    chart: alt.Chart = (
        _named("epochs")
        .mark_line(point={"size": 14}, clip=True, strokeWidth=1.2, opacity=0.7)
        .encode(
            x=alt.X("epoch:Q", title="epoch", axis=alt.Axis(tickMinStep=1, format="d")),
            y=alt.Y(f"{name}:Q", title=title, scale=scale),
            detail="seed:N",
            color=_colour(looks),
            strokeDash=_dash(looks),
            tooltip=["setting:N", "seed:N", "epoch:Q", alt.Tooltip(f"{name}:Q", title=title)],
        )
    )
    return chart.add_params(top) if capped else chart


def _calibration(looks: Mapping[str, Look]) -> _Drawing:
    share = alt.Scale(domain=[0, 1])
    curves = (
        _named("calibration")
        .mark_line(point={"size": 40, "filled": True})
        .encode(
            x=alt.X("predicted:Q", title="mean probability of a bin", axis=_SPARSE, scale=share),
            y=alt.Y("observed:Q", title="share of positive images", scale=share),
            color=_colour(looks),
            strokeDash=_dash(looks),
            tooltip=["setting:N", "predicted:Q", "observed:Q"],
        )
    )
    ideal = (
        _named("ideal").mark_line(strokeDash=[4, 4], color="#767676").encode(x="predicted:Q", y="observed:Q")
    )
    return alt.layer(ideal, curves)


def _decision(looks: Mapping[str, Look]) -> _Drawing:
    x = alt.X("threshold:Q", title="threshold probability", axis=_SPARSE, scale=alt.Scale(domain=[0, 1]))
    y = alt.Y(
        "benefit:Q", title="net benefit per image or patient", scale=alt.Scale(domainMin=alt.ExprRef("low"))
    )
    curves = (
        _named("decision")
        .mark_line(clip=True)
        .encode(
            x=x,
            y=y,
            color=_colour(looks),
            strokeDash=_dash(looks),
            tooltip=["setting:N", "threshold:Q", "benefit:Q"],
        )
    )
    constant = _named("constant").mark_line(strokeDash=[4, 4], color="#767676", clip=True)
    all_and_none = constant.encode(
        x=x, y=y, detail="policy:N", tooltip=["policy:N", "threshold:Q", "benefit:Q"]
    )
    return alt.layer(all_and_none, curves).add_params(alt.param(name="low", value=-0.05))


def _history(looks: Mapping[str, Look]) -> _Drawing:
    x = alt.X("run:O", title="saved run", sort=None, axis=alt.Axis(labelAngle=-45, labelLimit=90))
    y = alt.Y("value:Q", title="{figure}", scale=alt.Scale(zero=False))
    lines = (
        _named("history")
        .mark_line(point=True)
        .encode(
            x=x, y=y, color=_colour(looks), strokeDash=_dash(looks), tooltip=["setting:N", "run:N", "value:Q"]
        )
    )
    steps = (
        _named("steps")
        .mark_point(size=220, strokeWidth=2, shape="circle", color="#D55E00")
        .encode(x=x, y=y, tooltip=["setting:N", "run:N", "value:Q", "step:N", "reason:N"])
    )
    return alt.layer(lines, steps)


def _named(name: str) -> alt.Chart:
    return alt.Chart(alt.NamedData(name=name))


def _colour(looks: Mapping[str, Look]) -> alt.Color:
    return alt.Color(
        "setting:N", legend=None, scale=_scale({name: look.colour for name, look in looks.items()})
    )


def _shape(looks: Mapping[str, Look]) -> alt.Shape:
    return alt.Shape(
        "setting:N", legend=None, scale=_scale({name: look.shape for name, look in looks.items()})
    )


def _dash(looks: Mapping[str, Look]) -> alt.StrokeDash:
    found = {name: list(look.dash) for name, look in looks.items()}
    return alt.StrokeDash("setting:N", legend=None, scale=_scale(found))


def _scale(values: Mapping[str, Any]) -> alt.Scale:
    return alt.Scale(domain=list(values), range=list(values.values()))


def _finished(chart: _Drawing) -> dict[str, Any]:
    """Return a chart as wide as its place, without a background, whose text takes the page's colours."""
    axis = alt.AxisConfig(labelFontSize=12, titleFontSize=12, titleFontWeight="normal", labelOverlap=True)
    placed = chart.properties(width="container", height=_HEIGHT).configure(
        background="transparent",
        font="system-ui, sans-serif",
        axis=axis,
        mark=alt.MarkConfig(aria=False),  # the plot has a caption and a table; a name for each mark is noise
    )
    specification: dict[str, Any] = placed.to_dict()
    return specification
