"""`redl fit`, with real trainings of small networks."""

import json
import subprocess
import sys

import pytest

from redl.cli import main

SMALL = ("--image-size=32", "--most-batch=16", "--batch-size=8")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_it_ends_in_a_sentence_and_writes_every_trial(tmp_path):
    command = [sys.executable, "-m", "redl", "fit", "densenet", "--budget=230MB", *SMALL]
    command += ["--setting=baseline", "--setting=8bit+ckpt", "--json=fit.json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stderr
    assert done.stdout.splitlines()[-1].startswith("densenet trains in 230MB at batch ")
    assert "Traceback" not in done.stderr
    fits = json.loads((tmp_path / "fit.json").read_text())
    assert ["baseline", "8bit+ckpt"] == [one["setting"] for one in fits]
    assert all(trial["fits"] == (trial["probe"] is not None) for one in fits for trial in one["trials"])


def test_what_does_not_fit_at_all_ends_with_status_1(capsys):
    assert 1 == main(["fit", "densenet", "--budget=20MB", *SMALL, "--setting=baseline"])
    assert "densenet does not train within this budget" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["densenet", "--budget=4"], "--budget 4: give a size above 0 with its unit, e.g. 4GB"),
        (["densenet", "--budget=4GB", "--setting=apm"], "--setting: "),
        (["no_such_network", "--budget=4GB"], "no_such_network"),
        (["densenet", "--budget=30MB", *SMALL, "--setting=8bit", "--json=no/f.json"], "--json no/f.json: "),
    ],
)
def test_what_cannot_be_used_is_one_line(arguments, said, capsys):
    assert 2 == main(["fit", *arguments])
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("redl: error: ")]
    assert said in line
