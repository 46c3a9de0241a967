"""Advice: a sentence for each group, or why there is none."""

import redl
from redl.results.report.page.advice import advice_of
from redl.results.report.page.groups import groups_of
from tests.helpers.samples import ELSEWHERE
from tests.helpers.saved import finished


def test_the_sentence_is_the_one_of_the_tradeoff(example):
    (found,) = advice_of(groups_of(example.records.values()), example.predictions, 0.02)
    (expected,) = redl.Run(example).tradeoff(margin=0.02).recommendations
    assert expected == found.sentence


def test_the_verdicts_are_those_of_the_run(example):
    (found,) = advice_of(groups_of(example.records.values()), example.predictions, 0.02)
    assert redl.Run(example).verdicts(margin=0.02) == list(found.verdicts.values())


def test_without_predictions_the_sentence_says_so():
    (found,) = advice_of(groups_of([finished()]), {}, 0.02)
    assert "predictions were not saved" in found.sentence


def test_costs_on_two_machines_are_not_set_side_by_side():
    (found,) = advice_of(groups_of([finished(), finished("amp", environment=ELSEWHERE)]), {}, 0.02)
    assert [None, None] == [one.train_peak_bytes for one in found.aggregates]


def test_costs_are_known_without_predictions():
    (found,) = advice_of(groups_of([finished(peak=7)]), {}, 0.02)
    assert 7 == found.aggregates[0].train_peak_bytes
