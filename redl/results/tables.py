"""Tables: records laid out like the tables of Selvan, Schoen and Dam (2023).

Each table is of one profile with one set of overrides, so that figures of a smoke run never stand beside
those of a run at the paper's sizes.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace
from rich.console import Console
from rich.table import Table

from redl.printable import printable
from redl.record import Record
from redl.results.aggregate import Aggregate, aggregated
from redl.results.checks import CaseCheck
from redl.results.layout import named_table, uncut
from redl.results.machine import apart_words
from redl.results.narrow import WIDE, narrow_cases, narrow_cells, problems_of
from redl.results.notation import (
    LOADED,
    MISSING,
    accuracy,
    diverged,
    energy,
    megabytes,
    millions,
    model_words,
    number,
    printed_score,
    spread,
)
from redl.results.printed import PrintedRow
from redl.results.tradeoff.models import observed_models
from redl.results.tradeoff.models_table import models_tables
from redl.study.case import Model
from redl.study.profile import PAPER

_MEMORY = {"cpu": "resident growth of the case's process on the CPU", "cuda": "the allocator's on the GPU"}
_OTHERS = "others used the machine"
_TABLE_2 = (Model.MLP, Model.EFFICIENTNET)
_FIGURES = ("|W| (M)", "P_T", "memory (MB)", "T_c (s)", "T (s)", "E (Wh)")


def tables(checks: Sequence[CaseCheck], *, width: int, printed: Sequence[PrintedRow] = ()) -> str:
    """Return a row for each case, with its score and its costs, and a legend of the columns.

    Cases with several seeds follow once more as means over them, beside the paper's figures if they have its
    profile and real images. Below 120 columns the tables are narrow, for 80. Several models follow beside
    each other, with the Pareto set among them.
    """
    # No markup: a reason may contain brackets.
    console = Console(file=io.StringIO(), width=width, markup=False, highlight=False, emoji=False)
    caption: list[str] = []
    with console.capture() as captured:
        for title, group in _grouped(checks):
            records = [check.record for check in group]
            wide, several = width >= WIDE, len({record.case.seed for record in records}) > 1
            console.print(_per_seed(title, group) if wide else narrow_cases(title, group))
            over_seeds = f"{title}, over {_seeds(records)}"
            if several and not wide:
                console.print(narrow_cells(over_seeds, aggregated(records)))
            elif several:
                beside = printed if all(map(as_printed, records)) else ()
                if beside:
                    caption = ["printed P_T: the paper's, * where any seed diverged; ? puts it in doubt."]
                console.print(_over_seeds(over_seeds, aggregated(records), beside))
            for line in () if wide else problems_of(group):
                console.print(line)
        for line in _legend([check.record for check in checks]) + caption:
            console.print(line)
    models = models_tables(observed_models([check.record for check in checks]), width=width)
    return printable(captured.get()) + models


def _grouped(checks: Sequence[CaseCheck]) -> Iterator[tuple[str, list[CaseCheck]]]:
    """Yield each table's title and rows: the paper's two tables, and Figure 2C of downsampled cases."""
    groups: dict[str, list[CaseCheck]] = {}
    records = [check.record for check in checks]
    for check in checks:
        groups.setdefault(table_title(check.record, records), []).append(check)
    yield from sorted(groups.items(), key=lambda group: (group[0].startswith("Figure"), group[0]))


def _companion(record: Record, others: Sequence[Record]) -> Record:
    """Return a record with overrides and data: if it ended early, those of another of the same data.

    Failing that, it gets only the overrides of one of the same profile, whose images may differ.
    """
    if record.recipe is not None:
        return record
    finished = [other for other in others if other.recipe is not None]
    case = record.case
    fitting = [other for other in finished if other.case.profile == case.profile]
    same = [other for other in fitting if other.case.dataset == case.dataset]
    if same:
        return replace(record, recipe=same[0].recipe, data=same[0].data)
    return replace(record, recipe=fitting[0].recipe) if fitting else record


def as_printed(record: Record) -> bool:
    """Return whether a case fits the paper's tables: its sizes and weights, real images in full size."""
    changed = set(record.recipe.overrides) - {"seeds", "scales"} if record.recipe else set()
    real = record.data is None or not record.data.synthetic
    return record.case.profile == PAPER.name and record.case.downsample == 1 and real and not changed


def table_title(record: Record, others: Sequence[Record]) -> str:
    """Return the title of the table in which a record stands; `others` are all that are shown with it."""
    record = _companion(record, others)
    case = record.case
    name = "Table 2" if case.model in _TABLE_2 else "Table 1"
    if case.downsample > 1:
        name = "Figure 2C"
    overrides = record.recipe.overrides if record.recipe else {}
    # Seeds are rows, and the notes say which weights were asked for.
    shown = {key: value for key, value in overrides.items() if key not in {"seeds", "pretraining"}}
    changed = "".join(f", {key}={value}" for key, value in shown.items())
    images = "" if record.data is None else f", {'phantom' if record.data.synthetic else 'real'} images"
    return f"{name}, {case.profile} profile{changed}{images}"


