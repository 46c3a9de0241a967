"""Tables in the paper's shape: a row for each setting of a model on a data set, over its seeds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from redl.record import EnergyKind, Record
from redl.results.aggregate import Aggregate, aggregated
from redl.results.machine import Machine
from redl.results.printed import PrintedRow
from redl.results.tables import as_printed, table_title

_GB = 1e9


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """A figure as it is written: None if it is not known.

    `mark` follows it: `*` where any seed diverged, `+` for a part of the whole, `?` where the printed table
    puts it in doubt, `!` where others computed at the same time. `estimated` puts `~` before it, `best` says
    that no other setting of the same model and data set has a better one.
    """

    value: float | None
    sd: float | None = None
    mark: str = ""
    estimated: bool = False
    best: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One setting of one model on one data set; `seeds` is how many of them finished, on `machines`."""

    dataset: str
    model: str
    setting: str
    downsample: int
    seeds: int
    parameters: Cell
    accuracy: Cell
    memory_gb: Cell
    train_s: Cell
    inference_s: Cell
    energy_wh: Cell
    printed: Cell | None = None
    machines: frozenset[Machine] = frozenset()


COSTS = ("memory_gb", "train_s", "inference_s", "energy_wh")

_DIGITS, _PRINTED_DIGITS = (3, 1, 2, 2), (1, 1, 1, 1)  # of the costs; the first, at least
_MOST_DIGITS = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class PaperTable:
    """A table with its title; `digits` are the decimals of the costs, in the order of COSTS."""

    title: str
    rows: tuple[Row, ...]
    digits: tuple[int, ...]

    @property
    def is_downsampled(self) -> bool:
        """Return whether the rows differ in scale, as in Figure 2C."""
        return any(row.downsample > 1 for row in self.rows)

    @property
    def has_printed(self) -> bool:
        """Return whether the paper's own figures stand beside."""
        return any(row.printed is not None for row in self.rows)


def tables_of(records: Iterable[Record], printed: Sequence[PrintedRow] = ()) -> list[PaperTable]:
    """Return the tables of records: each of one profile, on phantom or real images, in the paper's order.

    The paper's figures stand beside those of its own profile on real images.
    """
    groups: dict[str, list[Record]] = {}
    all_records = list(records)
    for record in all_records:
        groups.setdefault(table_title(record, all_records), []).append(record)
    titles = sorted(groups, key=lambda title: (title.startswith("Figure"), title))
    return [_table(title, [_row(found, printed) for found in aggregated(groups[title])]) for title in titles]


def printed_tables(printed: Sequence[PrintedRow]) -> list[PaperTable]:
    """Return the paper's tables as they were printed."""
    return [
        PaperTable(
            title=f"Table {number}, as printed by Selvan, Schoen and Dam (2023)",
            rows=_best_marked([_printed_row(row) for row in printed if row.table == number], _PRINTED_DIGITS),
            digits=_PRINTED_DIGITS,
        )
        for number in sorted({row.table for row in printed})
    ]


def _table(title: str, rows: Sequence[Row]) -> PaperTable:
    """Return a table of rows, with as many decimals as the least cost of a column needs for two digits."""
    digits = []
    for name, least in zip(COSTS, _DIGITS, strict=True):
        known = [value for row in rows if (value := getattr(row, name).value)]
        needed = 1 - math.floor(math.log10(min(known))) if known else least
        digits.append(max(least, min(needed, _MOST_DIGITS)))
    return PaperTable(title=title, rows=_best_marked(rows, tuple(digits)), digits=tuple(digits))


def _row(found: Aggregate, printed: Sequence[PrintedRow]) -> Row:
    record, case = found.record, found.record.case
    loaded = "!" * found.train_under_load
    whole = found.energy_wh is not None
    beside = {(row.dataset, row.model, row.setting): row for row in printed if as_printed(record)}
    theirs = beside.get((case.dataset, case.model, case.setting))
    return Row(
        dataset=case.dataset,
        model=f"{case.model} (reduced)" if record.recipe and record.recipe.reduced else case.model,
        setting=case.setting,
        downsample=case.downsample,
        seeds=len(found.seeds) - found.broken,
        parameters=Cell(value=None if record.parameters is None else record.parameters / 1e6),
        accuracy=Cell(
            value=None if found.accuracy is None else found.accuracy.mean,
            sd=None if found.accuracy is None else found.accuracy.sd,
            mark="*" * bool(found.diverged),
        ),
        memory_gb=Cell(value=None if found.train_peak_bytes is None else found.train_peak_bytes / _GB),
        train_s=Cell(value=found.train_seconds, mark=loaded),
        inference_s=Cell(value=found.inference_seconds, mark="!" * found.inference_under_load),
        energy_wh=Cell(
            value=found.energy_wh if whole else found.energy_wh_partial,
            mark=("" if whole or found.energy_wh_partial is None else "+") + loaded,
            estimated=found.energy_kind is EnergyKind.ESTIMATED,
        ),
        printed=None if theirs is None else _printed_row(theirs).accuracy,
        machines=found.machines,
    )


def _printed_row(row: PrintedRow) -> Row:
    def cell(name: str, mark: str = "", sd: float | None = None) -> Cell:
        return Cell(value=getattr(row, name), sd=sd, mark=mark + "?" * (name in row.doubtful))

    return Row(
        dataset=row.dataset,
        model=row.model,
        setting=row.setting,
        downsample=1,
        seeds=3,
        parameters=cell("parameters_millions"),
        accuracy=cell("accuracy_mean", "*" * row.diverged, row.accuracy_sd),
        memory_gb=cell("gpu_memory_gb"),
        train_s=cell("train_time_s"),
        inference_s=cell("inference_time_s"),
        energy_wh=cell("energy_wh"),
    )


def _best_marked(rows: Sequence[Row], cost_digits: tuple[int, ...]) -> tuple[Row, ...]:
    """Mark the best of each column among the settings of a model on a data set, if there are several.

    Costs on several machines have no best.
    """
    found, digits = list(rows), {"accuracy": 3, **dict(zip(COSTS, cost_digits, strict=True))}
    for place in {(row.dataset, row.model, row.downsample) for row in rows}:
        among = [
            number for number, row in enumerate(found) if (row.dataset, row.model, row.downsample) == place
        ]
        machines = frozenset[Machine]().union(*(found[number].machines for number in among))
        for name in ("accuracy", *(COSTS if len(machines) <= 1 else ())):
            cells = [getattr(found[number], name) for number in among]
            best = _best(cells, digits[name], highest=name == "accuracy")
            for number, is_best in zip(among, best, strict=True):
                if is_best:
                    cell = getattr(found[number], name)
                    found[number] = replace(found[number], **{name: replace(cell, best=True)})
    return tuple(found)


def _best(cells: Sequence[Cell], digits: int, *, highest: bool) -> list[bool]:
    """Return which cells have the best value as it is written; it needs another to be compared with.

    A score of a setting that diverged, and a cost that is a part of the whole or taken under load, is none.
    """
    values = [
        None if cell.value is None or cell.mark.strip("?") else round(cell.value, digits) for cell in cells
    ]
    known = [value for value in values if value is not None]
    if len(known) < 2 or len({cell.estimated for cell in cells if cell.value is not None}) > 1:
        return [False] * len(cells)
    best = max(known) if highest else min(known)
    return [value == best for value in values]
