"""A thousand damaged reports: none ends in a traceback, none whose structure is broken passes the gate."""

import copy
import json
import random

import pytest

from redl.cli import main
from redl.record.schema import schema
from redl.results.gate.comparison import Outcome
from tests.helpers.saved import finished, save, selected

IDS = ["rsna-densenet-baseline-seed1", "rsna-densenet-amp-seed1"]


@pytest.fixture
def base(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return save(tmp_path / "base.json", finished(), finished("amp"), **selected(IDS))


def places(value, path=()):
    """Yield where every field of a JSON value is."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield (*path, key)
            yield from places(item, (*path, key))
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from places(item, (*path, index))


def status_of(base, text):
    """Compare a report's bytes with the base, as the command does."""
    path = base.parent / "mutated.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return main(["compare", str(base), str(path), "--fail", "accuracy:0.02", "--fail", "peak_memory:5%"])


def test_the_whole_report_passes(base, capsys):
    assert Outcome.FINE == status_of(base, base.read_text())


@pytest.mark.slow
def test_damaged_bytes_end_in_one_of_three_ways(base, capsys):
    chance, whole = random.Random(1), base.read_bytes()
    for _ in range(700):
        text = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            start = chance.randrange(len(text))
            match chance.randrange(3):
                case 0:
                    text[start] = chance.randrange(256)
                case 1:
                    del text[start : start + chance.randint(1, 40)]
                case _:
                    text[start:start] = chance.randbytes(3)
        assert status_of(base, bytes(text)) in list(Outcome)


def test_a_report_cut_short_is_not_comparable(base, capsys):
    whole = base.read_bytes()
    for length in range(0, len(whole), len(whole) // 100):
        assert Outcome.NOT_COMPARABLE == status_of(base, whole[:length])


def test_a_record_without_one_of_its_fields_is_not_comparable(base, capsys):
    whole = json.loads(base.read_text())
    record = whole["benchmarks"][0]["extra_info"]["redl"]
    # What is in these dictionaries is free.
    free = ("environment", "overrides", "options", "optimizer_state_bits")
    fields = [place for place in places(record) if not set(place[:-1]) & set(free)]
    # What older records do not say.
    parts = [part for part in schema()["$defs"].values() if "properties" in part]
    new = {name for part in parts for name in set(part["properties"]) - set(part["required"])}
    fields = [place for place in fields if isinstance(place[-1], str) and place[-1] not in new]
    assert len(fields) > 100
    for place in fields:
        broken = copy.deepcopy(whole)
        holder = broken["benchmarks"][0]["extra_info"]["redl"]
        for key in place[:-1]:
            holder = holder[key]
        del holder[place[-1]]
        assert Outcome.NOT_COMPARABLE == status_of(base, json.dumps(broken)), place


@pytest.mark.parametrize("value", [[], {}, "NaN", True, [None]])
def test_a_field_of_another_kind_is_not_comparable(base, capsys, value):
    whole = json.loads(base.read_text())
    record = whole["benchmarks"][0]["extra_info"]["redl"]
    for name, section in record.items():
        if type(section) is type(value) or (value is True and isinstance(section, bool)):
            continue
        broken = copy.deepcopy(whole)
        broken["benchmarks"][0]["extra_info"]["redl"][name] = value
        if (name, value) == ("reason", "NaN"):
            continue  # any text is a reason
        assert Outcome.NOT_COMPARABLE == status_of(base, json.dumps(broken)), name
