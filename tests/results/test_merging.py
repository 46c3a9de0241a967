"""Merging: what counts of a case that several runs have, and what cannot stand in one run."""

import json
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redl.errors import RecordError
from redl.results.merging import merge
from redl.results.store import FIT_KEY, KEY, PREDICTIONS_KEY, STAMP_KEY, load_run
from tests.helpers.changes import replace
from tests.helpers.samples import WHOLE
from tests.helpers.saved import finished, save, selected

ANSWERS = {"subjects": [3, 7], "labels": [1, 0], "probabilities": [0.9, None]}
BROKEN = {"status": "killed", "reason": "killed", "metrics": None}


def written(path, content):
    path.write_bytes(content)
    return path


def merged(tmp_path, *paths):
    """Return what is merged of runs, read back."""
    return load_run(written(tmp_path / "merged.json", merge(paths).content))


def saying(path, record, **said):
    """Save a record with more beside it."""
    path.write_text(json.dumps({"benchmarks": [{"extra_info": {KEY: record.to_json()} | said}]}))
    return path


def test_records_of_all_runs_are_there(tmp_path):
    first, second = finished(seed=1), finished(seed=2)
    paths = save(tmp_path / "a.json", first), save(tmp_path / "b.json", second)
    assert [first, second] == list(merged(tmp_path, *paths).records.values())


def test_of_equal_answers_the_first_is_kept(tmp_path):
    paths = save(tmp_path / "a.json", finished(peak=1)), save(tmp_path / "b.json", finished(peak=2))
    found = merge(paths)
    assert (finished().case.id,) == found.repeated
    kept = load_run(written(tmp_path / "merged.json", found.content)).records
    assert [1] == [record.memory.train_peak_bytes for record in kept.values()]


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"accuracy": 0.8}, "metrics"),
        ({"recipe": replace(WHOLE.recipe, batch_size=WHOLE.recipe.batch_size + 1)}, "recipes"),
        ({"environment": {**WHOLE.environment, "torch": "0.1"}}, "machines or software"),
        ({"status": "diverged"}, "ends"),
    ],
)
def test_a_contradiction_is_refused_by_its_case_and_files(tmp_path, changes, what):
    paths = save(tmp_path / "a.json", finished()), save(tmp_path / "b.json", finished(**changes))
    message = f"a.json and .*b.json: {finished().case.id} has {what} that differ; leave one out"
    with pytest.raises(RecordError, match=message):
        merge(paths)


@pytest.mark.parametrize(
    ("key", "mine", "theirs"),
    [
        (PREDICTIONS_KEY, ANSWERS, ANSWERS | {"probabilities": [0.8, None]}),
        (STAMP_KEY, {"settings": {"tf32": True}}, {"settings": {"tf32": False}}),
    ],
)
def test_other_answers_or_another_job_are_refused(tmp_path, key, mine, theirs):
    paths = [saying(tmp_path / f"{n}.json", WHOLE, **{key: said}) for n, said in enumerate((mine, theirs))]
    with pytest.raises(RecordError, match="that differ; leave one out"):
        merge(paths)


@pytest.mark.parametrize("order", [1, -1])
def test_a_finished_record_counts_before_a_broken_one(tmp_path, order):
    broken = finished(**BROKEN)
    paths = [save(tmp_path / "a.json", broken), save(tmp_path / "b.json", finished())][::order]
    found = merge(paths)
    assert (broken.case.id,) == found.finished_elsewhere
    kept = load_run(written(tmp_path / "merged.json", found.content)).records
    assert [finished()] == list(kept.values())


def test_runs_of_two_profiles_are_refused(tmp_path):
    other = replace(finished(seed=2), case=replace(WHOLE.case, profile="paper", seed=2))
    paths = save(tmp_path / "a.json", finished()), save(tmp_path / "b.json", other)
    with pytest.raises(RecordError, match=r"b\.json: the profile differs"):
        merge(paths)


@pytest.mark.parametrize("changes", [{"fingerprint": "other"}, {"synthetic": not WHOLE.data.synthetic}])
def test_runs_of_other_data_are_refused(tmp_path, changes):
    other = finished(seed=2, data=replace(WHOLE.data, **changes))
    paths = save(tmp_path / "a.json", finished()), save(tmp_path / "b.json", other)
    with pytest.raises(RecordError, match="merge only runs of the same"):
        merge(paths)


def test_what_no_run_finished_is_still_missing(tmp_path):
    here, there = finished(seed=1), finished(seed=2)
    first = save(tmp_path / "a.json", here, **selected([here.case.id, "lost"], [there.case.id, "left"]))
    second = save(tmp_path / "b.json", there, **selected([there.case.id], ["lost"]))
    found = merged(tmp_path, first, second)
    assert {here.case.id, there.case.id, "lost"} == set(found.collected)
    assert {"left"} == found.deselected


def test_fits_that_differ_are_refused(tmp_path):
    paths = [
        save(
            tmp_path / f"{n}.json",
            finished(seed=n),
            extra=[{"fullname": "test_fit", "extra_info": {FIT_KEY: n}}],
        )
        for n in (1, 2)
    ]
    with pytest.raises(RecordError, match="test_fit has fits that differ"):
        merge(paths)


def test_no_host_is_named_and_only_what_all_machines_share(tmp_path):
    machines = [{"node": "host", "system": "Linux", "cpu": {"count": n, "bits": 64}} for n in (1, 2)]
    paths = [
        save(tmp_path / f"{n}.json", finished(seed=n), machine_info=machine)
        for n, machine in enumerate(machines)
    ]
    saved = json.loads(merge(paths).content)
    assert {"node": "", "system": "Linux", "cpu": {"bits": 64}} == saved["machine_info"]


RUNS = st.lists(st.sets(st.integers(0, 4), min_size=1), min_size=3, max_size=3)


@given(RUNS)
def test_merging_is_associative(tmp_path_factory, seeds):
    folder, paths = saved_runs(tmp_path_factory, seeds)
    left = written(folder / "left.json", merge(paths[:2]).content)
    right = written(folder / "right.json", merge(paths[1:]).content)
    assert merge(paths).content == merge([left, paths[2]]).content
    assert merge(paths).content == merge([paths[0], right]).content


@given(RUNS)
def test_merging_is_idempotent(tmp_path_factory, seeds):
    folder, paths = saved_runs(tmp_path_factory, seeds)
    once = merge(paths).content
    assert once == merge([written(folder / "once.json", once)] * 2).content


@given(RUNS)
def test_the_order_of_files_changes_no_set_of_records(tmp_path_factory, seeds):
    folder, paths = saved_runs(tmp_path_factory, seeds)
    expected = {finished(seed=seed).case.id for found in seeds for seed in found}
    for number, order in enumerate(permutations(paths)):
        path = written(folder / f"order{number}.json", merge(order).content)
        assert expected == set(load_run(path).records)


def saved_runs(tmp_path_factory, seeds):
    """Save a run of each set of seeds, with peaks of its own."""
    folder = tmp_path_factory.mktemp("runs")
    return folder, [
        save(folder / f"{number}.json", *(finished(seed=seed, peak=number + 1) for seed in sorted(found)))
        for number, found in enumerate(seeds)
    ]
