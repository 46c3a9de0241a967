"""Resume: what is taken over, what is run again and why, and what the report says of it."""

import json
import os
import signal

import pytest

from redl.results.store import load_run
from tests.helpers.pretended import CASES, CHOSEN, Pretended, without_times


@pytest.fixture
def suite(tmp_path):
    """Return a suite of which an earlier run has finished all ten cases."""
    made = Pretended(tmp_path / "suite")
    assert 0 == made.run()[0]
    made.forget()
    return made


def said(printed):
    """Return the line that says what was taken over, which stands at the beginning and below the table."""
    lines = [line for line in printed.splitlines() if "taken over from" in line]
    assert 2 == len(lines)
    assert lines[0] == lines[1]
    return lines[0]


def test_cases_that_are_taken_over_are_not_trained_and_marked(suite):
    status, printed = suite.run("--redl-resume")
    assert 0 == status
    assert "10 of 10 cases are taken over from 0001_run.json" == said(printed)
    assert [] == suite.lines("trained.txt")
    first, second = suite.saved
    assert frozenset() == load_run(first).reused
    assert frozenset(CASES) == load_run(second).reused
    times = [[one["stats"] for one in json.loads(path.read_text())["benchmarks"]] for path in suite.saved]
    assert times[0] == times[1]


@pytest.mark.parametrize("run", ["0001", "run", "reports/*/0001_run.json"])
def test_a_run_is_named_as_elsewhere(suite, run):
    (path,) = suite.folder.glob(run) if "/" in run else [run]
    status, printed = suite.run(f"--redl-resume={path}")
    assert (0, []) == (status, suite.lines("trained.txt")), printed


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--redl-learning-rate=0.5"], "learning_rate differs"),
        (["--redl-epochs=7"], "epochs differs"),
        (["--redl-plain"], "plain differs"),
        (["--redl-country=DK"], "country differs"),
        (["--redl-half-dtype=float16"], "half_dtype differs"),
    ],
)
def test_another_setting_is_a_reason_to_run_again(suite, arguments, reason):
    status, printed = suite.run("--redl-resume", *arguments)
    assert 0 == status
    assert f"0 of 10 cases are taken over from 0001_run.json; run: 10 ({reason})" == said(printed)
    assert CASES == suite.lines("trained.txt")


def test_other_data_are_a_reason_to_run_again(suite):
    (suite.folder / "data.txt").write_text("e" * 64)
    _, printed = suite.run("--redl-resume")
    assert "0 of 10 cases are taken over from 0001_run.json; run: 10 (the data differ)" == said(printed)


def test_another_machine_is_a_reason_to_run_again(suite):
    conftest = suite.folder / "conftest.py"
    other = "\nimport redl.metering.machine\nredl.metering.machine.cpu_model = lambda: 'another'\n"
    conftest.write_text(conftest.read_text() + other)
    _, printed = suite.run("--redl-resume")
    assert "0 of 10 cases are taken over from 0001_run.json; run: 10 (cpu differs)" == said(printed)


def change(path, change_one):
    """Change the benchmarks of one case in a saved run."""
    whole = json.loads(path.read_text())
    for one in whole["benchmarks"]:
        if one["extra_info"]["redl"]["case"]["id"] == CASES[4]:
            change_one(one)
    path.write_text(json.dumps(whole))


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda one: one["extra_info"].pop("redl_stamp"), "saved without what a resume compares"),
        (lambda one: one["extra_info"].update(redl_stamp=3), "damaged there"),
        (lambda one: one["extra_info"].update(redl_predictions={"labels": 3}), "damaged there"),
        (lambda one: one["stats"].update(mean="fast"), "damaged there"),
        (lambda one: one.pop("stats"), "damaged there"),
        (lambda one: one.update(fullname=f"other::{one['fullname']}"), "a test of it not finished there"),
    ],
)
def test_what_cannot_be_relied_on_is_run_again(suite, damage, reason):
    change(suite.saved[0], damage)
    status, printed = suite.run("--redl-resume")
    assert 0 == status, printed
    assert f"9 of 10 cases are taken over from 0001_run.json; run: 1 ({reason})" == said(printed)
    assert [CASES[4]] == suite.lines("trained.txt")


def test_a_case_that_ended_early_is_run_again(suite):
    (suite.folder / "broken.txt").write_text(CASES[2])
    assert 1 == suite.run()[0]
    (suite.folder / "broken.txt").unlink()
    suite.forget()
    _, printed = suite.run("--redl-resume=0002")
    assert (
        "9 of 10 cases are taken over from 0002_run.json; run: 1 (a test of it not finished there)"
        == said(printed)
    )
    assert [CASES[2]] == suite.lines("trained.txt")


