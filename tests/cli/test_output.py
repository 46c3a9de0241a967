"""What the commands print: nothing of a saved run is a command to a terminal or a CI."""

import json
import re
import subprocess
import sys

import pytest

from redl.cli import main
from redl.record import Predictions
from redl.results.store import KEY, PREDICTIONS_KEY
from tests.helpers.changes import replace
from tests.helpers.samples import WHOLE
from tests.helpers.saved import finished, save

HOSTILE = "\x1b[2J\x9b1m\u202eevil\n::error::planted\n##[error]planted\r\x00"
ANSWERS = Predictions(subjects=(1, 2, 3, 4), labels=(0, 1, 0, 1), probabilities=(0.1, 0.9, 0.2, 0.8))


def hostile(setting="baseline", seed=1):
    """Return a record with planted text in every field that may hold any."""
    whole = finished(setting, seed)
    training = replace(
        whole.energy.train,
        missing=(HOSTILE,),
        warnings=(HOSTILE,),
        reason_unavailable=HOSTILE,
        components=(),
    )
    return replace(
        whole,
        reason=HOSTILE,
        warnings=(HOSTILE, f"recipe: {HOSTILE}"),
        recipe=replace(whole.recipe, overrides={HOSTILE: HOSTILE}, reduced=True),
        data=replace(whole.data, split=HOSTILE, remarks={HOSTILE: 3}),
        memory=replace(whole.memory, explanation=HOSTILE),
        energy=replace(whole.energy, train=training, inference=training),
        divergence=replace(whole.divergence, reasons=(HOSTILE,)),
        environment={"cpu": HOSTILE, "git_commit": HOSTILE, "torch": HOSTILE},
    )


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # As others write them: the JSON holds the text as it is.
    for number, cpu in enumerate(("one", "two"), start=1):
        entries = []
        for setting in ("baseline", "amp"):
            for seed in (1, 2, 3):
                plain = hostile(setting, seed).to_json()
                plain |= {"reason": HOSTILE, "warnings": [HOSTILE], "environment": {"cpu": HOSTILE + cpu}}
                entries.append({"extra_info": {KEY: plain, PREDICTIONS_KEY: ANSWERS.to_json()}})
        save(tmp_path / "reports" / "machine" / f"000{number}_x.json", extra=entries)
    return tmp_path


def refused(output):
    """Return the lines that a terminal or a CI would take as a command, but for redl's own annotations."""
    lines = re.split("[\r\n]", output)
    return [
        line
        for line in lines
        if re.match(r"\s*::(?!(error|notice) title=redl::)", line)
        or "##[" in line
        or re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", line)
    ]


COMMANDS = [
    *(["compare", "1", "2", "--format", form] for form in ("table", "markdown", "json", "github")),
    ["verdict", "reports/machine/0001_x.json", "--margin", "0.02"],
    ["verdict", "reports/machine/0001_x.json", "--margin", "0.02", "--format", "json"],
    ["tradeoff", "reports/machine/0001_x.json", "--margin", "0.02"],
    ["tradeoff", "reports/machine/0001_x.json", "--margin", "0.02", "--format", "json"],
    ["history", "accuracy:0.02"],
    ["history", "accuracy:0.02", "--format", "json"],
    ["baseline", "set", "1"],
    ["baseline", "show"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_of_a_saved_run_reaches_the_log(runs, capsys, command):
    main(["baseline", "set", "1"])
    capsys.readouterr()
    main(command)
    printed = capsys.readouterr()
    assert "" != printed.out
    assert [] == refused(printed.out + printed.err)


def test_the_tables_after_a_run_hold_no_command():
    from redl.results.checks import check_case
    from redl.results.tables import tables
    from redl.study.profile import SMOKE

    text = tables([check_case(hostile(), SMOKE, None, None)], width=120)
    assert "evil" in text
    assert [] == refused(text)


@pytest.mark.parametrize("name", ["x\n::error::y", "\x1b[31m", "##[error]"])
def test_no_command_of_an_error_reaches_the_log(tmp_path, capsys, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    assert 2 == main(["verdict", name, "--margin", "0.02"])
    assert [] == refused(capsys.readouterr().err)


def test_a_full_disk_behind_the_output_is_one_line(tmp_path):
    save(tmp_path / "run.json", WHOLE)
    with open("/dev/full", "w") as full:  # noqa: PTH123 - no path of a file
        done = subprocess.run(
            [sys.executable, "-m", "redl", "compare", "run.json", "run.json"],
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert (2, 1) == (done.returncode, done.stderr.count("\n")), done.stderr
    assert (
        "redl: error: the output cannot be written (No space left on device); make room for it\n"
        == done.stderr
    )


def test_json_says_the_same_as_before(runs, capsys):
    main(["compare", "1", "2", "--format", "json"])
    assert "0001_x.json" == json.loads(capsys.readouterr().out)["baseline"]
