"""Records of every layout so far load for ever.

`old/` holds what redl wrote before a field was added, in the order of the fields' arrival; the last file is
what it writes now.
"""

import json
from itertools import pairwise
from pathlib import Path

import pytest

from redl.cli import main
from redl.errors import RecordError
from redl.record import SCHEMA, Record
from redl.results.store import KEY
from tests.helpers.saved import save

OLD = sorted(
    (Path(__file__).parent / "old").glob("*.json"), key=lambda path: int(path.stem.partition("-")[0])
)
# What each layout was the first to have, and what stands for it in a record of the one before.
NEW = {
    "2-split": [("data.split", None), ("data.remarks", {}), ("data.duplicates", None)],
    "3-windows": [
        ("energy.train.components.0.windows", None),
        ("energy.train.components.0.short_windows", None),
    ],
    "4-conditions": [("conditions", None)],
    "5-calibration": [
        ("metrics.test.specificity_reached_at_90", None),
        ("metrics.test.ece_if_calibrated", None),
    ],
    "6-attempts": [("earlier_attempts", ())],
    "7-resumed": [("training.resumed_after", ())],
    "8-techniques": [("recipe.recomputing", False), ("recipe.micro_batch", None)],
    "9-parts": [("recipe.trained_part", None), ("recipe.trained_parameters", None)],
    "10-placement": [("placement", None)],
    "11-node": [
        ("conditions.train.node_processors", None),
        ("conditions.train.node_foreign_share", None),
        ("conditions.inference.shared", False),
    ],
}


def at(value, path):
    """Return what lies at a path of names and numbers; an ellipsis where nothing does."""
    for name in path.split("."):
        if isinstance(value, list | tuple):
            value = value[int(name)]
        elif isinstance(value, dict):
            value = value.get(name, ...)
        else:
            value = getattr(value, name)
    return value


def only(value, like):
    """Return what of a value has a place in another."""
    if isinstance(like, dict):
        return {name: only(value[name], part) for name, part in like.items()}
    if isinstance(like, list):
        return [only(one, part) for one, part in zip(value, like, strict=True)]
    return value


def written(record):
    return json.loads(json.dumps(record.to_json()))


def plain_of(path):
    return json.loads(path.read_text())


@pytest.mark.parametrize("path", OLD, ids=lambda path: path.stem)
def test_a_record_of_every_layout_loads_and_says_the_same(path):
    plain = plain_of(path)
    record = Record.from_json(path.read_bytes())
    assert record == Record.from_json(plain)
    assert plain == only(written(record), plain)
    assert "rsna-densenet-baseline-seed1" == record.finished().case.id


@pytest.mark.parametrize(("layout", "before"), [(NEW[new.stem], old) for old, new in pairwise(OLD)])
def test_what_an_older_record_does_not_say_is_none(layout, before):
    for field, stand_in in layout:
        assert ... is at(plain_of(before), field)
        assert stand_in == at(Record.from_json(plain_of(before)), field)


def test_the_newest_layout_is_the_one_that_is_written():
    newest = plain_of(OLD[-1])
    assert newest == written(Record.from_json(newest)), "keep it, and add a file that has the new field"


@pytest.mark.parametrize("path", OLD, ids=lambda path: path.stem)
def test_the_gate_takes_a_baseline_of_every_layout(path, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "old.json", extra=[{"extra_info": {KEY: plain_of(path)}}])
    save(tmp_path / "new.json", extra=[{"extra_info": {KEY: plain_of(OLD[-1])}}])
    assert 0 == main(["compare", "old.json", "new.json", "--fail", "accuracy:0.02", "--fail", "energy:5%"])


def test_a_newer_schema_is_refused_by_name():
    plain = plain_of(OLD[-1]) | {"schema": SCHEMA + 1, "mood": "good"}
    with pytest.raises(
        RecordError, match=f"^record of schema {SCHEMA + 1}: this redl reads up to {SCHEMA}; update redl$"
    ):
        Record.from_json(plain)
