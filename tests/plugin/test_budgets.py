"""Budgets in the suite: which tests there are, what they leave, and what is refused."""

import json

import pytest

from redl.record.budget import Fit

SUITE = """
def test_budget(benchmark, redl_fit):
    assert benchmark.pedantic(redl_fit, rounds=1).trials
"""
SMALL = ("--redl-profile=tiny", "--redl-most-batch=8", "-p", "no:cacheprovider")


@pytest.fixture
def run(pytester):
    pytester.makepyfile(test_budget=SUITE)
    return lambda *arguments: pytester.runpytest_subprocess(*SMALL, *arguments)


def test_a_budget_makes_a_test_of_each_model_and_setting_and_its_table(run, pytester):
    result = run("--redl-budgets=300MB", "-k", "mlp-amp-cap300m", "--benchmark-json=run.json")
    result.assert_outcomes(passed=1, deselected=26)
    result.stdout.fnmatch_lines(["*What fits, 32 px, batch 16*", "*mlp*amp*300MB*8=*not judged*"])
    saved = json.loads((pytester.path / "run.json").read_text())
    (entry,) = saved["benchmarks"]
    assert "test_budget[mlp-amp-cap300m]" == entry["name"]
    assert (8, None) == (Fit.from_json(entry["extra_info"]["redl_fit"]).batch_size, None)
    commit = saved["commit_info"]
    assert ["", "", ""] == [saved["machine_info"]["node"], commit["project"], commit["branch"]]


def test_without_a_budget_one_test_says_how_to_name_one(run):
    result = run("-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*no budget to fit into: name some, --redl-budgets=4GB,8GB"])


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--redl-budgets=4", "--redl-budgets 4: give a size above 0 with its unit*"),
        ("--redl-most-batch=1", "--redl-most-batch 1: give a whole number above 1*"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(run, option, said):
    result = run(option)
    assert 4 == result.ret
    result.stderr.fnmatch_lines([f"*{said}"])
    result.stderr.no_fnmatch_line("*Traceback*")


def test_a_model_that_cannot_be_built_is_refused_before_any_trial(run):
    result = run("--redl-budgets=300MB", "--redl-model=no_such_network", "-k", "baseline")
    assert 4 == result.ret
    result.stderr.fnmatch_lines(["ERROR: *no_such_network*"])
    result.stderr.no_fnmatch_line("*Traceback*")


def test_a_run_that_could_not_be_saved_is_refused_before_any_trial(run, pytester):
    (pytester.path / "data.txt").touch()
    result = run("--redl-budgets=300MB", "-k", "mlp-baseline", "--benchmark-json=data.txt/run.json")
    assert 4 == result.ret
    result.stderr.fnmatch_lines(["ERROR: --benchmark-json *"])
