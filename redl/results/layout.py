"""Layout: tables of names and figures in which no word is cut."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table

_OF_WORDS = ("model", "verdict")  # names that break between words where a table is wide


def named_table(title: str, names: Iterable[str], figures: Iterable[str]) -> Table:
    """Return a table without rows: names to the left, figures to the right."""
    table = Table(title=title, title_justify="left")
    for head in names:
        table.add_column(head, no_wrap=head not in _OF_WORDS)
    for head in figures:
        table.add_column(head, justify="right")
    return table


def uncut(table: Table) -> Table:
    """Make each column as wide as its longest word, which would be cut; sentences may break anywhere."""
    for column in table.columns:
        if column.overflow != "fold":
            words = " ".join(map(str, (column.header, *column.cells))).split()
            column.min_width = max(map(len, words))
    return table
