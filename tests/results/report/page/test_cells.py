"""Cells: figures over seeds."""

from redl.results.report.page.cells import cells_of
from tests.helpers.changes import replace
from tests.helpers.samples import ELSEWHERE, broken
from tests.helpers.saved import finished

ACCURACY, MEMORY = "metrics.test.accuracy", "memory.train_peak_bytes"


def test_a_score_is_a_mean_with_its_lowest_and_highest_seed():
    (cell,) = cells_of([finished(seed=1, accuracy=0.5), finished(seed=2, accuracy=1.0)])
    found = cell.scores[ACCURACY]
    assert (0.75, 0.5, 1.0) == (found.mean, found.low, found.high)


def test_memory_is_the_largest_of_the_seeds():
    (cell,) = cells_of([finished(seed=1, peak=10), finished(seed=2, peak=30)])
    assert 30 == cell.costs[MEMORY]


def test_a_group_that_ran_on_two_machines_has_scores_and_no_costs():
    found = cells_of([finished(), finished("amp", environment=ELSEWHERE), finished(model="mlp", peak=7)])
    assert [None, None, 7] == [cell.costs[MEMORY] for cell in found]
    assert [0.9] * 3 == [cell.scores[ACCURACY].mean for cell in found]


def test_a_score_that_a_seed_lacks_is_no_mean_of_the_others():
    lacking = finished(seed=2)
    scores = replace(lacking.metrics.test, accuracy=None)
    lacking = replace(lacking, metrics=replace(lacking.metrics, test=scores))
    (cell,) = cells_of([finished(seed=1), lacking])
    assert cell.scores[ACCURACY] is None


def test_a_seed_that_did_not_finish_is_not_counted():
    (cell,) = cells_of([finished(setting="amp", seed=2), broken(setting="amp")])
    assert 1 == cell.seeds


def test_a_cell_in_which_nothing_finished_has_no_figures():
    (cell,) = cells_of([broken()])
    assert (None, None) == (cell.scores[ACCURACY], cell.costs[MEMORY])
