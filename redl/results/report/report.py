"""The report of saved runs: the paper's tables, figures and a page, in one folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from redl.record import Record
from redl.results.printed import printed_rows
from redl.results.report.figures import LeftOut, gallery, save_gallery
from redl.results.report.figures.drawing import FORMATS, check_formats
from redl.results.report.page import write_page
from redl.results.report.tables import tables_of, write_tables
from redl.results.store import Run, merged

MARGIN = 0.02  # a loss that many would accept, where none was named

PAGE, TABLES, FIGURES = "report.html", "tables", "figures"


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """Files of a report: the page, the tables and the figures, and which figures were left out and why."""

    page: Path
    tables: tuple[Path, ...]
    figures: tuple[Path, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def words(self) -> str:
        """Return in one line what was written."""
        return (
            f"report: {self.page}, {len(self.tables)} tables in {TABLES}/, {len(self.figures)} figures in "
            f"{FIGURES}/ ({len(self.left_out)} left out)"
        )


def write_report(
    runs: Sequence[Run],
    folder: Path,
    *,
    other: Run | None = None,
    history: Sequence[Run] = (),
    margin: float,
    formats: Sequence[str] = FORMATS,
) -> Report:
    """Write tables, figures and the page of some runs into a folder, which is made if need be.

    `other` is an earlier run to compare with, `history` are saved runs, the oldest first. Recommendations
    rest on a loss of `margin` that would be acceptable. Raise RecordError if two runs have differing records
    of one case, OptionError for a margin or a format of figures that cannot be used, OSError for a folder
    that cannot be written.
    """
    check_formats(formats)
    records: list[Record] = list(merged(runs)[0].values())
    folder.mkdir(parents=True, exist_ok=True)
    tables = write_tables(tables_of(records, printed_rows()), folder / TABLES)
    found = gallery(runs)
    drawn = save_gallery(found, folder / FIGURES, formats)
    page = folder / PAGE
    write_page(runs, page, figures=drawn, other=other, history=history, margin=margin)
    return Report(
        page=page,
        tables=tuple(tables),
        figures=tuple(path for figure in drawn for path in figure.files.values()),
        left_out=found.left_out,
    )
