"""`--redl-report`: written at the end of a run, also an interrupted one, and proven before it begins."""

import signal

import pytest

from tests.helpers.pretended import Pretended


@pytest.fixture
def suite(tmp_path):
    return Pretended(tmp_path / "suite")


def test_a_run_ends_with_a_report(suite):
    status, printed = suite.run("--redl-report=out")
    assert 0 == status
    assert "report: out/report.html, 3 tables in tables/, " in printed
    assert (suite.folder / "out" / "report.html").is_file()


def test_an_interrupted_run_has_a_report_of_what_has_finished(suite):
    process = suite.start("--benchmark-save=run", "--redl-report=out")
    while len(suite.lines("finished.txt")) < 4:
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    printed, _ = process.communicate(timeout=60)
    assert (2, True) == (process.returncode, "report: out/report.html" in printed)
    (table,) = (suite.folder / "out" / "tables").glob("*.csv")
    assert int(table.read_text().splitlines()[1].split(",")[4]) >= 4


def test_a_folder_that_cannot_be_written_is_refused_before_anything_trains(suite):
    (suite.folder / "file").touch()
    status, printed = suite.run("--redl-report=file")
    assert (4, []) == (status, suite.lines("trained.txt"))
    assert "--redl-report file: " in printed


def test_a_report_that_fails_is_one_line_and_no_failure(suite):
    conftest = suite.folder / "conftest.py"
    broken = (
        "\nimport redl.results.report.report as report\n"
        "def fail(*words, **named): raise RuntimeError('planted\\nsecond line')\n"
        "report.write_report = fail\n"
    )
    conftest.write_text(conftest.read_text() + broken)
    status, printed = suite.run("--redl-report=out")
    assert 0 == status
    assert "--redl-report out: not whole (RuntimeError: planted); try `redl report`" in printed
