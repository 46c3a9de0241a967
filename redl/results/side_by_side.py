"""Side by side: what several machines measured, a column each; time and energy are shown and not judged."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from statistics import fmean

from rich.console import Console

from redl.printable import printable
from redl.record import EnergyKind, Record
from redl.results.gate.figure import FIGURES, Figure
from redl.results.gate.fingerprint import difference
from redl.results.layout import named_table, uncut
from redl.results.notation import MISSING
from redl.results.store import Run

_SHOWN = ("accuracy", "auc", "peak_memory", "train_time", "inference_time", "energy", "inference_energy")
_OF_MACHINE = ("cpu", "gpu", "device", "platform", "usable_cores", "torch_threads")


def machines_of(run: Run) -> list[str]:
    """Return the names of the machines of a run: the GPU if it trained there, else the processor."""
    return list(dict.fromkeys(_machine(record) for record in run.records.values() if record.environment))


def side_by_side(runs: Sequence[Run], *, width: int) -> str:
    """Return the figures of all cells, a column for each run, under its machine's name; empty if all are one.

    Seeds are averaged, and of memory the largest counts. A cell that saw other data or had another recipe
    than in the first run has no figure.
    """
    if len({_place(record) for run in runs for record in run.records.values() if record.environment}) < 2:
        return ""
    console = Console(file=io.StringIO(), width=width, markup=False, highlight=False, emoji=False)
    heads = [f"{' and '.join(machines_of(run)) or 'machine not known'}\n{run.name}" for run in runs]
    table = named_table("Machines side by side", ("case", "figure"), heads)
    notes: dict[str, None] = {}
    for cell in dict.fromkeys(record.case.cell for record in runs[0].records.values()):
        groups = [[one for one in run.records.values() if one.case.cell == cell] for run in runs]
        whys = [_why_not(runs[0], group) for group in groups]
        notes |= {f"{cell}, {run.name}: {why}": None for run, why in zip(runs, whys, strict=True) if why}
        for name in _SHOWN:
            cells = [
                MISSING if why else _mean(FIGURES[name], group)
                for why, group in zip(whys, groups, strict=True)
            ]
            judged = " (not judged)" if FIGURES[name].of_machine else ""
            table.add_row(cell, f"{name}{judged}", *cells)
    with console.capture() as captured:
        console.print(uncut(table))
        for line in (*notes, *_legend(runs)):
            console.print(line, soft_wrap=True)
    return printable(captured.get())


def _machine(record: Record) -> str:
    known = record.environment or {}
    name = known.get("gpu") if known.get("device") == "cuda" else known.get("cpu")
    cores = known.get("usable_cores")
    counted = "" if cores is None else f", {cores} core{'' if cores == 1 else 's'}"
    return f"{name or known.get('platform') or 'machine not known'}{counted}"


def _place(record: Record) -> tuple[object, ...]:
    return tuple((record.environment or {}).get(name) for name in _OF_MACHINE)


def _why_not(first: Run, group: Sequence[Record]) -> str | None:
    if not group:
        return "was not run"
    for record in group:
        if record.metrics is None:
            return f"did not finish: {record.status}"
        base = first.records.get(record.case.id)
        if base is None or base.metrics is None:
            return f"seed {record.case.seed} did not finish in {first.name}"
        if why := difference(base, record, other_machine=True):
            return why
    return None


def _mean(figure: Figure, group: Sequence[Record]) -> str:
    values = [figure.of(record) for record in group]
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return MISSING
    match figure.unit:
        case "B":
            return f"{max(known) / 1e6:.1f} MB"
        case "":
            return f"{fmean(known):.3f}"
        case _:
            return f"{'~' * _estimated(figure, group)}{fmean(known):.3g} {figure.unit}"


def _estimated(figure: Figure, group: Sequence[Record]) -> bool:
    kinds = {
        (one.energy.inference if figure.name.startswith("inference") else one.energy.train).kind
        for one in group
        if one.energy
    }
    return figure.unit == "Wh" and EnergyKind.ESTIMATED in kinds


def _legend(runs: Sequence[Run]) -> Iterator[str]:
    yield (
        "time and energy depend on the machine: they are shown and not judged. ~ marks an estimate; "
        f"{MISSING} was not measured."
    )
    devices = {record.memory.device for run in runs for record in run.records.values() if record.memory}
    if len(devices) > 1:
        yield "memory is growth of the process on a CPU and the allocator's peak on a GPU: not one quantity."
