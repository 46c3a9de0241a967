"""Tables: records laid out like those of Selvan, Schoen and Dam (2023).

Each table is of one profile with one set of overrides, so that figures of a smoke run never stand beside
those of the paper's sizes.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console
from rich.table import Table

from redl.case import Model
from redl.record import EnergyKind, Record
from redl.results.aggregate import Aggregate, Spread, aggregated
from redl.results.judgement import Judgement
from redl.results.printed import PrintedRow

_MISSING = "-"
_MEMORY = {"cpu": "resident growth of the case's process on the CPU", "cuda": "the allocator's on the GPU"}
_TABLE_2 = (Model.MLP, Model.EFFICIENTNET)
_FIGURES = ("|W| (M)", "P_T", "memory (MB)", "T_c (s)", "T (s)", "E (Wh)")


def tables(judgements: Sequence[Judgement], *, width: int, printed: Sequence[PrintedRow] = ()) -> str:
    """Lay out one row a case, what it scored and what it cost, and below what the columns mean.

    Cases with several seeds follow once more as means over them, beside what the paper printed where they are
    of its profile, on real images.
    """
    # No markup: a reason may hold brackets.
    console = Console(file=io.StringIO(), width=width, markup=False, highlight=False, emoji=False)
    with console.capture() as captured:
        for title, group in _grouped(judgements):
            records = [judgement.record for judgement in group]
            console.print(_per_seed(title, group))
            if len({record.case.seed for record in records}) > 1:
                beside = printed if title.endswith("paper profile, real images") else ()
                console.print(_over_seeds(f"{title}, over seeds", aggregated(records), beside))
        for line in _legend([judgement.record for judgement in judgements]):
            console.print(line)
    return captured.get()


def _grouped(judgements: Sequence[Judgement]) -> Iterator[tuple[str, list[Judgement]]]:
    """Yield each table's title and rows: the paper's two tables, and Figure 2C of downsampled cases."""
    titles = [_title(judgement.record) for judgement in judgements]
    groups: dict[str, list[Judgement]] = {}
    for judgement, title in zip(judgements, titles, strict=True):
        # A case that ended early knows neither overrides nor data; it stands with the others of its run.
        whole = title if judgement.record.recipe else max(t for t in titles if t.startswith(title))
        groups.setdefault(whole, []).append(judgement)
    yield from sorted(groups.items(), key=lambda group: (group[0].startswith("Figure"), group[0]))


def _title(record: Record) -> str:
    case = record.case
    name = "Table 2" if case.model in _TABLE_2 else "Table 1"
    if case.downsample > 1:
        name = "Figure 2C"
    overrides = record.recipe.overrides if record.recipe else {}
    # Seeds are rows, and whether weights were tried for is in the notes.
    told = {key: value for key, value in overrides.items() if key not in {"seeds", "pretraining"}}
    changed = "".join(f", {key}={value}" for key, value in told.items())
    images = "" if record.data is None else f", {'phantom' if record.data.synthetic else 'real'} images"
    return f"{name}, {case.profile} profile{changed}{images}"


def _per_seed(title: str, judgements: Sequence[Judgement]) -> Table:
    downsampled = judgements[0].record.case.downsample > 1
    table = _table(title, ("data", "model", "setting"), ("seed", *(["S"] * downsampled), *_FIGURES))
    table.add_column("P_T against S = 1" if downsampled else "P_T against baseline")
    for judgement in judgements:
        record = judgement.record
        case = record.case
        table.add_row(
            case.dataset,
            _model(record),
            case.setting,
            str(case.seed),
            *([str(case.downsample)] * downsampled),
            _millions(record),
            _accuracy(record),
            _megabytes(record.memory.train_peak_bytes if record.memory else None),
            _number(record.training.seconds_to_stop if record.training else None, 1),
            _number(record.inference.seconds / record.inference.passes if record.inference else None, 2),
            _energy(record),
            judgement.problems[0] if judgement.problems else judgement.comparison,
        )
    return table


def _over_seeds(title: str, aggregates: Sequence[Aggregate], printed: Sequence[PrintedRow]) -> Table:
    downsampled = aggregates[0].record.case.downsample > 1
    head = ("seeds", *(["S"] * downsampled), *_FIGURES, "diverged", "converged P_T")
    table = _table(title, ("data", "model", "setting"), head)
    if printed:
        table.add_column("printed P_T", justify="right")
    rows = {(row.dataset, row.model, row.setting): row for row in printed}
    for found in aggregates:
        case = found.record.case
        estimated = "~" if found.energy_kind is EnergyKind.ESTIMATED else ""
        table.add_row(
            case.dataset,
            _model(found.record),
            case.setting,
            str(len(found.seeds)),
            *([str(case.downsample)] * downsampled),
            _millions(found.record),
            _spread(found.accuracy) + ("*" if found.diverged else ""),
            _megabytes(found.train_peak_bytes),
            _number(found.train_seconds, 1),
            _number(found.inference_seconds, 2),
            _MISSING if found.energy_wh is None else f"{estimated}{found.energy_wh:.2f}",
            _diverged(found),
            _spread(found.converged) if found.diverged else _MISSING,
            *([_printed(rows.get((case.dataset, case.model, case.setting)))] if printed else []),
        )
    return table


def _table(title: str, names: Iterable[str], figures: Iterable[str]) -> Table:
    table = Table(title=title, title_justify="left")
    for head in names:
        table.add_column(head, no_wrap=True)
    for head in figures:
        table.add_column(head, justify="right")
    return table


def _model(record: Record) -> str:
    return f"{record.case.model} (reduced)" if record.recipe and record.recipe.reduced else record.case.model


def _millions(record: Record) -> str:
    return _MISSING if record.parameters is None else f"{record.parameters / 1e6:.1f}"


def _accuracy(record: Record) -> str:
    star = "*" if record.divergence and record.divergence.ever else ""
    return _number(record.metrics.test.accuracy if record.metrics else None, 3) + star


def _spread(found: Spread | None) -> str:
    if found is None:
        return _MISSING
    return f"{found.mean:.3f}" if found.sd is None else f"{found.mean:.3f} ± {found.sd:.3f}"


def _printed(row: PrintedRow | None) -> str:
    if row is None:
        return _MISSING
    doubt = "?" if "accuracy_mean" in row.doubtful else ""
    return f"{row.accuracy_mean:.3f} ± {row.accuracy_sd:.3f}{'*' if row.diverged else ''}{doubt}"


def _diverged(found: Aggregate) -> str:
    """Say k of S, the exact interval of the share where any did, and what did not finish."""
    words = f"{found.diverged}/{len(found.seeds) - found.broken}"
    if found.diverged and found.diverged_interval:
        low, high = found.diverged_interval
        words += f" ({low:.2f}-{high:.2f})"
    return words + (f", {found.broken} broken" if found.broken else "")


def _megabytes(found: int | None) -> str:
    return _MISSING if found is None else f"{found / 1e6:.0f}"


def _number(found: float | None, digits: int) -> str:
    return _MISSING if found is None else f"{found:.{digits}f}"


def _energy(record: Record) -> str:
    if record.energy is None:
        return _MISSING
    found = record.energy.train
    if found.energy_wh is None:
        # "+" for what is missing: a figure of the GPU alone must not pass for the machine's.
        return _MISSING if found.energy_wh_partial is None else f"{found.energy_wh_partial:.2f}+"
    return f"{'~' if found.kind is EnergyKind.ESTIMATED else ''}{found.energy_wh:.2f}"


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
    broken = _unique(kind for record in records if record.divergence for kind in record.divergence.kinds)
    legend = [
        f"P_T: test accuracy per image (majority class: {', '.join(majority) or _MISSING}). "
        f"* diverged{f' ({chr(44).join(broken)})' if broken else ''}.",
        f"memory: peak of training, {' or '.join(_MEMORY[device] for device in devices) or 'not measured'}.",
        "T_c: training until it stopped, evaluation left out. T: a pass over the test images, their mean.",
        f"E: of training, {', '.join(kinds) or 'not available'}; ~ marks an estimate, + a part of the whole.",
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
