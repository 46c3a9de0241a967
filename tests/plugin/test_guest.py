"""Manners as a guest: a project that merely has redl installed, and plugins that others install beside it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import redl

# A project whose tests, files and tables look like redl's, and are not.
STRANGER = {
    "pyproject.toml": (
        '[tool.redl]\ndatasets = "not ours"\n[tool.pytest.ini_options]\nmarkers = ["nightly"]\n'
    ),
    "reports/paper/table1.json": "not JSON",
    "reports/reference/smoke.json": "not JSON",
    "train.csv": "no,table",
    "test_mine.py": """
import pytest

@pytest.mark.parametrize("seed", [1, 10, 100], ids=lambda seed: f"seed{seed}")
def test_seeded(seed):
    pass

@pytest.mark.parametrize("factor", [2, 20], ids=lambda factor: f"down{factor}")
@pytest.mark.parametrize("name", ["rsna-densenet", "lidc"])
def test_scaled(name, factor):
    pass

class TestSeed1:
    def test_a_method(self):
        pass

@pytest.mark.nightly
def test_benchmarked(benchmark):
    benchmark(int)

def test_last():
    pass
""",
}
AUDIT = """
import json, os, sys

opened, ROOT, PACKAGE = set(), os.environ["STRANGERS_ROOT"], os.environ["PACKAGE"]

def hook(event, arguments):
    path = os.path.abspath(arguments[0]) if event == "open" and isinstance(arguments[0], str) else ""
    if not path.startswith(ROOT):
        return
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename.startswith(PACKAGE):
            opened.add(path)
        frame = frame.f_back

sys.addaudithook(hook)

def pytest_unconfigure():
    with open(os.environ["AUDITED"], "w") as file:
        json.dump(sorted(opened), file)
"""
CASES = "def test_training(redl_case): pass\ndef test_other(): pass\n"


@pytest.fixture
def stranger(pytester):
    """Write the stranger's project; return what runs pytest in it and returns the tests selected."""
    for name, text in STRANGER.items():
        path = pytester.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def selected(*arguments):
        result = pytester.runpytest("--collect-only", "-q", *arguments)
        return [line for line in result.stdout.lines if "::" in line]

    return selected


@pytest.mark.parametrize(
    "chosen",
    [
        ["-k", "seed1"],
        ["-k", "seed10"],
        ["-k", "down2"],
        ["-k", "not seed1"],
        ["-k", "seed1 or down20"],
        ["-k", "rsna-densenet"],
        ["-k", "densenet and down2"],
        ["-k", "nightly"],
        ["-m", "nightly"],
        ["test_mine.py::test_seeded[seed1]"],
        [],
    ],
    ids=" ".join,
)
def test_a_strangers_tests_are_selected_as_without_redl(stranger, chosen):
    without = stranger("-p", "no:redl", *chosen)
    assert without
    assert without == stranger(*chosen)


def test_beside_cases_a_strangers_tests_are_selected_as_without_redl(pytester, stranger):
    pytest.importorskip("numpy")  # cannot be loaded by one inner run and again by the next
    without = stranger("-p", "no:redl", "-k", "seed1", "test_mine.py")
    pytester.makepyfile(test_cases=CASES)
    pytester.path.joinpath("pyproject.toml").unlink()
    pytester.path.joinpath("reports/reference/smoke.json").unlink()
    together = stranger("-k", "seed1")
    assert without == [name for name in together if name.startswith("test_mine.py")]
    cases = [name for name in together if name.startswith("test_cases.py")]
    assert cases
    assert all("-seed1]" in name for name in cases)


def test_no_file_of_a_stranger_is_opened(pytester, stranger, monkeypatch, tmp_path_factory):
    outside = tmp_path_factory.mktemp("audit")
    outside.joinpath("audit_opens.py").write_text(AUDIT)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(outside), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("STRANGERS_ROOT", str(pytester.path))
    monkeypatch.setenv("PACKAGE", str(Path(redl.__file__).parent))
    monkeypatch.setenv("AUDITED", str(outside / "opened.json"))

    def opened(*arguments):
        pytester.run(sys.executable, "-m", "pytest", "-p", "audit_opens", "-q", *arguments)
        return json.loads(outside.joinpath("opened.json").read_text())

    stranger("--collect-only")
    assert [] == opened()
    # The audit would have seen it: with a case in the project, redl reads its pyproject.toml.
    pytester.makepyfile(test_cases=CASES)
    assert [str(pytester.path / "pyproject.toml")] == opened("--collect-only")


