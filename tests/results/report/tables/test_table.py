"""The paper's tables: as printed, and of records; what is best, marked and escaped."""

import csv
import io
import re
import shutil
import subprocess
from pathlib import Path
from statistics import fmean, stdev

import pytest

from redl.record import EnergyKind
from redl.results.frame import frame_of
from redl.results.printed import printed_rows
from redl.results.report.tables import printed_tables, tables_of, write_tables
from redl.results.report.tables.files import as_csv, as_latex, as_markdown
from tests.helpers.changes import replace
from tests.helpers.samples import ELSEWHERE, WHOLE, broken, energy
from tests.helpers.saved import finished

PAPER = Path(__file__).parents[4] / "reports" / "paper"


def markdown_rows(table):
    """Return the cells of a table's rows, without bold and escapes."""
    lines = [line for line in as_markdown(table).splitlines() if line.startswith("|")][2:]
    rows = [line[2:-2].split(" | ") for line in lines]
    return [
        [re.sub(r"\\(.)", r"\1", cell.removeprefix("**").removesuffix("**")) for cell in row] for row in rows
    ]


def csv_rows(table):
    return list(csv.DictReader(io.StringIO(as_csv(table))))


def row_of(table, setting):
    (row,) = (row for row in table.rows if row.setting == setting)
    return row


# On several machines


@pytest.mark.parametrize(
    ("environment", "expected"), [(WHOLE.environment, [True, False]), (ELSEWHERE, [False, False])]
)
def test_costs_on_two_machines_have_no_best(environment, expected):
    there = finished("amp", peak=4_000_000_000, environment=environment)
    [table] = tables_of([finished(peak=1_000_000_000), there])
    assert expected == [row.memory_gb.best for row in table.rows]


def test_scores_on_two_machines_have_a_best():
    [table] = tables_of([finished(accuracy=0.9), finished("amp", accuracy=0.8, environment=ELSEWHERE)])
    assert [True, False] == [row.accuracy.best for row in table.rows]


# As printed


def test_printed_tables_come_out_as_printed():
    first, second = printed_tables(printed_rows())
    rows = {tuple(row[:3]): row[3:] for row in markdown_rows(first) + markdown_rows(second)}
    densenet = rows["rsna", "densenet", "baseline"]
    assert ["6.9", "0.738 ± 0.005", "6.6?", "361.3", "2.7", "104.2?"] == densenet
    assert ["116.7", "0.665 ± 0.020*"] == rows["rsna", "vit", "amp+8bit"][:2]
    assert "4027.3" == rows["rsna", "efficientnet", "amp"][3]
    assert len(printed_rows()) == len(rows)


@pytest.mark.parametrize("number", [0, 1])
def test_every_printed_figure_is_there_digit_for_digit(number):
    table = printed_tables(printed_rows())[number]
    printed = [row for row in printed_rows() if row.table == number + 1]
    for found, row in zip(csv_rows(table), printed, strict=True):
        assert [row.dataset, row.model, row.setting] == [found[n] for n in ("dataset", "model", "setting")]
        figures = (
            ("parameters_millions", row.parameters_millions),
            ("accuracy_mean", row.accuracy_mean),
            ("accuracy_sd", row.accuracy_sd),
            ("memory_gb", row.gpu_memory_gb),
            ("train_s", row.train_time_s),
            ("inference_s", row.inference_time_s),
            ("energy_wh", row.energy_wh),
        )
        assert dict(figures) == {name: float(found[name]) for name, _ in figures}
        doubt = "?" if "accuracy_mean" in row.doubtful else ""
        assert ("*" if row.diverged else "") + doubt == found["accuracy_mark"]


def test_the_committed_tables_are_those_that_the_code_writes(tmp_path):
    written = write_tables(printed_tables(printed_rows()), tmp_path)
    committed = sorted(PAPER.iterdir())
    assert {path.name: path.read_text() for path in written} == {
        path.name: path.read_text() for path in committed
    }


# Of records


def test_figures_are_those_of_the_frame():
    records = [finished(seed=seed, accuracy=accuracy) for seed, accuracy in ((1, 0.9), (2, 0.8), (3, 0.85))]
    (table,) = tables_of(records)
    (row,) = table.rows
    frame = frame_of(records)
    assert 3 == row.seeds
    assert frame["test_accuracy"].mean() == pytest.approx(row.accuracy.value)
    assert stdev(frame["test_accuracy"]) == pytest.approx(row.accuracy.sd)
    assert frame["train_peak_bytes"].max() / 1e9 == row.memory_gb.value
    assert frame["train_seconds"].mean() == row.train_s.value
    assert frame["parameters"].iloc[0] / 1e6 == row.parameters.value


def test_energy_is_marked_by_how_it_was_obtained():
    records = [
        finished("baseline", energy=energy(energy_wh=2.0)),
        finished("amp", energy=energy(energy_wh=1.0, kind="estimated")),
        finished("8bit", energy=energy(energy_wh=None, partial_wh=0.5, kind="unavailable")),
        finished("half", energy=energy(energy_wh=None, kind="unavailable")),
    ]
    (table,) = tables_of(records)
    words = {row[2]: row[-1] for row in markdown_rows(table)}
    assert {"baseline": "2.00", "amp": "~1.00", "8bit": "0.50+", "half": "-"} == words


def test_small_costs_have_the_decimals_that_they_need():
    small = finished(energy=energy(energy_wh=0.0042))
    small = replace(small, training=replace(small.training, seconds_to_stop=0.037))
    (table,) = tables_of([small, finished("amp", energy=energy(energy_wh=1.25))])
    assert [("0.037", "0.0042"), ("12.300", "1.2500")] == [(row[6], row[8]) for row in markdown_rows(table)]


