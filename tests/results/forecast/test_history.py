"""History: which records of saved runs count, and which do not."""

import pytest

from redl.errors import RecordError
from redl.results.forecast.history import is_of, read_history, sort_asked, sort_of
from redl.study.profile import SMOKE
from tests.helpers.changes import replace
from tests.helpers.forecasts import HERE, options, timed
from tests.helpers.samples import broken
from tests.helpers.saved import save


@pytest.mark.parametrize("entry", ["cpu", "usable_cores", "platform", "gpu", "torch"])
def test_a_record_of_another_machine_is_left_out(tmp_path, entry):
    other = timed(environment=HERE | {entry: "another"})
    found = read_history([save(tmp_path / "a.json", timed(seed=2), other)], HERE)
    assert ([2], 1) == ([one.case.seed for one in found.records], found.elsewhere)


def test_the_build_of_torch_is_not_another_version():
    assert is_of(timed(environment=HERE | {"torch": "2.9.0+cpu"}), HERE | {"torch": "2.9.0"})


def test_a_record_that_names_no_machine_is_of_none():
    assert not is_of(broken(), HERE)


def test_a_case_that_ended_early_tells_no_time(tmp_path):
    early = replace(timed(seed=2), inference=None)
    found = read_history([save(tmp_path / "a.json", timed(), early)], HERE)
    assert ([1], 1) == ([one.case.seed for one in found.records], found.early)


def test_a_record_that_is_in_two_runs_counts_once(tmp_path):
    paths = [save(tmp_path / name, timed()) for name in ("a.json", "b.json")]
    assert 1 == len(read_history(paths, HERE).records)


def test_a_damaged_run_among_all_is_counted(tmp_path):
    damaged = tmp_path / "b.json"
    damaged.write_text("{")
    found = read_history([save(tmp_path / "a.json", timed()), damaged], HERE)
    assert (1, 1) == (found.runs, found.unreadable)


def test_a_damaged_run_that_was_named_is_refused(tmp_path):
    damaged = tmp_path / "b.json"
    damaged.write_text("{")
    with pytest.raises(RecordError, match=r"b\.json: not a run"):
        read_history([damaged], HERE, named=True)


def test_a_case_is_of_the_sort_that_it_was_planned_as():
    assert sort_asked(timed().case, options()) == sort_of(timed())


@pytest.mark.parametrize(
    "change", [{"tf32": True}, {"plain": True}, {"profile": replace(SMOKE, image_size=64)}]
)
def test_a_case_of_other_options_is_of_another_sort(change):
    assert sort_asked(timed().case, replace(options(), **change)) != sort_of(timed())


def test_a_profile_that_is_not_known_here_makes_no_sort():
    assert sort_of(timed(profile="later")) is None