def test_a_strangers_broken_tables_are_told_once_a_case_is_wanted(pytester, stranger):
    pytester.makepyfile(test_cases=CASES)
    result = pytester.runpytest_subprocess()
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines(
        ["ERROR: pyproject.toml: ?tool.redl.datasets? must be tables, one for each name"]
    )


def test_a_strangers_run_ends_as_without_redl(pytester, stranger):
    stranger("--collect-only")
    outcomes = pytester.runpytest("-q", "-k", "seed1 or benchmarked").assert_outcomes
    outcomes(passed=5, deselected=5)
    assert not list(pytester.path.joinpath("reports").glob("*-*"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("plugin", "arguments"),
    [
        ("pytest_randomly", ["--randomly-seed=1"]),
        ("xdist", ["-n", "2"]),
        ("pytest_cov", ["--cov=."]),
        ("pytest_benchmark", ["--benchmark-disable"]),
    ],
)
def test_a_strangers_project_runs_beside_other_plugins(pytester, stranger, plugin, arguments):
    pytest.importorskip(plugin)
    stranger("--collect-only")
    result = _pytest(pytester, "-q", *arguments)
    assert 0 == result.returncode, result.stdout
    assert "10 passed" in result.stdout


# What cases do beside other plugins


def test_cases_without_pytest_benchmark_are_refused_in_one_line(pytester):
    pytester.makepyfile(CASES)
    result = pytester.runpytest_subprocess("-p", "no:benchmark")
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    expected = "ERROR: redl records its figures through pytest-benchmark; leave out -p no:benchmark"
    assert [expected] == [line for line in result.stderr.lines if line]


def test_tests_that_are_not_redls_do_without_pytest_benchmark(pytester):
    pytester.makepyfile("def test_one(): pass")
    pytester.runpytest_subprocess("-p", "no:benchmark").assert_outcomes(passed=1)


def test_the_suite_without_redl_is_refused_in_one_line():
    suite = Path(__file__).parents[2] / "benchmarks"
    result = subprocess.run(
        [sys.executable, "-m", "pytest", suite, "-p", "no:redl", "-q"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert pytest.ExitCode.USAGE_ERROR == result.returncode
    expected = "ERROR: the suite takes its cases from redl's plugin; leave out -p no:redl"
    assert [expected] == [line for line in result.stderr.splitlines() if line]


@pytest.mark.slow
def test_cases_under_xdist_are_refused_in_one_line(pytester):
    pytest.importorskip("xdist")
    pytester.makepyfile(CASES)
    result = _pytest(pytester, "-n", "2", "-q")
    assert pytest.ExitCode.USAGE_ERROR == result.returncode
    refusals = [line for line in (result.stdout + result.stderr).splitlines() if "ERROR" in line]
    assert ["leave out -n"] == [line.rpartition("; ")[2] for line in refusals]
    assert "Traceback" not in result.stdout + result.stderr


@pytest.mark.slow
def test_cases_keep_their_order_beside_randomly(pytester):
    pytest.importorskip("pytest_randomly")
    pytester.makepyfile(CASES)
    chosen = ["--collect-only", "-q", "-k", "densenet"]

    def cases(*arguments):
        lines = _pytest(pytester, *chosen, *arguments).stdout.splitlines()
        return [line for line in lines if "densenet" in line]

    in_order = cases("-p", "no:randomly")
    assert 12 == len(in_order)
    assert [in_order] * 3 == [cases(f"--randomly-seed={seed}") for seed in (1, 2, 3)]


def _pytest(pytester, *arguments):
    """Run pytest with all plugins that are installed, which pytester's own runs leave out in part."""
    command = [sys.executable, "-m", "pytest", *arguments]
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
    return subprocess.run(
        command, cwd=pytester.path, env=environment, capture_output=True, text=True, check=False
    )
