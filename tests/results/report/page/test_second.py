"""The second run: what changed against it."""

from redl.results.report.page.second import second_of
from tests.helpers.changes import replace
from tests.helpers.saved import finished, run_of


def second(before, after, tmp_path):
    return second_of(run_of(before, name="before.json"), {after.case.id: after}, {}, tmp_path)


def test_a_change_has_the_figures_of_both_runs(tmp_path):
    found = second(finished(peak=10**9), finished(peak=2 * 10**9), tmp_path)
    (change,) = [one for one in found.changes if one.figure.name == "peak_memory"]
    assert (10**9, 2 * 10**9, True) == (change.before, change.after, change.regressed)


def test_cases_that_cannot_be_compared_are_named(tmp_path):
    other = replace(finished(), environment={"cpu": "another processor"})
    found = second(finished(), other, tmp_path)
    assert [] == [fault for fault in found.faults if "rsna-densenet-baseline" not in fault]
    assert found.faults


def test_the_run_that_was_compared_with_is_named(tmp_path):
    assert "before.json" == second(finished(), finished(), tmp_path).name


def test_a_reference_that_cannot_be_read_is_said(tmp_path):
    (tmp_path / "reference").mkdir()
    (tmp_path / "reference" / "smoke.json").write_text("[]")
    assert "not compared" in second(finished(), finished(), tmp_path).summary
