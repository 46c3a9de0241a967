"""The command of docs/how-to/ci.md fails a pull request that got worse, and passes once that is reverted."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = (
    *("redl", "benchmarks", "conftest.py", "pyproject.toml", "reports/reference"),
    *("tests/__init__.py", "tests/helpers"),
)

pytestmark = pytest.mark.slow  # runs the suite four times

# What a pull request could do: a network that sees four pixels, and steps that keep what they allocate.
REGRESSIONS = {
    "accuracy": (
        "redl/training/models.py",
        "        return _create(network), _NOT_ASKED_FOR\n",
        "        blurred = nn.AvgPool2d(16), nn.Upsample(scale_factor=16)\n"
        "        return nn.Sequential(*blurred, _create(network)), _NOT_ASKED_FOR\n",
    ),
    "peak_memory": (
        "redl/training/loop.py",
        "                watch.step()\n",
        "                watch.step()\n"
        "                globals().setdefault('kept', []).append(torch.ones(300_000))\n",
    ),
}


def commands():
    """Return the workflow's two runs of the suite: that of main, and that of a pull request."""
    found = re.findall(r"run: (pytest benchmarks.*)", (ROOT / "docs" / "how-to" / "ci.md").read_text())
    (main,) = (command for command in found if "--redl-compare" not in command)
    (gate,) = (command for command in found if "--redl-compare" in command)
    return main, gate


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """Return a copy of the project, and what runs a command in it."""
    copy = tmp_path_factory.mktemp("checkout")
    for name in PROJECT:
        source, target = ROOT / name, copy / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        else:
            target.parent.mkdir(exist_ok=True)
            shutil.copy(source, target)

    def run(command):
        environment = os.environ | {
            "PYTHONPATH": str(copy),
            "PYTHONDONTWRITEBYTECODE": "1",  # a cached module could be the old one
            "REDL_CACHE": str(copy / "cache"),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        }
        bash = ["bash", "-c", command]
        return subprocess.run(bash, cwd=copy, env=environment, capture_output=True, text=True, check=False)

    return copy, run


def test_a_regression_exits_1_and_its_reversal_0(checkout):
    copy, run = checkout
    main, gate = commands()
    saved = run(main)
    assert 0 == saved.returncode, saved.stdout + saved.stderr
    for figure, (name, good, bad) in REGRESSIONS.items():
        path = copy / name
        whole = path.read_text()
        assert good in whole
        path.write_text(whole.replace(good, bad, 1))
        regressed = run(gate)
        assert 1 == regressed.returncode, regressed.stdout + regressed.stderr
        assert re.search(rf"lidc-densenet-baseline \S+ {figure} .* regressed", regressed.stdout), (
            regressed.stdout
        )
        path.write_text(whole)
    reverted = run(gate)
    assert 0 == reverted.returncode, reverted.stdout + reverted.stderr
    assert re.search(r"^fine: 4 figures of 1 case against main.json", reverted.stdout, re.MULTILINE)
    # On one machine equal code gives equal digits.
    assert "\nidentical: 1 case gave the baseline's losses and answers, digit for digit\n" in reverted.stdout
