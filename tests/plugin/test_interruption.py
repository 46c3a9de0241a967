"""Interrupted runs: finished cases are saved whatever ends the run, and trained once."""

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from redl.errors import RecordError
from redl.plugin.interruption import Interruption
from redl.results.journal import read_journal
from redl.results.store import load_run
from tests.helpers.pretended import CASES, Pretended, without_times

TABLE = "Table 2, tiny profile"


@pytest.fixture
def suite(tmp_path):
    """Return a suite that trains nothing."""
    return Pretended(tmp_path / "suite")


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory):
    """Return what a run saves that nothing disturbs."""
    suite = Pretended(tmp_path_factory.mktemp("undisturbed"))
    assert 0 == suite.run()[0]
    (saved,) = suite.saved
    assert [] == suite.journals
    return without_times(saved)


def kept(suite):
    """Return the cases that the newest run kept, in its journal or a saved run."""
    if suite.journals:
        try:
            return {one.case for one in read_journal(suite.journals[-1]).entries}
        except RecordError:  # the run was killed before any case had finished
            return set()
    return set(load_run(suite.saved[-1]).records) if suite.saved else set()


def kill_and_resume(suite, undisturbed, number, after, delay):
    """Kill a run, see that it kept what had finished, and resume it."""
    status, printed = suite.stop(number, after=after, delay=delay)
    assert status != 0, printed
    finished = set(suite.lines("finished.txt"))
    assert finished <= kept(suite), printed
    if number != signal.SIGKILL and finished:
        assert (2, True) == (status, TABLE in printed), printed
        assert [] == suite.journals
    status, printed = suite.run("--redl-resume")
    assert 0 == status, printed
    trained = suite.lines("trained.txt")
    assert set(CASES) == set(trained)
    assert len(trained) <= len(CASES) + 1  # the one that was interrupted
    assert undisturbed == without_times(suite.saved[-1])
    assert [] == suite.journals
    assert set(CASES) == set(load_run(suite.saved[-1]).records)


@pytest.mark.parametrize(
    ("number", "after", "delay"),
    [
        (signal.SIGINT, 1, 0.0),
        (signal.SIGINT, 5, 0.011),
        (signal.SIGTERM, 3, 0.024),
        (signal.SIGTERM, 10, 0.03),
        (signal.SIGKILL, 2, 0.017),
        (signal.SIGKILL, 8, 0.005),
    ],
)
def test_a_killed_run_keeps_what_has_finished_and_resumes(suite, undisturbed, number, after, delay):
    kill_and_resume(suite, undisturbed, number, after, delay)


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(100))
def test_runs_killed_at_random_moments_keep_what_has_finished_and_resume(suite, undisturbed, seed):
    draw = random.Random(seed)
    number = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)[seed % 3]
    kill_and_resume(suite, undisturbed, number, draw.randint(1, 10), draw.uniform(0, 0.04))


def test_a_run_that_ends_before_any_case_has_finished_gets_no_number(suite):
    status, _ = suite.stop(signal.SIGTERM, after=1, seconds=5)
    assert (2, [], []) == (status, suite.saved, suite.journals)


def test_an_interrupted_run_makes_no_reference(suite):
    reference = suite.folder / "reference.json"
    _, printed = suite.stop(signal.SIGTERM, f"--redl-save-reference={reference}", after=7)
    assert not reference.exists()
    assert "--redl-save-reference: " in printed
    assert "of 10 cases did not run to their end, first rsna-mlp-baseline-seed" in printed


@pytest.mark.parametrize("times", [2, 3])
def test_more_signals_than_one_lose_nothing(suite, times):
    status, printed = suite.stop(signal.SIGINT, after=4, times=times)
    assert (2, True) == (status, TABLE in printed)
    assert set(suite.lines("finished.txt")) <= kept(suite)
    assert [] == suite.journals


