"""The trade-off laid out: every figure with its unit, its reason and its meaning."""

import json

from redl.results.arms import arms_of, pairs_of
from redl.results.metric import Metric
from redl.results.noninferiority.verdict import verdicts
from redl.results.tradeoff.error_costs import ErrorCosts
from redl.results.tradeoff.plan import Plan
from redl.results.tradeoff.price import Price
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


def row(text, title, setting):
    """Return the cells of a setting in the table of a title, None if it has no row there."""
    lines = iter(text.splitlines())
    assert any(line.startswith(title) for line in lines), f"no table {title}"
    for line in lines:
        if line.startswith("└"):
            return None
        if line.startswith(f"│ {setting} "):
            return [cell.strip() for cell in line.strip("│").split("│")]
    return None


def test_a_row_has_what_a_setting_scores_and_costs():
    expected = ["amp", "non-inferior", "0.900", "300", "10.0", "2.00", "100.000", "yes (1.00)"]
    assert expected == row(laid_out(amp={"wh": 2.0, "memory": 300_000_000}), "Scores and costs", "amp")


def test_another_has_what_training_saves_and_what_it_does_not():
    text = laid_out(amp={"wh": 2.0, "memory": 500_000_000})
    assert ["amp", "saved: -50 %", "more: +25 %", "the same"] == row(text, "Training against", "amp")


def test_a_change_that_seeds_turn_is_not_shown_and_has_its_interval():
    records, predictions = run_of(baseline={}, amp={})
    varied = [
        replace(one, training=replace(one.training, seconds_to_stop=10.0 + (-1) ** one.case.seed))
        if one.case.setting == "amp"
        else one
        for one in records
    ]
    text = tradeoff_tables(*weighed(arms_of(varied, predictions)), width=160)
    assert "not shown to differ: -2 %, -15 to +12 %" == row(text, "Training against", "amp")[3]


def test_two_seeds_show_no_change():
    text = tradeoff_tables(*weighed(arms(seeds=(1, 2), baseline={}, amp={"wh": 2.0})), width=160)
    assert "not shown to differ: -50 %" == row(text, "Training against", "amp")[1]
    assert "note: nothing is sure with fewer than 3 seeds or 30 patients" in text


def test_decisions_have_net_benefit_and_where_it_is_surely_useful_or_worse():
    text = laid_out(amp={"lost": 12}, plan={"thresholds": (0.1, 0.3, 0.5, 0.7, 0.9)})
    assert ["baseline", "0.233", "-", "0.3 to 0.7", "-"] == row(text, "Decisions at t = 0.5", "baseline")
    assert ["amp", "0.033", "-200 (-248 to -152)", "0.3", "0.3 to 0.7"] == row(text, "Decisions", "amp")


def test_costs_of_errors_stand_beside_net_benefit():
    costs = ErrorCosts(fn=3, fp=1)
    text = laid_out(amp={"lost": 12}, plan={"threshold": 0.25, "error_costs": costs})
    found = row(text, "Decisions at t = 0.25", "amp")
    assert "+335" == found[-1].split()[0]  # about 16 of 48 more are missed, at 3, and 32 treated in vain
    assert "note: cost of treating 1000 patients: all 667, none 1e+03" in text
    assert "cost: 3 for a false negative and 1 for a false positive" in text


def test_a_footprint_has_co2_and_at_a_price_money():
    text = laid_out(amp={"wh": 2.0}, plan={"price": Price(per_kwh=0.3, currency="EUR")})
    assert "(EUR)" in text
    expected = ["amp", "0.89", "0.0006", "-100", "-44.6", "-0.0301"]
    assert expected == row(text, "Footprint", "amp")
    assert ["baseline", "1.78", "0.0012", "-", "-", "-"] == row(text, "Footprint", "baseline")
    assert "EUR" not in laid_out(amp={"wh": 2.0})


