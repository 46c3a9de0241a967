"""The files of a table: Markdown, CSV and LaTeX, with the same figures to the same digits."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from redl.results.report.tables.table import COSTS, Cell, PaperTable, Row
from redl.results.saving import replace_whole

_NAMES = ("data", "model", "setting")
_FIGURES = ("|W| (M)", "P_T", "memory (GB)", "T_c (s)", "T (s)", "E (Wh)")
_LEGEND = (
    "P_T: test accuracy, mean ± standard deviation over the seeds that finished. T_c: training until it "
    "stopped. T: a pass over the test images. Memory: the largest peak of training. * diverged, ~ estimated, "
    "+ a part of the whole, ? the printed table puts it in doubt, ! taken while others used the machine. "
    "Bold: the best of its model and data set."
)
_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{",
    "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", "±": r"$\pm$",
}  # fmt: skip
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>|#~!&])")


def write_tables(tables: Sequence[PaperTable], folder: Path) -> list[Path]:
    """Write each table in three formats into a folder, and return the files; raise OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for table in tables:
        stem = re.sub(r"[^a-z0-9]+", "-", table.title.lower()).strip("-")[:100]
        for suffix, text in (
            (".md", as_markdown(table)),
            (".csv", as_csv(table)),
            (".tex", as_latex(table)),
        ):
            path = folder / f"{stem}{suffix}"
            replace_whole(path, text.encode())
            written.append(path)
    return written


def as_markdown(table: PaperTable) -> str:
    """Return a table for Markdown, below its title and above a legend."""

    def escaped(text: str) -> str:
        return _MARKDOWN.sub(r"\\\1", text)

    def shown(text: str, *, best: bool) -> str:
        return f"**{escaped(text)}**" if best else escaped(text)

    head, rows = _cells(table, shown, escaped)
    lines = [head, ["---"] * len(_NAMES) + ["--:"] * (len(head) - len(_NAMES)), *rows]
    body = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"**{escaped(table.title)}**\n\n{body}\n\n{escaped(_LEGEND)}\n"


def as_csv(table: PaperTable) -> str:
    """Return a table for spreadsheets: means, deviations and marks in columns of their own."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    costs = [column for name in COSTS for column in (name, f"{name}_mark")]
    names = ("dataset", "model", "setting", "downsample", "seeds", "parameters_millions")
    printed = ("printed_accuracy_mean", "printed_accuracy_sd", "printed_mark") if table.has_printed else ()
    writer.writerow((*names, "accuracy_mean", "accuracy_sd", "accuracy_mark", *costs, *printed))
    for row in table.rows:
        scores = (row.accuracy, *((row.printed or Cell(value=None),) if table.has_printed else ()))
        first, *others = ((_plain(cell.value, 3), _plain(cell.sd, 3), _mark(cell)) for cell in scores)
        figures = [
            word
            for cell, digits in zip(_costs(row), table.digits, strict=True)
            for word in (_plain(cell.value, digits), _mark(cell))
        ]
        writer.writerow(
            (
                *(_harmless(name) for name in (row.dataset, row.model, row.setting)),
                row.downsample,
                row.seeds,
                _plain(row.parameters.value, 1),
                *first,
                *figures,
                *(word for other in others for word in other),
            )
        )
    return text.getvalue()


def as_latex(table: PaperTable) -> str:
    r"""Return a table for LaTeX, which needs \usepackage{booktabs}."""

    def escaped(text: str) -> str:
        return "".join(_LATEX.get(letter, letter) for letter in text)

    def shown(text: str, *, best: bool) -> str:
        return rf"\textbf{{{escaped(text)}}}" if best else escaped(text)

    head, rows = _cells(table, shown, escaped)
    columns = "l" * len(_NAMES) + "r" * (len(head) - len(_NAMES))
    lines = [
        r"\begin{table}",
        r"\centering\small",
        rf"\caption{{{escaped(table.title)}. {escaped(_LEGEND)}}}",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        rf"{' & '.join(head)} \\",
        r"\midrule",
    ]
    before = table.rows[0] if table.rows else None
    for row, words in zip(table.rows, rows, strict=True):
        if before is not None and (row.dataset, row.model) != (before.dataset, before.model):
            lines.append(r"\midrule")
        lines.append(rf"{' & '.join(words)} \\")
        before = row
    lines += [r"\bottomrule", r"\end{tabular}", r"\end{table}"]
    return "\n".join(lines) + "\n"


def _cells(
    table: PaperTable, shown: Callable[..., str], escaped: Callable[[str], str]
) -> tuple[list[str], list[list[str]]]:
    """Return the words of a table's head and rows."""
    scale = ("S",) if table.is_downsampled else ()
    printed = ("printed P_T",) if table.has_printed else ()
    head = [escaped(word) for word in (*_NAMES, *scale, *_FIGURES, *printed)]
    rows = []
    for row in table.rows:
        figures = [
            shown(_word(cell, digits), best=cell.best)
            for cell, digits in (
                (row.parameters, 1),
                (row.accuracy, 3),
                *zip(_costs(row), table.digits, strict=True),
            )
        ]
        beside = [escaped(_word(row.printed or Cell(value=None), 3))] if table.has_printed else []
        names = [escaped(name) for name in (row.dataset, row.model, row.setting)]
        rows.append([*names, *([str(row.downsample)] if scale else []), *figures, *beside])
    return head, rows


def _costs(row: Row) -> Iterable[Cell]:
    return (getattr(row, name) for name in COSTS)


def _word(cell: Cell, digits: int) -> str:
    if cell.value is None:
        return "-"
    deviation = "" if cell.sd is None else f" ± {cell.sd:.{digits}f}"
    return f"{'~' * cell.estimated}{cell.value:.{digits}f}{deviation}{cell.mark}"


def _plain(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _mark(cell: Cell) -> str:
    return ("~" * cell.estimated + cell.mark) if cell.value is not None else ""


def _harmless(name: str) -> str:
    """Return a name that no spreadsheet takes for a formula."""
    return f"'{name}" if name.startswith(("=", "+", "-", "@", "\t", "\r")) else name
