"""Narrow tables: they fit 80 columns, with the figures of the wide ones."""

import re

import pytest

from redl.results.checks import check_case
from redl.results.tables import tables
from redl.study.profile import SMOKE
from tests.helpers.changes import replace
from tests.helpers.samples import broken
from tests.helpers.saved import finished

SETTINGS = ("baseline", "half+8bit", "8bit+stable")
RECORDS = [finished(setting, seed) for setting in SETTINGS for seed in (1, 2, 100)]


def shown(records, width):
    return tables([check_case(record, SMOKE, None, None) for record in records], width=width)


def rows(text):
    """Return the words of each row of a table."""
    return [re.split(r"\s*│\s*", line.strip("│ ")) for line in text.splitlines() if line.startswith("│")]


@pytest.mark.parametrize("width", [80, 100, 119])
def test_they_fit_the_terminal(width):
    records = [*RECORDS, broken("amp"), replace(finished(), case=replace(finished().case, downsample=4))]
    assert max(map(len, shown(records, width).splitlines())) <= width


def test_figures_are_those_of_the_wide_table():
    wide, narrow = rows(shown(RECORDS, 140)), rows(shown(RECORDS, 80))
    for record in RECORDS:
        case = record.case
        (there,) = (row for row in wide if row[2:4] == [case.setting, str(case.seed)])
        (here,) = (row for row in narrow if row[:2] == [case.setting, str(case.seed)])
        assert [there[5], there[6], there[7], there[8], there[9]] == here[2:]


def test_each_model_on_a_data_set_has_a_heading():
    records = [finished(), finished("amp"), finished(model="vit"), finished(model="mlp")]
    headings = [row[0] for row in rows(shown(records, 80)) if row[0].startswith("rsna")]
    assert ["rsna densenet", "rsna vit", "rsna mlp"] == headings


def test_a_scale_is_in_the_heading():
    small = replace(finished(), case=replace(finished().case, downsample=4))
    assert "rsna densenet, S = 4" in shown([small], 80)


def test_what_is_wrong_with_a_case_is_a_line():
    (line,) = (
        line for line in shown([broken("amp")], 80).splitlines() if line.startswith("rsna-densenet-amp")
    )
    assert line.startswith("rsna-densenet-amp-seed1: ")


def test_means_over_seeds_follow():
    records = [finished(seed=seed, accuracy=0.8 + seed / 100) for seed in (1, 2, 3)]
    assert ["baseline", "0.820 ± 0.010", "0/3"] == rows(shown(records, 80))[-1][:3]


def test_a_wide_terminal_keeps_the_wide_table():
    assert "|W| (M)" in shown(RECORDS, 120)
    assert "|W| (M)" not in shown(RECORDS, 119)