def test_without_any_energy_there_is_no_footprint_and_no_inb():
    text = laid_out(baseline={"wh": None}, amp={"wh": None}, plan={"price": Price(per_kwh=0.3)})
    assert "Footprint" not in text
    assert "INB per 1000" not in text
    assert "note: no money: baseline, energy: seed 1 has no figure (cpu missing)" in text


def test_another_has_what_it_is_worth_and_how_often_it_is_worth_most():
    text = laid_out(amp={"wh": 2.0}, plan={"lambdas_wh": (1.0, 1000.0)})
    assert ["amp", "+100 (1.00)", "+0.1 (1.00)"] == row(text, "INB per 1000 patients", "amp")
    assert ["baseline", "0 (0.00)", "0 (0.00)"] == row(text, "INB per 1000 patients", "baseline")


def test_the_baseline_is_not_set_against_itself():
    text = laid_out(amp={})
    assert "is the baseline" == row(text, "Scores and costs", "baseline")[1]
    assert None is row(text, "Training against", "baseline")


def test_scores_per_resource_unit_stand_below_with_their_interval():
    pepr = row(laid_out(amp={"wh": 2.0}), "Performance per resource unit, within these 2 settings", "amp")
    assert pepr[1].startswith("0.900 (0.")
    assert ["-", "-"] == pepr[3:]  # time and memory are equal


def test_estimates_are_marked():
    text = laid_out(baseline={"kind": "estimated"}, amp={"kind": "estimated", "wh": 2.0})
    assert ["~2.00", "~100.000"] == row(text, "Scores and costs", "amp")[5:7]
    assert "~-100" == row(text, "Footprint", "amp")[2]


def test_what_is_not_known_is_a_dash_with_its_reason_below():
    text = laid_out(amp={"wh": None})
    assert ["-", "-"] == row(text, "Scores and costs", "amp")[5:7]
    assert None is row(text, "INB per 1000", "amp")
    assert "note: energy is not compared: amp: seed 1 has no figure" in text
    assert "note: amp has no INB: amp, energy: seed 1 has no figure" in text


def test_what_is_left_out_is_dashes_with_its_reason_below():
    records, predictions = run_of(baseline={}, amp={})
    del predictions[records[-1].case.id]
    records[-1] = replace(broken(), case=records[-1].case)
    text = tradeoff_tables(*weighed(arms_of(records, predictions)), width=160)
    scores = row(text, "Scores and costs", "amp")
    assert ["inconclusive, 1/5 diverged", "-*", *["-"] * 5] == scores[1:]
    assert ["-"] * 4 == row(text, "Decisions", "amp")[1:]
    assert "note: amp is left out: 1 of 5 seeds did not finish" in text


def test_a_diverged_setting_is_starred():
    assert "0.900*" == row(laid_out(amp={"diverged": True}), "Scores and costs", "amp")[2]


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
    for threshold, words in ((0.5, "t = 0.5, accuracy's cut;"), (0.2, "t = 0.2;")):
        text = " ".join(laid_out(amp={}, plan={"threshold": threshold}).split())
        assert f"a probability above {words}" in text


def test_the_sentence_is_one_line_at_any_width():
    assert any(
        line.startswith("For densenet on rsna") and line.endswith("5 seeds.")
        for line in laid_out(width=120, amp={"wh": 2.0}).splitlines()
    )


def test_nothing_is_cut_at_the_narrowest_width():
    costly = {"wh": 104.321, "memory": 12_345_000_000, "seconds": 12_345.6}
    sparing = {"wh": 1.0, "memory": 1_000_000, "seconds": 1.0}
    text = laid_out(
        width=120,
        baseline=costly,
        amp_eight_bit={"diverged": True, **sparing},
        half_eight_bit=sparing,
        plan={
            "price": Price(per_kwh=0.3, currency="EUR"),
            "threshold": 0.1,
            "error_costs": ErrorCosts(fn=9_000_000, fp=1_000_000),
        },
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
    assert 108 == len(words["summaries"][1]["decision_curve"])
    assert None is words["summaries"][1]["training"]["money"]
    assert words["recommendation"].startswith("For densenet on rsna")
