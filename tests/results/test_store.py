"""The store: records from a saved run, and what is no such run."""

import json

import pytest

from redl.errors import RecordError
from redl.results.store import load_run
from redl.study.case import Setting
from tests.helpers.samples import WHOLE, record


def saved(path, *entries):
    path.write_text(json.dumps({"benchmarks": [{"extra_info": entry} for entry in entries]}))
    return path


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.json"


def test_each_case_comes_back_once(path):
    amp = record(Setting.AMP)
    entries = [{"redl": found.to_json()} for found in (WHOLE, WHOLE, amp)]
    assert [WHOLE, amp] == list(load_run(saved(path, *entries)).records.values())


def test_benchmarks_of_others_are_passed_over(path):
    assert [WHOLE] == list(load_run(saved(path, {}, {"redl": WHOLE.to_json()})).records.values())


def test_a_run_without_records_is_refused(path):
    with pytest.raises(RecordError, match=r"run.json: holds no record of redl"):
        load_run(saved(path, {}))


def test_a_missing_file_is_refused(path):
    with pytest.raises(RecordError, match=r"run.json: cannot be read \(FileNotFoundError\)"):
        load_run(path)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"benchmarks": 3}', '{"benchmarks": [{}]}'])
def test_what_is_no_saved_run_is_refused(path, text):
    path.write_text(text)
    with pytest.raises(RecordError, match=r"run.json: not a run saved by pytest-benchmark"):
        load_run(path)


def test_a_damaged_record_is_refused_by_its_field(path):
    with pytest.raises(RecordError, match=r"run.json: record.status: invalid enum value 'fine'"):
        load_run(saved(path, {"redl": WHOLE.to_json() | {"status": "fine"}}))