def test_a_signal_while_the_run_is_saved_changes_its_status_only(suite):
    conftest = suite.folder / "conftest.py"
    slow = (
        "\ndef pytest_benchmark_update_json(output_json):\n    note('saving.txt', 'now'); time.sleep(0.5)\n"
    )
    conftest.write_text(conftest.read_text() + slow)
    process = suite.start("--benchmark-save=run")
    while not suite.lines("saving.txt"):
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=10)
    assert (2, True, "Traceback" in printed) == (process.returncode, TABLE in printed, False)
    assert set(CASES) == kept(suite)


def test_the_process_of_the_interrupted_case_is_ended(suite):
    suite.stop(signal.SIGTERM, after=4)
    assert set(suite.lines("trained.txt")) == set(suite.lines("closed.txt"))


def test_a_run_that_stops_at_a_failure_is_saved(suite):
    (suite.folder / "broken.txt").write_text(CASES[2])
    for stop in ("-x", "--maxfail=1"):
        status, printed = suite.run(stop)
        assert (1, True) == (status, TABLE in printed)
        assert set(CASES[:3]) == kept(suite)
        assert [] == suite.journals


FAILURES = {
    "between two tests": """
def pytest_runtest_logfinish(nodeid):
    if "seed3" in nodeid:
        raise RuntimeError("planted")
""",
    "at the end, before all others": """
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish():
    raise RuntimeError("planted")
    yield
""",
    "while the run is described": """
def pytest_benchmark_update_json():
    raise RuntimeError("planted")
""",
    "in the summary": """
@pytest.hookimpl(tryfirst=True)
def pytest_terminal_summary():
    raise RuntimeError("planted")
""",
}


@pytest.mark.parametrize("failure", FAILURES)
def test_where_another_plugin_fails_the_run_is_saved_and_its_table_printed(suite, failure):
    conftest = suite.folder / "conftest.py"
    conftest.write_text(conftest.read_text() + FAILURES[failure])
    status, printed = suite.run()
    assert status != 0
    assert TABLE in printed
    finished = set(suite.lines("finished.txt"))
    assert finished
    assert finished <= set(load_run(suite.saved[-1]).records)
    assert [] == suite.journals


def test_a_full_disk_at_the_end_leaves_the_journal_and_one_line(suite):
    assert 0 == suite.run()[0]
    old = suite.saved[0].read_bytes()
    conftest = suite.folder / "conftest.py"
    full = """
def pytest_benchmark_update_json():
    import resource, signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
"""
    conftest.write_text(conftest.read_text() + full)
    status, printed = suite.run()
    (journal,) = suite.journals
    where = journal.relative_to(suite.folder)
    assert 1 == status
    assert f"{where.parent}: the run cannot be saved there (file too large)" in printed
    assert f"all finished cases are in {where}; save them by `redl recover {where}`" in printed
    assert "Traceback" not in printed
    assert TABLE in printed
    assert [old] == [path.read_bytes() for path in suite.saved]
    assert set(CASES) == {one.case for one in read_journal(journal).entries}


def test_a_journal_that_cannot_grow_ends_the_run_and_all_finished_cases_are_saved(suite):
    def small_files():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (17 * 2**20, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))

    conftest = suite.folder / "conftest.py"
    full = """
@pytest.fixture(autouse=True)
def growing(request):
    if "inference" in request.node.name and "seed3" in request.node.name:
        request.getfixturevalue("benchmark").extra_info["much"] = "x" * 18 * 2**20
"""
    conftest.write_text(conftest.read_text() + full)
    status, printed = suite.run(preexec_fn=small_files)
    assert 1 == status
    assert "file too large; the run ends, because nothing more could be kept" in printed
    assert "Traceback" not in printed
    assert set(CASES[:3]) == {one.case for one in read_journal(suite.journals[0]).entries}


