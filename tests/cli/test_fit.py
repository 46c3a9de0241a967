"""`redl fit`, with real trainings of small networks."""

import json
import subprocess
import sys

import pytest

from redl.cli import main
from redl.record.budget import Trial
from tests.helpers.budgets import probe

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


# With trials that cost nothing


def grows(job):
    """Let a batch take 10 MB and 1 MB an image, twice that without 8 bits."""
    taken = (1 if "8bit" in job.setting else 2) * (10 + job.batch_size) * 10**6
    over = taken - job.cap_bytes
    return Trial(
        batch_size=job.batch_size,
        fits=over <= 0,
        probe=probe(taken) if over <= 0 else None,
        over_bytes=max(over, 0) or None,
        reason=None,
    )


@pytest.fixture
def _grows(monkeypatch):
    monkeypatch.setattr("redl.execution.fitting.try_batch", grows)


@pytest.mark.usefixtures("_grows")
def test_the_sentence_names_the_largest_batch_and_what_the_baseline_needs_for_it(capsys):
    assert 0 == main(["fit", "densenet", "--budget=40MB", "--setting=baseline", "--setting=8bit"])
    said = capsys.readouterr().out.splitlines()[-1]
    assert said == (
        "densenet trains in 40MB at batch 30 with 8bit; with the baseline it needs about 0.08 GB, by a line "
        "through its trials."
    )


@pytest.mark.usefixtures("_grows")
def test_trials_are_told_as_they_end_and_written_whole(capsys, tmp_path):
    assert 0 == main(["fit", "densenet", "--budget=40MB", "--setting=baseline", "--json=fit.json"])
    (one,) = json.loads((tmp_path / "fit.json").read_text())
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("baseline: batch ")]
    assert len(told) == len(one["trials"])
    assert (10, 11) == (one["batch_size"], one["refused"])


@pytest.mark.usefixtures("_grows")
@pytest.mark.parametrize(("model", "tried"), [("densenet", 4), ("mlp", 3)])
def test_settings_that_a_model_cannot_have_are_not_tried_by_default(model, tried, tmp_path):
    main(["fit", model, "--budget=40MB", "--json=fit.json"])
    settings = [one["setting"] for one in json.loads((tmp_path / "fit.json").read_text())]
    assert ["baseline", "amp+8bit", "half+8bit", "half+8bit+ckpt"][:tried] == settings


@pytest.mark.usefixtures("_grows")
def test_a_setting_of_your_own_is_tried(capsys, tmp_path):
    (tmp_path / "own.py").write_text("def setup(device): ...\n")
    (tmp_path / "pyproject.toml").write_text('[tool.redl.settings.mine]\nconfigure = "own.py:setup"\n')
    assert 0 == main(["fit", "densenet", "--budget=40MB", "--setting=mine"])
    assert "densenet trains in 40MB at batch 10 with mine." in capsys.readouterr().out
