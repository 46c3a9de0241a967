"""What redl asks of pytest-benchmark, in its older and newer versions."""

import json

CONFTEST = """
import pytest

@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    config.option.benchmark_json = open(config.option.benchmark_json, "wb")
"""
CASE = """
def test_training(benchmark, redl_case_process):
    benchmark.pedantic(redl_case_process.train, rounds=1, iterations=1)
"""


def test_a_report_that_pytest_benchmark_opened_itself_as_before_5_3_is_written(pytester):
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(test_cases=CASE)
    chosen = ("--redl-profile=tiny", "-k", "rsna-mlp-baseline")
    result = pytester.runpytest_subprocess(*chosen, "--benchmark-json=run.json", "-p", "no:cacheprovider")
    assert 0 == result.ret
    (entry,) = json.loads((pytester.path / "run.json").read_text())["benchmarks"]
    assert "mlp" in entry["name"]
