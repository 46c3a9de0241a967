"""Times: a tripwire that does not trip over a busy machine's spread."""

import numpy as np
import pytest

from redl.results.gate.times import TRIPWIRE, TimePair, time_changes
from tests.helpers.saved import rules

(RULE,) = rules("train_time_per_image:noise")
SHARE = 0.005


def pairs(ratios):
    return [
        TimePair(rule=RULE, cell=f"cell{number}", seeds=(1,), before=2.0, after=2.0 * ratio)
        for number, ratio in enumerate(ratios)
    ]


def regressed(ratios):
    return [change.cell for change in time_changes(pairs(ratios), SHARE) if change.regressed]


def test_few_cells_have_the_tripwire():
    assert [] == regressed([1.24, 0.9])
    assert ["cell0"] == regressed([1.26, 0.9])


def test_a_machine_that_became_slower_is_found_over_all_cells():
    assert ["all cases"] == regressed(np.random.default_rng(0).uniform(1.26, 1.9, 40))[-1:]


def test_a_busy_machine_seldom_alarms_without_a_cause():
    random = np.random.default_rng(1)
    alarms = sum(bool(regressed(np.exp(random.normal(0, 0.14, 70)))) for _ in range(200))
    assert alarms <= 10  # 5 %; by the tripwire alone nearly all


def test_one_cell_that_doubled_is_found_on_a_quiet_machine():
    ratios = np.exp(np.random.default_rng(2).normal(0, 0.02, 70))
    ratios[3] = 2.0
    assert ["cell3"] == regressed(ratios)


def test_all_cells_together_are_compared_by_the_median_ratio():
    *_, whole = time_changes(pairs([1.0, 1.1, 9.0]), SHARE)
    assert (3, pytest.approx(1.1)) == (whole.cells, whole.after / whole.before)
    assert pytest.approx(TRIPWIRE) == whole.allowed / whole.before