def test_the_checks_are_made_for_cases_that_are_taken_over_too(suite):
    conftest = suite.folder / "conftest.py"
    strict = """
@pytest.fixture(scope="session")
def redl_check():
    return lambda record: SimpleNamespace(problems=["planted"] if record.case.seed == 4 else [])
"""
    conftest.write_text(conftest.read_text() + strict)
    status, printed = suite.run("--redl-resume")
    assert (1, []) == (status, suite.lines("trained.txt"))
    assert f"FAILED test_suite.py::test_training[{CASES[3]}]" in printed


def test_more_cases_than_before_are_trained_in_their_place(suite):
    chosen = ("--redl-profile=tiny", "--redl-seeds=1-12", "-k", "rsna and mlp and baseline")
    _, printed = suite.run("--redl-resume", chosen=chosen)
    assert "10 of 12 cases are taken over from 0001_run.json; run: 2 (not finished there)" == said(printed)
    assert ["rsna-mlp-baseline-seed11", "rsna-mlp-baseline-seed12"] == suite.lines("trained.txt")
    assert without_times(suite.saved[0]) == without_times(suite.saved[1])[:20]


def test_a_run_that_is_killed_again_and_again_trains_each_case_once(tmp_path):
    suite = Pretended(tmp_path / "suite")
    for after in (3, 5, 8):
        suite.stop(signal.SIGKILL, "--redl-resume", after=after, seconds=0.1)
        assert 1 == len(suite.journals)
    assert 0 == suite.run("--redl-resume")[0]
    trained = suite.lines("trained.txt")
    assert set(CASES) == set(trained)
    assert len(trained) <= len(CASES) + 3
    assert [] == suite.journals


def test_a_resumed_run_that_is_interrupted_at_once_keeps_all_that_it_took_over(suite):
    conftest = suite.folder / "conftest.py"
    stopped = conftest.read_text() + "\ndef pytest_runtest_logfinish():\n    raise KeyboardInterrupt\n"
    whole = conftest.read_text()
    conftest.write_text(stopped)
    assert 2 == suite.run("--redl-resume")[0]
    conftest.write_text(whole)
    assert set(CASES) == set(load_run(suite.saved[-1]).records)
    assert 0 == suite.run("--redl-resume")[0]
    assert [] == suite.lines("trained.txt")
    assert without_times(suite.saved[0]) == without_times(suite.saved[-1])


def test_without_an_earlier_run_all_cases_are_run(tmp_path):
    suite = Pretended(tmp_path / "suite")
    status, printed = suite.run("--redl-resume")
    assert (0, CASES) == (status, suite.lines("trained.txt"))
    assert "--redl-resume: no earlier run in reports/" in printed


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ("0007", "--redl-resume 0007: no such journal or saved run; put the option last, or name one"),
        ("test_suite.py", "test_suite.py: not a run saved by pytest-benchmark*"),
        ("reports", "--redl-resume reports: no such journal or saved run; put the option last, or name one"),
        ("x.journal", "x.journal: nothing to recover (no case had finished)"),
    ],
)
def test_a_run_that_cannot_be_resumed_is_one_line_before_anything_trains(suite, run, message):
    (suite.folder / "x.journal").touch()
    status, printed = suite.run(f"--redl-resume={run}")
    assert (4, []) == (status, suite.lines("trained.txt"))
    (line,) = [line for line in printed.splitlines() if line.startswith("ERROR")]
    pytest.LineMatcher([line]).fnmatch_lines([f"ERROR: {message}"])
    assert "Traceback" not in printed


def test_a_run_that_is_not_saved_needs_a_name_to_resume(suite):
    process = suite.start("--redl-resume")
    printed, _ = process.communicate(timeout=60)
    assert 4 == process.returncode
    assert "ERROR: --redl-resume: this run is not saved; name the run to resume" in printed
    process = suite.start("--redl-resume=0001")
    process.communicate(timeout=60)
    assert (0, [], 1) == (process.returncode, suite.lines("trained.txt"), len(suite.saved))


def test_the_journal_of_a_run_that_goes_on_is_not_resumed(tmp_path):
    suite = Pretended(tmp_path / "suite")
    running = suite.start("--benchmark-save=run", seconds=1.0, chosen=CHOSEN)
    while not suite.lines("finished.txt"):
        assert running.poll() is None
    status, printed = suite.run("--redl-resume")
    os.kill(running.pid, signal.SIGTERM)
    running.communicate(timeout=20)
    assert 0 == status
    assert "no earlier run" in printed