@pytest.mark.parametrize(
    ("storage", "message"),
    [
        (
            "file://./data.txt",
            "--benchmark-storage *data.txt/*: not a directory; name a folder where a run *",
        ),
        (
            "file:///proc/reports",
            "--benchmark-storage /proc/reports/*: *; name a folder where a run of 16 MB *",
        ),
    ],
)
def test_a_folder_that_cannot_be_written_is_refused_before_anything_trains(suite, storage, message):
    status, printed = suite.run(f"--benchmark-storage={storage}")
    assert 4 == status
    (line,) = [line for line in printed.splitlines() if line.startswith("ERROR")]
    pytest.LineMatcher([line]).fnmatch_lines([f"ERROR: {message}"])
    assert "Traceback" not in printed
    assert [] == suite.lines("trained.txt")


def test_a_file_that_cannot_be_written_is_refused_before_anything_trains(suite):
    status, printed = suite.run("--benchmark-json=data.txt/run.json")
    assert 4 == status
    assert "ERROR: --benchmark-json " in printed
    assert [] == suite.lines("trained.txt")


def test_pytest_benchmark_compares_what_was_saved_resumed_and_recovered(suite):
    suite.stop(signal.SIGKILL, after=4)
    assert 0 == suite.run("--redl-resume")[0]
    suite.forget()
    suite.stop(signal.SIGKILL, after=4)
    (journal,) = suite.journals
    recover = [sys.executable, "-m", "redl", "recover", journal]
    done = subprocess.run(recover, cwd=suite.folder, capture_output=True, text=True, check=True)
    assert "tests of 3 cases; journal removed" in done.stdout or "tests of 4 cases" in done.stdout
    compare = [sys.executable, "-m", "pytest_benchmark", "--storage=reports", "compare", "0001", "0002"]
    done = subprocess.run(compare, cwd=suite.folder, capture_output=True, text=True, check=True)
    assert "test_training[rsna-mlp-baseline-seed1] (0001_run)" in done.stdout
    assert "test_training[rsna-mlp-baseline-seed1] (0002_run)" in done.stdout


def test_a_recovered_run_says_what_the_saved_one_would_have_said(suite, undisturbed):
    conftest = suite.folder / "conftest.py"
    late = "\ndef pytest_sessionfinish():\n    os.kill(os.getpid(), 9)\n"
    conftest.write_text(
        "import pytest\n"
        + conftest.read_text()
        + late.replace("def", "@pytest.hookimpl(wrapper=True, tryfirst=True)\ndef")
        + "    yield\n"
    )
    suite.run()
    (journal,) = suite.journals
    recover = [sys.executable, "-m", "redl", "recover", journal]
    subprocess.run(recover, cwd=suite.folder, check=True, capture_output=True)
    (saved,) = suite.saved
    assert undisturbed == without_times(saved)
    whole = json.loads(saved.read_text())
    assert "" == whole["machine_info"]["node"]
    assert {"machine_info", "commit_info", "benchmarks", "datetime", "version", "redl"} == set(whole)


def test_signals_that_are_ignored_stay_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    interruption = Interruption()
    try:
        interruption.watch()
        assert signal.SIG_IGN == signal.getsignal(signal.SIGHUP)
    finally:
        interruption.forget()
        signal.signal(signal.SIGHUP, before)


def test_a_signal_waits_for_the_end_of_what_is_shielded():
    interruption, steps = Interruption(), []

    def write():
        with interruption.shield():
            os.kill(os.getpid(), signal.SIGTERM)
            steps.append("written")

    interruption.watch()
    try:
        with pytest.raises(KeyboardInterrupt, match="SIGTERM"):
            write()
        os.kill(os.getpid(), signal.SIGINT)  # a second one, right after the first
    finally:
        interruption.forget()
    assert ["written"] == steps


def test_a_signal_at_an_instruction_without_a_line_comes_a_moment_later():
    interruption = Interruption()
    interruption.watch()
    try:
        interruption._handle(signal.SIGINT, SimpleNamespace(f_lineno=None))
        with pytest.raises(KeyboardInterrupt, match="SIGINT"):
            time.sleep(10)
    finally:
        interruption.forget()
