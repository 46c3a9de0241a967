"""Narrow tables, for terminals of 80 columns: a heading for each model on a data set, a row a setting.

They leave out the number of parameters, and what an accuracy is compared with unless something is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table

from redl.record import Record
from redl.results.aggregate import Aggregate
from redl.results.checks import CaseCheck
from redl.results.layout import named_table, uncut
from redl.results.notation import LOADED, accuracy, energy, megabytes, model_words, number, spread

WIDE = 120  # columns: what the other tables need

_COSTS = ("MB", "T_c (s)", "T (s)", "E (Wh)")


def narrow_cases(title: str, checks: Sequence[CaseCheck]) -> Table:
    """Return a row a case."""
    table = named_table(title, ("setting",), ("seed", "P_T", *_COSTS))
    place = ""
    for check in checks:
        record = check.record
        place = _headed(table, place, record)
        spent, loaded = record.energy.train if record.energy else None, LOADED * record.under_load()
        table.add_row(
            f"  {record.case.setting}",
            str(record.case.seed),
            accuracy(record),
            megabytes(record.memory.train_peak_bytes if record.memory else None),
            number(record.training.seconds_to_stop if record.training else None, 1) + loaded,
            number(record.inference.seconds / record.inference.passes if record.inference else None, 2)
            + LOADED * record.under_load(inference=True),
            (energy(spent.energy_wh, spent.energy_wh_partial, spent.kind) if spent else "-") + loaded,
        )
    return uncut(table)


def problems_of(checks: Sequence[CaseCheck]) -> Iterator[str]:
    """Yield a line for each problem of a case."""
    for check in checks:
        yield from (f"{check.record.case.id}: {problem}" for problem in check.problems)


def narrow_cells(title: str, aggregates: Sequence[Aggregate]) -> Table:
    """Return a row a setting, over its seeds."""
    table = named_table(title, ("setting",), ("P_T", "diverged", *_COSTS))
    place = ""
    for found in aggregates:
        case, loaded = found.record.case, LOADED * found.train_under_load
        place = _headed(table, place, found.record)
        table.add_row(
            f"  {case.setting}",
            spread(found.accuracy) + ("*" if found.diverged else ""),
            f"{found.diverged}/{len(found.seeds) - found.broken}",
            megabytes(found.train_peak_bytes),
            number(found.train_seconds, 1) + loaded,
            number(found.inference_seconds, 2) + LOADED * found.inference_under_load,
            energy(found.energy_wh, found.energy_wh_partial, found.energy_kind) + loaded,
        )
    return uncut(table)


def _headed(table: Table, before: str, record: Record) -> str:
    """Begin a section of a table where another model or data set begins; return where the table is now."""
    scale = f", S = {record.case.downsample}" if record.case.downsample > 1 else ""
    place = f"{record.case.dataset} {model_words(record)}{scale}"
    if place != before:
        table.add_section()
        table.add_row(place)
    return place
