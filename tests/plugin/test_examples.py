"""The example project: a network, a setting and a data set of one's own run with no change to redl."""

import shutil
from pathlib import Path

import pytest

from redl.results.store import load_run

EXAMPLE = Path(__file__).parents[2] / "examples" / "own_cases"

DECLARED = """
[tool.pytest.ini_options]
addopts = "--redl-profile=tiny"

[tool.redl.models.smallnet]
build = "nets.py:small_net"

[tool.redl.settings.frugal]
configure = "tricks.py:frugal"

[tool.redl.datasets.squares]
images = "squares"
table = "squares/table.csv"
"""


@pytest.fixture
def example(pytester, tmp_path_factory):
    """Run the example where it was copied to, in a process of its own."""
    shutil.copytree(EXAMPLE, pytester.path, dirs_exist_ok=True)
    cache = tmp_path_factory.getbasetemp() / "example-cache"

    def run(*arguments):
        options = [f"--rootdir={pytester.path}", f"--redl-cache={cache}", "-p", "no:cacheprovider"]
        return pytester.runpytest_subprocess(*options, *arguments, timeout=120)

    return run


@pytest.mark.slow
def test_all_three_run_together(example, pytester):
    chosen = "squares and smallnet and frugal"
    result = example("-k", chosen, "--benchmark-json=run.json")
    result.assert_outcomes(passed=1)
    (record,) = load_run(pytester.path / "run.json").records.values()
    assert "squares-smallnet-frugal-seed1" == record.case.id
    assert ("smallnet", "SGD", False) == (
        record.recipe.network,
        record.recipe.optimizer,
        record.data.synthetic,
    )
    # A convolution of 72 + 8 and a head of 8 + 1; the norm's 16 are frozen.
    assert (105, 89) == (record.parameters, record.recipe.trained_parameters)


@pytest.mark.slow
def test_each_is_crossed_with_the_study(example):
    result = example("--collect-only", "-q")
    ids = {line.partition("[")[2].removesuffix("]") for line in result.outlines if "[" in line}
    assert {
        "rsna-smallnet-amp-seed1",
        "lidc-densenet-frugal-seed1",
        "squares-vit-8bit+stable-seed1",
    } < ids


@pytest.mark.slow
def test_pyproject_declares_the_same(example, pytester):
    example("--collect-only", "-q")  # draws the images
    (pytester.path / "conftest.py").unlink()
    (pytester.path / "pyproject.toml").write_text(DECLARED)
    result = example("-k", "squares and smallnet and frugal")
    result.assert_outcomes(passed=1)
