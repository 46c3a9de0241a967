"""The past: every figure over the runs, or why it cannot be shown."""

from redl.results.report.page.past import RULES, groups_by_cell, past_of
from tests.helpers.saved import finished, run_of

RUNS = [
    run_of(finished(peak=peak), name=f"{number:04}_a.json")
    for number, peak in enumerate((100, 100, 300), start=1)
]


def of(figure, runs=RUNS, **options):
    (found,) = [one for one in past_of(runs, **options) if one.figure == figure]
    return found


def test_a_figure_has_a_point_for_each_run(tmp_path):
    (series,) = of("peak_memory", reports=tmp_path).series
    assert [100, 100, 300] == [point.value for point in series.points]


def test_more_than_noise_is_a_step(tmp_path):
    runs = [run_of(finished(peak=peak * 10**9), name=f"{peak}.json") for peak in (1, 1, 3)]
    (series,) = of("peak_memory", runs, reports=tmp_path).series
    assert ["", "", "worse"] == [point.step for point in series.points]


def test_without_a_reference_a_number_decides_and_the_reason_is_kept(tmp_path):
    found = of("accuracy", reports=tmp_path)
    assert "accuracy:0.02" == found.rule
    assert found.problem


def test_a_figure_that_no_rule_can_judge_has_no_series(tmp_path, monkeypatch):
    monkeypatch.setattr("redl.results.report.page.past.RULES", (("accuracy:noise",),))
    found = of("accuracy", reports=tmp_path)
    assert (None, ()) == (found.rule, found.series)
    assert found.problem


def test_no_runs_have_no_past(tmp_path):
    assert [] == past_of([], tmp_path)


def test_every_figure_comes_once():
    assert len(RULES) == len({rules[0].split(":")[0] for rules in RULES})


def test_a_cell_has_the_group_and_setting_of_its_cases():
    assert {"rsna-densenet-baseline": ("densenet on rsna, smoke profile", "baseline")} == groups_by_cell(RUNS)
