"""The store: records from a saved run, and what is no such run."""

import json
import os

import pytest

from redl.errors import RecordError
from redl.record import Predictions, Record, Status
from redl.results.store import DEPLOYMENT_KEY, load_run, merged
from redl.study.case import Setting
from tests.helpers.deployments import deployment
from tests.helpers.samples import WHOLE, record
from tests.helpers.saved import finished, run_of, save


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


def test_deployments_come_back_in_their_order(path):
    given = [deployment("torch"), deployment("onnx")]
    entries = [{"redl": WHOLE.to_json(), DEPLOYMENT_KEY: one.to_json()} for one in given]
    assert tuple(given) == load_run(saved(path, {"redl": WHOLE.to_json()}, *entries)).deployments


def test_a_deployment_that_breaks_its_schema_is_refused_where_it_is_read(path):
    broken = deployment().to_json() | {"threads": 0}
    run = load_run(saved(path, {"redl": WHOLE.to_json(), DEPLOYMENT_KEY: broken}))
    with pytest.raises(RecordError, match=r"run.json: deployment.threads: "):
        _ = run.deployments


def test_a_deployment_that_is_there_twice_is_refused(path):
    text = json.dumps({"redl": WHOLE.to_json(), DEPLOYMENT_KEY: deployment().to_json()})
    twice = f'{text[:-1]}, "{DEPLOYMENT_KEY}": {json.dumps(deployment("torch").to_json())}}}'
    path.write_text(f'{{"benchmarks": [{{"extra_info": {twice}}}]}}')
    with pytest.raises(RecordError, match="redl_deployment occurs twice"):
        load_run(path)


def test_benchmarks_of_others_are_passed_over(path):
    assert [WHOLE] == list(load_run(saved(path, {}, {"redl": WHOLE.to_json()})).records.values())


def test_a_run_without_records_is_refused(path):
    with pytest.raises(RecordError, match=r"run.json: has no record of redl"):
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


ANSWERS = {"subjects": [3, 7], "labels": [1, 0], "probabilities": [0.9, None]}


def test_predictions_come_with_their_run_by_the_case(path):
    plain = {"redl": WHOLE.to_json()}
    run = load_run(saved(path, plain | {"redl_predictions": ANSWERS}, plain))
    assert {WHOLE.case.id: Predictions.from_json(ANSWERS)} == run.predictions


def test_predictions_are_read_only_when_they_are_used(path):
    damaged = ANSWERS | {"labels": [1, 2]}
    run = load_run(saved(path, {"redl": WHOLE.to_json(), "redl_predictions": damaged}))
    assert [WHOLE] == list(run.records.values())
    with pytest.raises(RecordError, match=r"run.json: predictions.labels: a label is 0 or 1"):
        _ = run.predictions


def test_two_records_of_a_case_that_differ_are_refused(path):
    other = WHOLE.to_json() | {"parameters": 1}
    with pytest.raises(RecordError, match=r"run\.json: \S+ has two records that differ; leave one"):
        load_run(saved(path, {"redl": WHOLE.to_json()}, {"redl": other}))


@pytest.mark.parametrize("last", [True, False])
def test_a_case_that_broke_after_it_had_a_record_is_broken(path, last):
    broken = Record(status=Status.KILLED, reason="killed", warnings=(), case=WHOLE.case)
    entries = [{"redl": one.to_json()} for one in (WHOLE, broken)]
    run = load_run(saved(path, *(entries if last else entries[::-1])))
    assert {WHOLE.case.id: broken} == run.records


def test_two_ends_of_a_broken_case_that_differ_are_refused(path):
    ends = [
        Record(status=status, reason="ended", warnings=(), case=WHOLE.case)
        for status in (Status.KILLED, Status.OOM)
    ]
    with pytest.raises(RecordError, match=r"run\.json: \S+ has two records that differ; leave one"):
        load_run(saved(path, *({"redl": end.to_json()} for end in ends)))


def test_records_keep_the_order_of_the_file(path):
    other = record(Setting.AMP)
    broken = Record(status=Status.KILLED, reason="killed", warnings=(), case=WHOLE.case)
    run = load_run(saved(path, *({"redl": one.to_json()} for one in (broken, other))))
    assert [WHOLE.case.id, other.case.id] == list(run.records)


def test_answers_of_a_case_that_differ_are_refused(path):
    plain = {"redl": WHOLE.to_json()}
    other = ANSWERS | {"labels": ANSWERS["labels"][::-1]}
    with pytest.raises(RecordError, match=r"run\.json: \S+ has two sets of answers that differ"):
        load_run(saved(path, *(plain | {"redl_predictions": one} for one in (ANSWERS, other))))


def test_a_record_that_was_saved_twice_is_one(path):
    plain = {"redl": WHOLE.to_json(), "redl_predictions": ANSWERS}
    assert [WHOLE] == list(load_run(saved(path, plain, plain)).records.values())


def with_selection(path, selection):
    saved(path, {"redl": WHOLE.to_json()})
    path.write_text(json.dumps(json.loads(path.read_text()) | {"redl": selection}))
    return path


def test_a_run_says_which_cases_were_to_run(path):
    run = load_run(with_selection(path, {"collected": ["a", "b"], "deselected": ["c"]}))
    assert (("a", "b"), {"c"}) == (run.collected, run.deselected)


def test_a_run_that_does_not_say_it_was_to_run_what_it_has(path):
    run = load_run(with_selection(path, None))
    assert ((WHOLE.case.id,), frozenset()) == (run.collected, run.deselected)


@pytest.mark.parametrize(
    "selection",
    [3, [], {}, {"collected": []}, {"deselected": []}, {"collected": [1], "deselected": []}],
)
def test_a_damaged_selection_is_refused(path, selection):
    with pytest.raises(RecordError, match=r"run.json: `redl` does not say which cases were to run"):
        load_run(with_selection(path, selection))


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('{"benchmarks":', '{"benchmarks": [], "benchmarks":', "benchmarks"),
        ('{"extra_info":', '{"extra_info": {}, "extra_info":', "extra_info"),
        ('{"redl":', '{"redl": null, "redl":', "redl"),
        ('{"redl":', r'{"red\u006c": null, "redl":', "redl"),
        ('"accuracy":', '"accuracy": 1.0, "accuracy":', "accuracy"),
    ],
)
def test_a_run_that_says_a_thing_twice_is_refused(tmp_path, old, new, key):
    path = save(tmp_path / "run.json", WHOLE)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(
        RecordError, match=rf"run\.json: (record: )?{key} occurs twice in an object; keep one"
    ):
        load_run(path)


def test_a_run_of_endless_depth_is_refused(tmp_path):
    path = tmp_path / "run.json"
    path.write_text('{"benchmarks": ' + "[" * 100_000)
    with pytest.raises(RecordError, match=r"run\.json: not a run saved by pytest-benchmark"):
        load_run(path)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "run.json")
    with pytest.raises(RecordError, match=r"run\.json: cannot be read"):
        load_run(tmp_path / "run.json")


# Several runs


def test_runs_are_merged_by_cases():
    records, _ = merged([run_of(finished(seed=1)), run_of(finished(seed=2))])
    assert ["rsna-densenet-baseline-seed1", "rsna-densenet-baseline-seed2"] == list(records)


def test_the_same_record_in_two_runs_is_one():
    records, _ = merged([run_of(finished()), run_of(finished())])
    assert 1 == len(records)


def test_differing_records_in_two_runs_are_refused():
    with pytest.raises(RecordError, match=r"b\.json: has another record of"):
        merged([run_of(finished()), run_of(finished(accuracy=0.1), name="b.json")])
