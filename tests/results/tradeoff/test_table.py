"""The trade-off laid out: every figure with its unit, its reason and its meaning."""

import json

from redl.results.arms import arms_of, pairs_of
from redl.results.metric import Metric
from redl.results.noninferiority.verdict import verdicts
from redl.results.tradeoff.adjusted import Plan
from redl.results.tradeoff.table import to_json, tradeoff_tables
from redl.results.tradeoff.tradeoff import tradeoffs
from tests.helpers.changes import replace
from tests.helpers.samples import broken
from tests.helpers.savings import arms, run_of


def weighed(made, **plan):
    found = tradeoffs(made, metric=Metric.ACCURACY, plan=Plan(**plan), draws=100)
    return found, verdicts(pairs_of(made), margin=0.02, metric=Metric.ACCURACY)


def laid_out(width=160, plan=None, **settings):
    return tradeoff_tables(*weighed(arms(**({"baseline": {}} | settings)), **(plan or {})), width=width)


def rows(text, setting):
    """Return the cells of all tables' rows of a setting."""
    lines = [line for line in text.splitlines() if line.startswith(f"│ {setting} ")]
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines]


def test_a_row_has_what_a_setting_scores_and_costs():
    expected = [
        "amp",
        "non-inferior",
        "0.900",
        "300",
        "10.0",
        "2.00",
        "100.000",
        "yes (1.00)",
        "0.233",
        "energy, memory",
    ]
    assert expected == rows(laid_out(amp={"wh": 2.0, "memory": 300_000_000}), "amp")[0]


def test_another_has_what_it_is_worth_against_the_baseline():
    text = laid_out(amp={"wh": 2.0}, plan={"lambdas_wh": (1.0, 1000.0)})
    assert ["amp", "+0.0", "-100.200", "+100 (1.00)", "+0.1 (1.00)"] == rows(text, "amp")[1]


def test_the_baseline_is_not_set_against_itself():
    scores, pepr = rows(laid_out(amp={}), "baseline")
    assert ("is the baseline", 4) == (scores[1], len(pepr))


def test_scores_per_resource_unit_stand_below_with_their_interval():
    text = laid_out(amp={"wh": 2.0})
    assert "Performance per resource unit, within these 2 settings" in text
    *_, pepr = rows(text, "amp")
    assert pepr[1].startswith("0.900 (0.")
    assert ["-", "-"] == pepr[2:]  # time and memory are equal


def test_estimates_are_marked():
    text = laid_out(baseline={"kind": "estimated"}, amp={"kind": "estimated", "wh": 2.0})
    scores, worth, _ = rows(text, "amp")
    assert ["~2.00", "~100.000", "~-100.200"] == [scores[5], scores[6], worth[2]]


def test_what_is_not_known_is_a_dash_with_its_reason_below():
    text = laid_out(amp={"wh": None})
    scores, worth, _ = rows(text, "amp")
    assert ["-", "-"] == scores[5:7]
    assert ["-"] * 7 == worth[2:]
    assert "note: energy is not compared: amp: seed 1 has no figure" in text
    assert "note: amp has no INB: amp, energy: seed 1 has no figure" in text


def test_what_is_left_out_is_dashes_with_its_reason_below():
    records, predictions = run_of(baseline={}, amp={})
    del predictions[records[-1].case.id]
    records[-1] = replace(broken(), case=records[-1].case)
    text = tradeoff_tables(*weighed(arms_of(records, predictions)), width=160)
    (scores,) = rows(text, "amp")
    assert ["inconclusive, 1/5 diverged", "-*", *["-"] * 7] == scores[1:]
    assert "note: amp is left out: 1 of 5 seeds did not finish" in text


def test_a_diverged_setting_is_starred():
    assert "0.900*" == rows(laid_out(amp={"diverged": True}), "amp")[0][2]


def test_the_title_names_data_profile_patients_and_seeds():
    title = laid_out(amp={}).splitlines()[0].strip()
    assert (
        "Trade-off of densenet on rsna, smoke profile, phantom images, 240 patients, seeds 1, 2, 3, 4, 5"
        == title
    )


def test_net_benefit_stands_beside_treating_all_and_none():
    assert "note: NB of treating 240 patients: all -0.333, none 0.000" in laid_out(amp={})


def test_only_one_seed_is_warned_of():
    made = arms(seeds=(1,), baseline={}, amp={})
    assert "note: only one seed: the draws" in tradeoff_tables(*weighed(made), width=160)
    assert "note: only one seed" not in laid_out(amp={})


def test_the_legend_says_what_the_cut_is():
    assert "a probability above t = 0.5, accuracy's cut." in laid_out(amp={})
    assert "a probability above t = 0.2." in laid_out(amp={}, plan={"threshold": 0.2})


def test_the_sentence_is_one_line_at_any_width():
    assert any(
        line.startswith("For densenet on rsna") and line.endswith("5 seeds.")
        for line in laid_out(width=120, amp={"wh": 2.0}).splitlines()
    )


def test_nothing_is_cut_at_the_narrowest_width():
    costly = {"wh": 104.321, "memory": 12_345_000_000, "seconds": 12_345.6}
    sparing = {"wh": 1.0, "memory": 1_000_000, "seconds": 1.0}
    text = laid_out(
        width=120, baseline=costly, amp_eight_bit={"diverged": True, **sparing}, half_eight_bit=sparing
    )
    assert "…" not in text
    lines = [line for line in text.splitlines() if line.startswith(("┏", "┃", "┡", "│", "└"))]
    assert set("┓┃┩│┘") == {line[-1] for line in lines}  # or its last column would be cut


def test_the_json_is_strict_and_has_verdicts_and_recommendation():
    found, judged = weighed(arms(baseline={}, amp={"wh": None}))
    (words,) = json.loads(to_json(found, judged), parse_constant=lambda name: 1 / 0)
    assert ["baseline", "amp"] == [each["setting"] for each in words["summaries"]]
    assert None is words["summaries"][1]["train_wh"]
    assert "amp: seed 1 has no figure (cpu missing)" == words["not_compared"]["energy"]
    assert ["non-inferior"] == [each["outcome"] for each in words["verdicts"]]
    assert "baseline" == words["recommended"]
    assert words["recommendation"].startswith("For densenet on rsna")
