"""The page: everything about saved runs in one HTML file that loads nothing and opens from disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from redl.record import Predictions, Record
from redl.results.report.page.advice import Advice, advice_of
from redl.results.report.page.calibration import calibration_of
from redl.results.report.page.cells import cells_of, costs_of
from redl.results.report.page.charts import specifications
from redl.results.report.page.embedded import as_script, records_of
from redl.results.report.page.fields import COSTS, FIELDS, MISSING, SCORES
from redl.results.report.page.groups import groups_of, merged
from redl.results.report.page.illustrations import illustrations_of
from redl.results.report.page.libraries import libraries
from redl.results.report.page.looks import looks_of
from redl.results.report.page.past import Past, groups_by_cell, past_of
from redl.results.report.page.policy import policy
from redl.results.report.page.provenance import provenance_of
from redl.results.report.page.second import second_of
from redl.results.store import Run

if TYPE_CHECKING:
    from redl.results.report.figures import DrawnFigure

MARGIN = 0.02
_REPORTS = Path("reports")


def write_page(
    runs: Sequence[Run],
    path: Path,
    *,
    figures: Sequence[DrawnFigure] = (),
    other: Run | None = None,
    history: Sequence[Run] = (),
    margin: float = MARGIN,
) -> None:
    """Write the page of runs to a file.

    `figures` are shown as they are, `other` is an earlier run to compare with, `history` are saved runs, the
    oldest first. Recommendations rest on accuracy and a loss of `margin` that would be acceptable.

    Raise RecordError if two runs have differing records of one case, OptionError for a margin that cannot be
    used, OSError if the file cannot be written.
    """
    records, predictions = merged(runs)
    page = _contents(runs, records, predictions, margin)
    page["second"] = None if other is None else second_of(other, records, predictions, _REPORTS)
    page["past"] = past_of(history, _REPORTS)
    page["shown"], page["left_out"] = illustrations_of(figures)
    page["data"]["history"] = _history(page["past"], history)
    path.write_text(_rendered(page), encoding="utf-8", newline="\n")
