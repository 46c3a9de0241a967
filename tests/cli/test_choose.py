"""`redl choose`: what is named, the exit status, and one line for what cannot be."""

import json

import pytest

from redl.cli import main
from tests.helpers.savings import save
from tests.results.tradeoff.test_models import run


@pytest.fixture
def saved(tmp_path):
    return save(tmp_path / "run.json", *run(densenet={}, vit={"wh": 1.0, "memory": 300_000_000}))


def test_the_one_to_take_stands_first(saved, capsys):
    assert 0 == main(["choose", str(saved), "--budget=4GB", "--margin=0.05"])
    assert capsys.readouterr().out.startswith(
        "For rsna (smoke profile, phantom images): vit baseline takes the least energy of what fits in 4000 "
        "MB (300 MB) and is shown to be no more than 0.05 worse in accuracy than densenet baseline"
    )


def test_none_that_qualifies_is_one_clear_line_and_status_1(saved, capsys):
    assert 1 == main(["choose", str(saved), "--budget=100MB", "--margin=0.05"])
    out = capsys.readouterr().out
    assert "no model and setting both fits in 100 MB and is shown to be within 0.05" in out.splitlines()[0]
    assert "vit baseline: out: over the budget: 300 MB of 100" in out


def test_json_has_all_that_is_printed(saved, capsys):
    assert 0 == main(["choose", str(saved), "--budget=350MiB", "--margin=0.05", "--format=json"])
    (found,) = json.loads(capsys.readouterr().out)
    assert ("vit baseline", "densenet baseline") == (found["chosen"], found["reference"])
    assert 350 * 2**20 == found["budget_bytes"]
    assert [["over the budget: 400 MB of 367"], []] == [one["out"] for one in found["candidates"]]
    standings = [one["standing"] for one in found["candidates"]]
    assert [("densenet", 400_000_000), ("vit", 300_000_000)] == [
        (one["model"], one["train_peak_bytes"]) for one in standings
    ]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--budget=4G"], "--budget 4G: give a size above 0 with its unit, e.g. 4GB, 512MB or 4GiB"),
        (["--budget=4GB", "--margin=2"], "--margin 2: give a margin above 0 and below 1"),
        (["--budget=4GB", "--metric=beauty"], "--metric beauty: unknown"),
        (["--budget=4GB", "--by=money"], "--by money: give one of memory, energy, time"),
        (["--budget=4GB", "--reference=vit"], "--reference vit: give a model and a setting"),
        (["--budget=4GB", "--reference=vit,amp"], "--reference vit,amp: was not run on rsna"),
    ],
)
def test_a_value_that_cannot_be_is_one_line_and_status_2(saved, capsys, given, words):
    margin = [] if any("margin" in one for one in given) else ["--margin=0.05"]
    assert 2 == main(["choose", str(saved), *margin, *given])
    error = capsys.readouterr().err
    assert error.startswith(f"redl: error: {words}")
    assert 1 == error.count("\n")
