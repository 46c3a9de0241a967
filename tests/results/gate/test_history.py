"""History: a figure over saved runs, where it steps, and where runs cannot be compared."""

import pytest

from redl.errors import OptionError, RecordError
from redl.results.gate.history import Step, history_of, load_history
from tests.helpers.changes import replace
from tests.helpers.samples import WHOLE, broken
from tests.helpers.saved import finished, rules, run_of, save


def steps(*peaks, text="peak_memory:5%"):
    runs = [run_of(finished(peak=peak), name=f"{number:04}_a.json") for number, peak in enumerate(peaks, 1)]
    (series,) = history_of(runs, rules(text)[0], None)
    return [point.step for point in series.points]


def test_a_step_is_marked_once_and_the_level_after_it_is_the_new_one():
    assert [Step.NONE, Step.NONE, Step.WORSE, Step.NONE, Step.BETTER] == steps(100, 102, 120, 121, 100)


def test_small_drift_in_sum_becomes_a_step():
    assert Step.WORSE in steps(100, 102, 104, 106, 108, 110)


def test_a_figure_that_is_not_known_is_no_step():
    assert [Step.NONE] * 3 == steps(100, None, 101)


def test_a_case_that_did_not_finish_has_no_figure_and_is_no_step():
    runs = [run_of(finished("amp")), run_of(broken()), run_of(finished("amp"))]
    (series,) = history_of(runs, rules("diverged:0")[0], None)
    assert [(0.0, Step.NONE), (None, Step.NONE), (0.0, Step.NONE)] == [
        (point.value, point.step) for point in series.points
    ]


def test_other_data_start_anew():
    other = finished(peak=200, data=replace(WHOLE.data, fingerprint="f" * 64))
    runs = [run_of(finished(peak=100)), run_of(other), run_of(other)]
    (series,) = history_of(runs, rules("peak_memory:5%")[0], None)
    assert [Step.NONE, Step.OTHER, Step.NONE] == [point.step for point in series.points]
    assert "saw other data than the baseline" == series.points[1].reason


def test_each_cell_has_its_series_and_a_selector_leaves_some_out():
    runs = [run_of(finished(), finished("amp"), finished("amp", seed=2))] * 2
    assert ["rsna-densenet-baseline", "rsna-densenet-amp"] == [
        series.cell for series in history_of(runs, rules("accuracy:0.02")[0], None)
    ]
    assert ["rsna-densenet-amp"] == [s.cell for s in history_of(runs, rules("amp/accuracy:0.02")[0], None)]


def test_noise_that_nobody_measured_is_no_measure_of_steps():
    with pytest.raises(RecordError, match="it has no reference"):
        history_of([run_of(finished()), run_of(finished())], rules("accuracy:noise")[0], None)


def test_saved_runs_come_in_the_order_of_their_numbers_and_damaged_ones_are_reported(tmp_path):
    for number in (10, 2):
        save(tmp_path / "Linux" / f"{number:04}_a.json", finished())
    (tmp_path / "Linux" / "0003_b.json").write_text("{")
    (tmp_path / "paper").mkdir()
    (tmp_path / "paper" / "table1.json").write_text("[]")
    runs, faults = load_history(tmp_path)
    assert ["0002_a.json", "0010_a.json"] == [run.name for run in runs]
    assert 1 == len(faults)
    assert "0003_b.json: not a run saved by pytest-benchmark" in faults[0]


def test_no_saved_run_is_one_line(tmp_path):
    with pytest.raises(OptionError, match="has no saved run; save one by `pytest benchmarks`"):
        load_history(tmp_path)
