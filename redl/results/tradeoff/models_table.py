"""The table of models: each with its settings, its place in the Pareto set and its PePR, and why not."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table

from redl.printable import printable
from redl.results.layout import named_table, uncut
from redl.results.notation import MISSING, energy, megabytes, number
from redl.results.tradeoff.models import Models
from redl.results.tradeoff.pepr import LETTERS, PeprScore
from redl.results.tradeoff.setting_summary import SettingSummary


def models_tables(found: Sequence[Models], *, width: int) -> str:
    """Return the combinations of each data set, and below what is not compared and what columns mean."""
    if not found:
        return ""
    # No markup: a reason may contain brackets.
    console = Console(file=io.StringIO(), width=width, markup=False, highlight=False, emoji=False)
    with console.capture() as captured:
        for models in found:
            console.print(_standings(models))
            if any(standing.summary.pepr for standing in models.standings):
                console.print(_pepr(models))
            for line in _notes(models):
                console.print(f"note: {line}", soft_wrap=True)
        for line in _legend(found[0]):
            console.print(line)
    return printable(captured.get())


def _standings(models: Models) -> Table:
    scale = f", S = {models.downsample}" if models.downsample > 1 else ""
    images = "phantom" if models.synthetic else "real"
    seeds = ", ".join(map(str, models.seeds)) or "none"
    title = f"Models on {models.dataset}{scale}, {models.profile}, {images} images, seeds {seeds}"
    heads = (
        models.metric,
        "memory\n(MB)",
        "T_c\n(s)",
        "E\n(Wh)",
        "Pareto\n(P)" if models.draws else "Pareto",
    )
    table = named_table(title, ("model", "setting"), heads)
    for standing in models.standings:
        one = standing.summary
        table.add_row(
            standing.model,
            one.setting,
            number(one.performance, 3) + ("*" if one.diverged else ""),
            megabytes(one.train_peak_bytes),
            number(one.train_seconds, 1),
            energy(one.train_wh, None, one.train_kind),
            _pareto(one),
        )
    return uncut(table)


def _pareto(one: SettingSummary) -> str:
    if one.pareto is None:
        return MISSING
    words = "yes" if one.pareto else "no"
    return words if one.pareto_probability is None else f"{words} ({one.pareto_probability:.2f})"


def _pepr(models: Models) -> Table:
    scored = [one for one in models.standings if one.summary.pepr]
    heads = [f"PePR-{LETTERS[score.resource]}" for score in scored[0].summary.pepr]
    title = f"Performance per resource unit, within these {len(scored)} combinations"
    table = named_table(title, ("model", "setting"), heads)
    for one in scored:
        table.add_row(one.model, one.summary.setting, *map(_score, one.summary.pepr))
    return uncut(table)


def _score(score: PeprScore) -> str:
    if score.score is None:
        return MISSING
    words = f"{score.score:.3f}"
    return words if score.low is None else f"{words} ({score.low:.3f} to {score.high:.3f})"


def _notes(models: Models) -> Iterator[str]:
    for resource, why in models.not_compared.items():
        yield f"{resource} is not compared: {why}"
    for one in models.standings:
        if one.summary.left_out:
            yield f"{one.name} is left out: {one.summary.left_out}"
    if any(one.summary.pareto is None and one.summary.left_out is None for one in models.standings):
        yield "no Pareto set: no resource can be compared"


def _legend(models: Models) -> list[str]:
    sure = (
        f"P: the share of {models.draws} draws of seeds and patients in which it is so."
        if models.draws
        else "`redl tradeoff RUN` says how sure it is."
    )
    return [
        f"{models.metric}: the mean over the seeds that all have. memory: the largest of the seeds. "
        "* diverged or did not finish.",
        f"Pareto: no other model and setting is at least as good in {models.metric} and in each resource "
        f"that is compared, and better in one. {sure}",
        "PePR-R = P / (1 + R_n), with R_n from 0 for the combination that takes least to 1 for the most; it "
        "can be compared only within these combinations and replaces no verdict.",
    ]
