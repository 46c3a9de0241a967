"""Tables: records laid out like Table 1 of Selvan, Schoen and Dam (2023)."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

from redl.record import EnergyKind, Record
from redl.results.judgement import Judgement

_MISSING = "-"
_MEMORY = {"cpu": "resident growth of the case's process on the CPU", "cuda": "the allocator's on the GPU"}


def table_1(judgements: Sequence[Judgement], *, width: int) -> str:
    """Lay out one row a case, what it scored and what it cost, and below what the columns mean."""
    table = Table(title=_title([j.record for j in judgements]), title_justify="left")
    for head in ("data", "model", "setting"):
        table.add_column(head, no_wrap=True)
    for head in ("seed", "|W| (M)", "P_T", "memory (MB)", "T_c (s)", "T (s)", "E (Wh)"):
        table.add_column(head, justify="right")
    table.add_column("P_T against baseline")
    for judgement in judgements:
        table.add_row(*_row(judgement))
    # No markup: a reason may hold brackets.
    console = Console(file=io.StringIO(), width=width, markup=False, highlight=False, emoji=False)
    with console.capture() as captured:
        console.print(table)
        for line in _legend([j.record for j in judgements]):
            console.print(line)
    return captured.get()


def _row(judgement: Judgement) -> list[str]:
    record = judgement.record
    case, parameters = record.case, record.parameters
    return [
        case.dataset,
        case.model,
        case.setting,
        str(case.seed),
        _MISSING if parameters is None else f"{parameters / 1e6:.1f}",
        _accuracy(record),
        _memory(record),
        f"{record.training.seconds_to_stop:.1f}" if record.training else _MISSING,
        f"{record.inference.seconds / record.inference.passes:.2f}" if record.inference else _MISSING,
        _energy(record),
        judgement.problems[0] if judgement.problems else judgement.comparison,
    ]


def _accuracy(record: Record) -> str:
    star = "*" if record.divergence and record.divergence.ever else ""
    found = record.metrics.test.accuracy if record.metrics else None
    return (_MISSING if found is None else f"{found:.3f}") + star


def _memory(record: Record) -> str:
    found = record.memory.train_peak_bytes if record.memory else None
    return _MISSING if found is None else f"{found / 1e6:.0f}"


def _energy(record: Record) -> str:
    if record.energy is None:
        return _MISSING
    found = record.energy.train
    if found.energy_wh is None:
        # "+" for what is missing: a figure of the GPU alone must not pass for the machine's.
        return _MISSING if found.energy_wh_partial is None else f"{found.energy_wh_partial:.2f}+"
    return f"{'~' if found.kind is EnergyKind.ESTIMATED else ''}{found.energy_wh:.2f}"


def _title(records: Sequence[Record]) -> str:
    profiles = ", ".join(_unique(record.case.profile for record in records))
    sources = ", ".join(
        _unique("phantom images" if r.data.synthetic else "real images" for r in records if r.data)
    )
    return f"Table 1, {profiles} profile" + (f", {sources}" if sources else "")


def _legend(records: Sequence[Record]) -> list[str]:
    majority = _unique(
        f"{r.data.majority_accuracy:.3f}" for r in records if r.data and r.data.majority_accuracy
    )
    devices = _unique(record.memory.device for record in records if record.memory)
    kinds = _unique(
        f"{part.component} {part.kind}" + (f" by {part.sensor}" if part.sensor else "")
        for record in records
        if record.energy
        for part in record.energy.train.components
    )
    legend = [
        f"P_T: test accuracy per image (majority class {', '.join(majority) or _MISSING}). * diverged.",
        f"memory: peak of training, {' or '.join(_MEMORY[device] for device in devices) or 'not measured'}.",
        "T_c: training until it stopped, evaluation left out. T: a pass over the test images, their mean.",
        f"E: of training, {', '.join(kinds) or 'not available'}; ~ marks an estimate, + a part of the whole.",
    ]
    notes = [warning for record in records for warning in record.warnings if _told(warning)]
    notes += [
        f"{record.case.model} {record.case.setting}, memory: {record.memory.explanation}"
        for record in records
        if record.memory and record.memory.explanation
    ]
    return legend + [f"note: {note}" for note in _unique(notes)]


def _told(warning: str) -> bool:
    """Tell whether a warning changes how the table must be read."""
    return warning.startswith("recipe:")


def _unique(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(words))