def test_a_cost_of_nothing_needs_no_decimals():
    (table,) = tables_of([finished(energy=energy(energy_wh=0.0))])
    assert "0.00" == markdown_rows(table)[0][8]


def test_a_case_that_did_not_finish_has_dashes():
    (table,) = tables_of([finished(), broken("amp")])
    assert [["-"] * 5] == [row[4:] for row in markdown_rows(table) if row[2] == "amp"]


def test_the_best_of_a_model_is_marked_in_each_column():
    records = [
        finished("baseline", accuracy=0.9, peak=400_000_000),
        finished("amp", accuracy=0.8, peak=200_000_000),
    ]
    (table,) = tables_of(records)
    assert (True, False) == (row_of(table, "baseline").accuracy.best, row_of(table, "amp").accuracy.best)
    assert (False, True) == (row_of(table, "baseline").memory_gb.best, row_of(table, "amp").memory_gb.best)
    assert "**0.900**" in as_markdown(table)
    assert r"\textbf{0.200}" in as_latex(table)


def test_what_is_written_alike_is_equally_good():
    (table,) = tables_of([finished("baseline", accuracy=0.90001), finished("amp", accuracy=0.90002)])
    assert [True, True] == [row.accuracy.best for row in table.rows]


def test_a_setting_alone_is_not_the_best():
    (table,) = tables_of([finished()])
    assert not any(getattr(table.rows[0], name).best for name in ("accuracy", "memory_gb", "train_s"))


def test_a_setting_that_diverged_is_not_the_best():
    diverged = finished("amp", accuracy=0.99)
    diverged = replace(diverged, divergence=replace(diverged.divergence, ever=True))
    (table,) = tables_of([finished(accuracy=0.9), diverged, finished("8bit", accuracy=0.8)])
    assert "0.990*" in as_markdown(table).replace("\\", "")
    assert [True, False, False] == [row.accuracy.best for row in table.rows]


def test_estimates_and_measurements_are_not_compared():
    records = [
        finished("baseline", energy=energy(energy_wh=2.0)),
        finished("amp", energy=energy(energy_wh=1.0, kind=EnergyKind.ESTIMATED)),
    ]
    (table,) = tables_of(records)
    assert [False, False] == [row.energy_wh.best for row in table.rows]


def test_phantoms_have_nothing_printed_beside_them():
    (table,) = tables_of([finished()], printed_rows())
    assert not table.has_printed


def test_ten_thousand_records_have_tables():
    records = [
        finished(setting, seed) for setting in ("baseline", "amp", "8bit", "half") for seed in range(2500)
    ]
    (table,) = tables_of(records)
    assert [2500] * 4 == [row.seeds for row in table.rows]


# Files


def test_each_table_has_three_files_that_say_the_same(tmp_path):
    records = [finished(seed=seed, accuracy=accuracy) for seed, accuracy in ((1, 0.9), (2, 0.8))]
    written = write_tables(tables_of(records), tmp_path)
    assert [".md", ".csv", ".tex"] == [path.suffix for path in written]
    mean, sd = fmean((0.9, 0.8)), stdev((0.9, 0.8))
    assert f"{mean:.3f} ± {sd:.3f}" in written[0].read_text()
    assert f",{mean:.3f},{sd:.3f}," in written[1].read_text()
    assert rf"{mean:.3f} $\pm$ {sd:.3f}" in written[2].read_text()


HOSTILE = r"a_b&c%d$e#f{g}h~i^j\k|l<script>*m*"


def test_names_are_no_markup():
    record = finished()
    record = replace(record, case=replace(record.case, model=HOSTILE))
    (table,) = tables_of([record])
    markdown, latex = as_markdown(table), as_latex(table)
    assert "<script>" not in markdown
    assert HOSTILE == markdown_rows(table)[0][1]
    assert r"a\_b\&c\%d\$e\#f\{g\}h\textasciitilde{}i\textasciicircum{}j\textbackslash{}k" in latex


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@x"])
def test_a_spreadsheet_takes_no_name_for_a_formula(name):
    record = finished()
    record = replace(record, case=replace(record.case, model=name))
    (table,) = tables_of([record])
    assert f"'{name}" == csv_rows(table)[0]["model"]


DOCUMENT = (
    r"\documentclass{article}\usepackage[T1]{fontenc}\usepackage{booktabs}\begin{document}%s\end{document}"
)


def has_booktabs():
    find = shutil.which("kpsewhich")
    return (
        find is not None
        and 0 == subprocess.run([find, "booktabs.sty"], capture_output=True, check=False).returncode
    )


@pytest.mark.slow
@pytest.mark.skipif(
    not has_booktabs(), reason="needs pdflatex and booktabs (Debian: texlive-latex-recommended)"
)
def test_latex_compiles(tmp_path):
    record = finished()
    hostile = replace(record, case=replace(record.case, model=HOSTILE))
    tables = [*printed_tables(printed_rows()), *tables_of([hostile, finished("amp", 2)])]
    text = DOCUMENT % "".join(as_latex(table) for table in tables)
    (tmp_path / "t.tex").write_text(text)
    run = subprocess.run(
        [shutil.which("pdflatex"), "-interaction=nonstopmode", "-halt-on-error", "t.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == run.returncode, run.stdout[-2000:]


def test_latex_is_balanced_and_has_as_many_cells_in_each_row():
    for table in printed_tables(printed_rows()):
        lines = as_latex(table).splitlines()
        rows = [line for line in lines if line.endswith(r"\\")]
        assert len(table.rows) + 1 == len(rows)
        assert 1 == len({len(re.findall(r"(?<!\\)&", line)) for line in rows})
        assert [r"\toprule", r"\bottomrule"] == [
            line for line in lines if line in {r"\toprule", r"\bottomrule"}
        ]
