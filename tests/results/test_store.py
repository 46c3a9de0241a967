"""The store: records from a saved run, and what is no such run."""

import json

import pytest

from redl.errors import RecordError
from redl.results.store import load_records
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
    assert [WHOLE, amp] == load_records(saved(path, *entries))


def test_benchmarks_of_others_are_passed_over(path):
    assert [WHOLE] == load_records(saved(path, {}, {"redl": WHOLE.to_json()}))


def test_a_run_without_records_is_refused(path):
    with pytest.raises(RecordError, match=r"run.json: holds no record of redl"):
        load_records(saved(path, {}))


def test_a_missing_file_is_refused(path):
    with pytest.raises(RecordError, match=r"run.json: cannot be read \(FileNotFoundError\)"):
        load_records(path)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"benchmarks": 3}', '{"benchmarks": [{}]}'])
def test_what_is_no_saved_run_is_refused(path, text):
    path.write_text(text)
    with pytest.raises(RecordError, match=r"run.json: not a run saved by pytest-benchmark"):
        load_records(path)


def test_a_damaged_record_is_refused_by_its_field(path):
    with pytest.raises(RecordError, match=r"run.json: record.status: 'fine' is no Status"):
        load_records(saved(path, {"redl": WHOLE.to_json() | {"status": "fine"}}))
