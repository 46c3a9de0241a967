"""The decision of a resume: which cases are taken over, and the reason for each of the others."""

import msgspec
import pytest

from redl.execution.stamp import Stamp
from redl.plugin.resume import NEWEST, Earlier, decide, find_earlier
from redl.results.journal import Entry, Header, Journal
from redl.results.store import KEY, PREDICTIONS_KEY, STAMP_KEY
from tests.helpers.samples import broken
from tests.helpers.saved import finished, save

STAMP = Stamp(settings={"epochs": 6}, data="d", environment={"cpu": "x"})
TIMES = dict.fromkeys(
    ("min", "max", "mean", "stddev", "median", "iqr", "q1", "q3", "ld15iqr", "hd15iqr", "ops", "total"), 1.0
) | {"rounds": 1, "iterations": 1, "iqr_outliers": 0, "stddev_outliers": 0, "outliers": "0;0"}
ANSWERS = {"subjects": [0], "labels": [1], "probabilities": [0.9]}


def entry(record=None, **changes):
    record = record or finished()
    info = {KEY: record.to_json(), PREDICTIONS_KEY: ANSWERS, STAMP_KEY: msgspec.to_builtins(STAMP)}
    info |= changes.pop("info", {})
    case = record.case.id
    whole = {"fullname": f"test_training[{case}]", "extra_info": info, "stats": TIMES} | changes
    return Entry(case=case, benchmark=whole)


def decided(*entries, tests=("test_training",), now=STAMP):
    earlier = Earlier(path=None, entries=entries)
    case = finished().case.id
    return decide(earlier, {case: [f"{test}[{case}]" for test in tests]}, lambda _: now)


def reason(*entries, **options):
    found = decided(*entries, **options)
    assert {} == found.taken
    return found.reasons[finished().case.id]


def test_an_equal_case_is_taken_over_with_all_that_it_found():
    found = decided(entry())
    (taken,) = found.taken.values()
    assert (finished(), 0.9) == (taken.finish(), taken.predictions().probabilities[0])
    assert ({}, 1) == (found.reasons, len(found.kept))
    taken.warm_up()
    taken.train()
    taken.infer()
    assert "1 of 1 cases are taken over from a.json" == found.words("a.json")


@pytest.mark.parametrize(
    ("entries", "options", "expected"),
    [
        ((), {}, "not finished there"),
        ((entry(),), {"tests": ("test_training", "test_inference")}, "a test of it not finished there"),
        ((entry(broken()),), {}, "not finished there"),
        ((entry(info={KEY: {"case": 1}}),), {}, "damaged there"),
        ((entry(stats={"min": "soon"}),), {}, "damaged there"),
        ((entry(info={PREDICTIONS_KEY: {"labels": []}}),), {}, "damaged there"),
        ((entry(),), {"now": msgspec.structs.replace(STAMP, data="e")}, "the data differ"),
        ((entry(),), {"now": msgspec.structs.replace(STAMP, settings={"epochs": 7})}, "epochs differs"),
        ((entry(),), {"now": msgspec.structs.replace(STAMP, environment={})}, "cpu differs"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_other_case_is_run_for_a_reason(entries, options, expected):
    assert expected == reason(*entries, **options)


def test_a_case_that_ended_early_is_run_again():
    ended = msgspec.structs.replace(broken(), case=finished().case)
    assert "ended early there: oom" == reason(entry(ended))


def test_a_run_saved_before_stamps_were_is_no_run_to_take_over():
    one = entry()
    del one.benchmark["extra_info"][STAMP_KEY]
    assert "saved without what a resume compares" == reason(one)


def test_what_had_finished_of_a_case_is_kept_although_it_is_run_again():
    assert 1 == len(decided(entry(), tests=("test_training", "test_inference")).kept)


def test_the_newest_run_is_found_but_no_journal_that_is_still_written(tmp_path):
    folder = tmp_path / "reports" / "Linux"
    assert find_earlier(NEWEST, folder) is None
    saved = save(folder / "0001_a.json", finished())
    assert saved == find_earlier(NEWEST, folder).path
    journal = Journal.create(folder, Header(name="run", run={}), [entry()])
    assert saved == find_earlier(NEWEST, folder).path
    journal.close()
    found = find_earlier(NEWEST, folder)
    assert (journal.path, True) == (found.path, found.intact_journal)
