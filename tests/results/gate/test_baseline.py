"""Baselines: set by a command, refused where they were changed otherwise, and found by name."""

import json
import os

import pytest

from redl.errors import OptionError, RecordError
from redl.results.gate.baseline import baselines, find_baseline, find_run, load_base, set_baseline
from tests.helpers.changes import replace
from tests.helpers.samples import broken
from tests.helpers.saved import finished, save, selected


@pytest.fixture
def reports(tmp_path):
    return tmp_path / "reports"


@pytest.fixture
def run(reports):
    return save(reports / "Linux-CPython" / "0003_main.json", finished())


def test_a_baseline_is_the_run_that_was_set(reports, run):
    moved = set_baseline(run, reports)
    assert (None, 1) == (moved.before, moved.after)
    assert moved.path == find_baseline("smoke", reports) == find_run("smoke", reports)
    assert run.read_bytes() == moved.path.read_bytes()
    assert ["rsna-densenet-baseline-seed1"] == list(load_base(moved.path).records)
    assert [moved.path] == list(baselines(reports))


def test_setting_a_baseline_reports_what_it_was(reports, run):
    set_baseline(run, reports)
    two = save(reports / "Linux-CPython" / "0004_main.json", finished(), finished("amp"))
    moved = set_baseline(two, reports)
    assert (1, 2) == (moved.before, moved.after)


def test_a_baseline_may_have_another_name_than_its_profile(reports, run):
    set_baseline(run, reports, "main-h100")
    assert find_run("main-h100", reports) == find_baseline("main-h100", reports)


def test_a_baseline_that_was_changed_is_refused(reports, run):
    path = set_baseline(run, reports).path
    path.write_bytes(path.read_bytes().replace(b"0.9", b"0.1"))
    with pytest.raises(RecordError, match=r"smoke.json: was changed since it was set; set it anew"):
        load_base(path)


def test_a_pipe_in_place_of_a_baseline_is_refused_and_not_waited_for(reports, run):
    set_baseline(run, reports)
    path = find_baseline("smoke", reports)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(RecordError, match=r"not a file; set it by `redl baseline set RUN`"):
        load_base(path)


def test_a_baseline_without_checksum_is_refused(reports, run):
    path = set_baseline(run, reports).path
    path.with_suffix(".sha256").unlink()
    with pytest.raises(RecordError, match=r"smoke.json: has no checksum beside it"):
        load_base(path)


def test_no_baseline_is_one_line_that_says_how_to_set_one(reports):
    with pytest.raises(OptionError, match=r"no baseline smoke in .*; set one by `redl baseline set RUN`"):
        find_baseline("smoke", reports)


@pytest.mark.parametrize(
    ("records", "whole", "message"),
    [
        ([broken()], {}, "rsna-densenet-amp-seed1 did not finish"),
        (
            [finished()],
            selected(["rsna-densenet-baseline-seed1", "rsna-swin-amp-seed1"]),
            "rsna-swin-amp-seed1 did",
        ),
        ([], {}, "has no record of redl"),
    ],
)
def test_a_run_that_is_not_whole_leaves_the_old_baseline(reports, run, records, whole, message):
    before = set_baseline(run, reports).path.read_bytes()
    other = save(reports / "Linux-CPython" / "0005_bad.json", *records, **whole)
    with pytest.raises((OptionError, RecordError), match=message):
        set_baseline(other, reports)
    assert before == find_baseline("smoke", reports).read_bytes()
    assert load_base(find_baseline("smoke", reports)).records


def test_a_run_of_two_profiles_is_refused(reports):

    tiny = finished()
    tiny = replace(tiny, case=replace(tiny.case, profile="tiny", seed=2))
    with pytest.raises(OptionError, match="has cases of smoke and tiny; save a run of one profile"):
        set_baseline(save(reports / "x" / "0001_a.json", finished(), tiny), reports)


@pytest.mark.parametrize("name", ["0003", "a/b", "..", "", "-x", "<script>"])
def test_a_name_that_could_not_be_found_again_is_refused(reports, run, name):
    with pytest.raises(OptionError, match="a baseline called"):
        set_baseline(run, reports, name or " ")


def test_a_saved_run_is_found_by_number_name_and_file(reports, run):
    assert run == find_run("3", reports) == find_run("0003", reports) == find_run("main", reports)
    assert run == find_run(str(run), reports)


@pytest.mark.parametrize("text", ["4", "other", "../0003_main.json", "*", "benchmarks"])
def test_a_run_that_is_not_there_is_refused(reports, run, text):
    with pytest.raises(OptionError, match="no such file, baseline or saved run"):
        find_run(text, reports)


def test_two_runs_of_one_name_are_distinguished_by_their_files(reports, run):
    save(reports / "Darwin-CPython" / "0003_main.json", finished())
    with pytest.raises(OptionError, match=r"more than one saved run \(Darwin.*, Linux.*\); name the file"):
        find_run("3", reports)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"benchmarks": []}', '{"benchmarks": [{"extra_info": {}}]}']
)
def test_an_empty_or_corrupt_run_cannot_be_compared_with(tmp_path, text):
    path = tmp_path / "run.json"
    path.write_text(text)
    with pytest.raises(RecordError, match=r"run.json: (not a run saved|has no record)"):
        load_base(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": 99}, "schema 99: this redl reads up to 1; update redl"),
        ({"parameters": "NaN"}, "parameters"),
    ],
)
def test_a_newer_or_damaged_record_cannot_be_compared_with(tmp_path, change, message):
    path = save(tmp_path / "run.json")
    entry = {"extra_info": {"redl": finished().to_json() | change}}
    path.write_text(json.dumps({"benchmarks": [entry]}))
    with pytest.raises(RecordError, match=message):
        load_base(path)


def test_a_nan_in_the_file_cannot_be_compared_with(tmp_path):
    path = save(tmp_path / "run.json", finished())
    path.write_text(path.read_text().replace("0.95", "NaN", 1))
    with pytest.raises(RecordError, match="not a run saved by pytest-benchmark"):
        load_base(path)