def _per_seed(title: str, checks: Sequence[CaseCheck]) -> Table:
    downsampled = checks[0].record.case.downsample > 1
    table = named_table(title, ("data", "model", "setting"), ("seed", *(["S"] * downsampled), *_FIGURES))
    # Words that are cut cannot be read, so they break over two lines.
    table.add_column("P_T against S = 1" if downsampled else "P_T against baseline", overflow="fold")
    for check in checks:
        record = check.record
        case, spent = record.case, record.energy.train if record.energy else None
        loaded = LOADED * record.under_load()
        table.add_row(
            case.dataset,
            model_words(record),
            case.setting,
            str(case.seed),
            *([str(case.downsample)] * downsampled),
            millions(record),
            accuracy(record),
            megabytes(record.memory.train_peak_bytes if record.memory else None),
            number(record.training.seconds_to_stop if record.training else None, 1) + loaded,
            number(record.inference.seconds / record.inference.passes if record.inference else None, 2)
            + LOADED * record.under_load(inference=True),
            (energy(spent.energy_wh, spent.energy_wh_partial, spent.kind) if spent else MISSING) + loaded,
            check.problems[0] if check.problems else check.comparison,
        )
    return uncut(table)


def _over_seeds(title: str, aggregates: Sequence[Aggregate], printed: Sequence[PrintedRow]) -> Table:
    downsampled = aggregates[0].record.case.downsample > 1
    starred = any(found.diverged for found in aggregates)
    more = (*(["converged P_T"] * starred), *(["printed P_T"] * bool(printed)))
    head = (*(["S"] * downsampled), *_FIGURES, "diverged", *more)
    table = named_table(title, ("data", "model", "setting"), head)
    rows = {(row.dataset, row.model, row.setting): row for row in printed}
    for found in aggregates:
        case, loaded = found.record.case, LOADED * found.train_under_load
        table.add_row(
            case.dataset,
            model_words(found.record),
            case.setting,
            *([str(case.downsample)] * downsampled),
            millions(found.record),
            spread(found.accuracy) + ("*" if found.diverged else ""),
            megabytes(found.train_peak_bytes),
            number(found.train_seconds, 1) + loaded,
            number(found.inference_seconds, 2) + LOADED * found.inference_under_load,
            energy(found.energy_wh, found.energy_wh_partial, found.energy_kind) + loaded,
            diverged(found),
            *([spread(found.converged) if found.diverged else MISSING] * starred),
            *([printed_score(rows.get((case.dataset, case.model, case.setting)))] if printed else []),
        )
    return uncut(table)


def _seeds(records: Iterable[Record]) -> str:
    return f"seeds {', '.join(_unique(str(record.case.seed) for record in records))}"


def _legend(records: Sequence[Record]) -> list[str]:
    majority = _unique(
        f"{r.case.dataset} {r.data.majority_accuracy:.3f}"
        for r in records
        if r.data and r.data.majority_accuracy
    )
    devices = _unique(record.memory.device for record in records if record.memory)
    kinds = _unique(
        f"{part.component} {part.kind}" + (f" by {part.sensor}" if part.sensor else "")
        for record in records
        if record.energy
        for part in record.energy.train.components
    )
    kinds_seen = _unique(kind for r in records if r.divergence for kind in r.divergence.kinds)
    kinds_of = f" ({', '.join(kinds_seen)})" if kinds_seen else ""
    legend = [
        f"P_T: test accuracy per image (majority class: {', '.join(majority) or MISSING}). "
        f"* diverged{kinds_of}.",
        f"memory: peak of training, {' or '.join(_MEMORY[device] for device in devices) or 'not measured'}.",
        "T_c: training until it stopped, evaluation left out. T: a pass over the test images, their mean.",
        f"E: of training, {', '.join(kinds) or 'not available'}; ~ marks an estimate, + a part of the whole.",
    ]
    if any(record.under_load() or record.under_load(inference=True) for record in records):
        shared = any(record.placement is not None and record.placement.shared for record in records)
        others = "other cases of the run could use the same processors or GPU" if shared else _OTHERS
        legend.append(f"! taken while {others}: no figure of this work by itself, and not gated.")
    if differ := apart_words(records):
        legend.append(
            f"the cases ran under more than one fingerprint ({differ} differ): none is compared with one of "
            "another, and means over seeds of several have no costs."
        )
    if len({record.case.seed for record in records}) > 1:
        legend += [
            "over seeds: mean ± standard deviation of all that finished, the largest memory. "
            "diverged: k of S seeds (exact 95 % interval)."
        ]
    if any(record.recipe and record.recipe.reduced for record in records):
        legend.append("reduced: made small for a laptop; figures say nothing of the published network.")
    if any(record.case.downsample > 1 for record in records):
        legend.append("S: the side of the squares of pixels that are averaged into one.")
    notes = [warning for record in records for warning in record.warnings if warning.startswith("recipe:")]
    notes += [
        f"{record.case.model} {record.case.setting}, memory: {record.memory.explanation}"
        for record in records
        if record.memory and record.memory.explanation
    ]
    return legend + [f"note: {note}" for note in _unique(notes)]


def _unique(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(words))
