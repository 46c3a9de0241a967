"""`redl report`: a folder with tables, figures and a page; what cannot be used is one line."""

import pytest

from redl.cli import main
from tests.helpers.saved import finished, save


@pytest.fixture
def saved(tmp_path):
    records = [finished(setting, seed) for setting in ("baseline", "amp") for seed in (1, 2, 3)]
    return save(tmp_path / "run.json", *records)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_report_has_tables_figures_and_a_page(saved, tmp_path, capsys):
    folder = tmp_path / "new" / "report"
    assert 0 == main(["report", str(saved), "-o", str(folder)])
    assert ["figures", "report.html", "tables"] == names(folder)
    assert {".md", ".csv", ".tex"} == {path.suffix for path in (folder / "tables").iterdir()}
    assert {".png", ".pdf", ".svg"} == {path.suffix for path in (folder / "figures").iterdir()}
    printed = capsys.readouterr()
    assert printed.out.startswith(f"report: {folder / 'report.html'}, 3 tables in tables/, ")
    assert "left out, because " in printed.err


def test_figures_have_the_formats_that_were_asked_for(saved, tmp_path):
    assert 0 == main(["report", str(saved), "-o", str(tmp_path), "--formats=svg"])
    assert {".svg"} == {path.suffix for path in (tmp_path / "figures").iterdir()}


def test_several_runs_make_one_report(saved, tmp_path):
    other = save(tmp_path / "other.json", finished("8bit"))
    assert 0 == main(["report", str(saved), str(other), "-o", str(tmp_path / "r")])
    (table,) = (tmp_path / "r" / "tables").glob("*.csv")
    assert ["baseline", "amp", "8bit"] == [line.split(",")[2] for line in table.read_text().splitlines()[1:]]


def test_differing_records_of_a_case_are_refused(saved, tmp_path, capsys):
    other = save(tmp_path / "other.json", finished(accuracy=0.1))
    assert 2 == main(["report", str(saved), str(other), "-o", str(tmp_path / "r")])
    assert 1 == len(capsys.readouterr().err.splitlines())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--margin=2"], "--margin 2: "),
        (["--formats=svg,gif"], "figure format gif: unknown; "),
        (["--other=gone.json"], "gone.json: cannot be read"),
        (["--history=gone"], "gone: has no saved run"),
    ],
)
def test_what_cannot_be_used_is_one_line(saved, tmp_path, capsys, words, message):
    assert 2 == main(["report", str(saved), "-o", str(tmp_path / "r"), *words])
    printed = capsys.readouterr().err
    assert (1, True) == (len(printed.splitlines()), message in printed), printed


def test_a_folder_that_cannot_be_made_is_one_line(saved, tmp_path, capsys):
    (tmp_path / "file").touch()
    assert 2 == main(["report", str(saved), "-o", str(tmp_path / "file")])
    printed = capsys.readouterr().err.splitlines()[-1]
    assert f"-o {tmp_path / 'file'}: " in printed
    assert printed.endswith("name a folder that can be written")


def test_history_and_an_earlier_run_are_on_the_page(saved, tmp_path):
    reports = tmp_path / "reports"
    for number in (1, 2):
        save(reports / "Linux" / f"000{number}_run.json", finished(accuracy=0.8 + number / 100))
    words = ["report", str(saved), "-o", str(tmp_path / "r"), f"--other={saved}", f"--history={reports}"]
    assert 0 == main(words)
    assert "0002_run" in (tmp_path / "r" / "report.html").read_text()
    assert (tmp_path / "r" / "report.html").stat().st_size < 6_000_000
