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
        f"{record.inference.seconds:.2f}" if record.inference else _MISSING,
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
    if record.energy is None or record.energy.train.energy_wh is None:
        return _MISSING
    estimated = record.energy.train.kind is EnergyKind.ESTIMATED
    return f"{'~' if estimated else ''}{record.energy.train.energy_wh:.2f}"


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
    kinds = _unique(f"{e.kind} by {e.sensor}" for r in records if r.energy and (e := r.energy.train).sensor)
    legend = [
        f"P_T: test accuracy per image (majority class {', '.join(majority) or _MISSING}). * diverged.",
        f"memory: peak of training, {' or '.join(_MEMORY[device] for device in devices) or 'not measured'}.",
        "T_c: training until it stopped, evaluation left out. T: one pass over the test images.",
        f"E: of training, {', '.join(kinds) or 'not available'}; ~ marks an estimate, not a measurement.",
    ]
    return legend + [f"note: {note}" for note in _unique(w for r in records for w in r.warnings if _told(w))]


def _told(warning: str) -> bool:
    """Tell whether a warning changes how the table must be read."""
    return warning.startswith("recipe:")


def _unique(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(words))
