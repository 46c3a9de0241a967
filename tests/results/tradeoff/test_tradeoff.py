"""The trade-off: what a setting scores and spends more than its baseline, and how sure that is."""

from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from redl.errors import OptionError
from redl.record import EnergyKind
from redl.results.arms import arms_of
from redl.results.metric import Metric
from redl.results.tradeoff.adjusted import adjusted
from redl.results.tradeoff.benefit import Unit
from redl.results.tradeoff.costs import Resource
from redl.results.tradeoff.error_costs import ErrorCosts
from redl.results.tradeoff.plan import LAMBDAS_WH, Plan
from redl.results.tradeoff.tradeoff import tradeoffs
from tests.helpers.changes import replace
from tests.helpers.samples import ELSEWHERE, WHOLE, broken, component, energy
from tests.helpers.savings import IMAGES, LABELS, PATIENTS, SEEDS, arms, run_of

# Of an image of the inference that `one` makes: its 4 Wh are of 40 images.
PER_IMAGE = 1 / WHOLE.inference.images


def tradeoff(found, *, metric=Metric.ACCURACY, draws=200, **plan):
    """Return the only trade-off of arms."""
    (only,) = tradeoffs(found, metric=metric, plan=Plan(**plan), draws=draws)
    return only


def summary(found, setting):
    return next(each for each in found.summaries if each.setting == setting)


def amp(*, draws=200, metric=Metric.ACCURACY, plan=None, baseline=None, **given):
    """Return where AMP stands that is other than the baseline in what is given."""
    made = arms(baseline=baseline or {}, amp=given)
    return summary(tradeoff(made, metric=metric, draws=draws, **(plan or {})), "amp")


# What a setting scores and spends


def test_a_setting_has_the_means_of_its_seeds_and_the_largest_peak():
    records, predictions = run_of(baseline={})
    varied = [
        replace(
            found,
            energy=energy(component("gpu", seed, "measured", "nvml"), energy_wh=float(seed)),
            memory=replace(found.memory, train_peak_bytes=100 * seed),
            training=replace(found.training, seconds_to_stop=10.0 * seed),
        )
        for seed, found in zip(SEEDS, records, strict=True)
    ]
    found = tradeoff(arms_of(varied, predictions)).summaries[0]
    assert (3.0, 500, 30.0) == (found.train_wh, found.train_peak_bytes, found.train_seconds)
    assert 0.9 == pytest.approx(found.performance)
    assert 3.0 * PER_IMAGE * IMAGES == pytest.approx(found.inference_wh)


def test_a_tradeoff_names_its_group():
    found = tradeoff(arms(baseline={}, amp={}))
    assert ("rsna", "densenet", 1, "smoke", True) == (
        found.dataset,
        found.model,
        found.downsample,
        found.profile,
        found.synthetic,
    )
    assert (SEEDS, PATIENTS, Unit.PATIENT, PATIENTS) == (found.seeds, found.patients, found.unit, found.units)
    assert 1 / 3 - 2 / 3 == pytest.approx(found.treat_all)


def test_models_data_sets_and_scales_are_apart():
    records, predictions = run_of(baseline={})
    other = [replace(found, case=replace(found.case, downsample=4)) for found in records]
    both = predictions | {
        new.case.id: predictions[old.case.id] for new, old in zip(other, records, strict=True)
    }
    found = tradeoffs(arms_of(records + other, both), metric=Metric.ACCURACY, plan=Plan(), draws=10)
    assert [1, 4] == [each.downsample for each in found]


# The Pareto set


def test_less_of_one_resource_is_enough_to_put_the_baseline_out_of_the_set():
    for changed in ({"memory": 300_000_000}, {"seconds": 5.0}, {"wh": 2.0}):
        found = tradeoff(arms(baseline={}, amp=changed))
        assert [False, True] == [each.pareto for each in found.summaries]
        assert [0.0, 1.0] == [each.pareto_probability for each in found.summaries]


def test_a_loss_without_a_saving_puts_a_setting_out_of_the_set():
    found = amp(lost=3)
    assert False is found.pareto
    assert found.pareto_probability < 0.05  # of draws without one of the three, who make it equal


def test_who_loses_and_saves_is_in_the_set_with_the_baseline():
    found = tradeoff(arms(baseline={}, amp={"lost": 3, "wh": 2.0}))
    assert [True, True] == [each.pareto for each in found.summaries]


def test_equal_settings_are_both_in_the_set():
    found = tradeoff(arms(baseline={}, amp={}))
    assert [1.0, 1.0] == [each.pareto_probability for each in found.summaries]


def test_a_gain_that_other_seeds_would_turn_is_in_the_set_by_chance():
    assert 0.05 < amp(apart=True, wh=5.0).pareto_probability < 0.95


def test_a_figure_that_one_setting_lacks_is_left_out_and_named():
    found = tradeoff(arms(baseline={}, amp={"wh": None, "memory": 300_000_000}))
    assert (Resource.MEMORY, Resource.TIME) == found.compared
    assert {Resource.ENERGY: "amp: seed 1 has no figure (cpu missing)"} == found.not_compared
    assert [False, True] == [each.pareto for each in found.summaries]


def test_measured_energy_is_not_compared_with_estimated():
    found = tradeoff(arms(baseline={}, amp={"kind": "estimated"}))
    assert "measured for some settings and estimated for others" == found.not_compared[Resource.ENERGY]


def test_the_reason_for_a_missing_energy_is_given():
    records, predictions = run_of(baseline={}, amp={})
    part = component("cpu", None, "unavailable", None)
    spent = energy(part, energy_wh=None, partial_wh=1.0, kind="unavailable")
    records = [replace(each, energy=spent) if each.case.setting == "amp" else each for each in records]
    found = tradeoff(arms_of(records, predictions))
    assert "amp: seed 1 has no figure (cpu missing)" == found.not_compared[Resource.ENERGY]
    assert EnergyKind.UNAVAILABLE is summary(found, "amp").train_kind


# Seeds


def test_a_setting_of_which_a_seed_did_not_finish_is_left_out():
    records, predictions = run_of(baseline={}, amp={"wh": 1.0})
    lost = records[-1].case
    records[-1] = replace(broken(), case=lost)
    del predictions[lost.id]
    found = tradeoff(arms_of(records, predictions))
    assert "1 of 5 seeds did not finish" == summary(found, "amp").left_out
    assert None is summary(found, "amp").performance
    assert True is summary(found, "baseline").pareto
    assert SEEDS == found.seeds


def test_where_the_baseline_is_left_out_nothing_is_adjusted():
    records, predictions = run_of(baseline={}, amp={"wh": 1.0})
    lost = records[0].case
    records[0] = replace(broken(), case=lost)
    del predictions[lost.id]
    found = summary(tradeoff(arms_of(records, predictions)), "amp")
    assert ("its baseline is not compared", (), ()) == (found.not_adjusted, found.adjusted, found.savings)


def test_settings_are_compared_over_the_seeds_that_all_have():
    records, predictions = run_of(baseline={}, amp={})
    found = tradeoff(arms_of(records[:7], predictions))  # AMP has seeds 1 and 2 alone
    assert (1, 2) == found.seeds


def test_without_a_common_seed_nothing_is_compared():
    records, predictions = run_of(baseline={}, amp={})
    apart = [each for each in records if (each.case.seed == 1) == (each.case.setting == "amp")]
    found = tradeoff(arms_of(apart, predictions))
    assert ["the settings have no seed in common"] * 2 == [each.left_out for each in found.summaries]


def test_a_run_in_which_nothing_finished_has_nothing():
    records, _ = run_of(seeds=(1,), baseline={})
    found = tradeoff(arms_of([replace(broken(), case=records[0].case)], {}))
    assert (0, None, "1 of 1 seeds did not finish") == (
        found.patients,
        found.treat_all,
        found.summaries[0].left_out,
    )


def test_an_auc_leaves_out_a_setting_with_an_answer_that_is_not_finite():
    records, predictions = run_of(baseline={}, amp={})
    lost = predictions[records[-1].case.id]
    predictions[records[-1].case.id] = replace(lost, probabilities=(None, *lost.probabilities[1:]))
    found = tradeoff(arms_of(records, predictions), metric=Metric.AUC)
    assert "an answer is not finite, and auc needs all" == summary(found, "amp").left_out
    assert None is summary(tradeoff(arms_of(records, predictions)), "amp").left_out


def test_seeds_outside_the_comparison_still_count_as_diverged():
    records, predictions = run_of(baseline={}, amp={"diverged": True})
    without_first = [each for each in records if each.case.id != "rsna-densenet-baseline-seed1"]
    assert 5 == summary(tradeoff(arms_of(without_first, predictions)), "amp").diverged


# Savings


def test_what_takes_less_saves():
    assert (Resource.MEMORY,) == amp(memory=300_000_000).savings
    assert (Resource.TIME,) == amp(seconds=9.0).savings
    assert (Resource.ENERGY,) == amp(wh=3.0).savings


def test_what_takes_more_saves_nothing():
    assert () == amp(memory=500_000_000, seconds=11.0, wh=5.0).savings


def test_less_than_a_hundredth_is_no_saving():
    assert () == amp(seconds=9.95).savings
    assert (Resource.TIME,) == amp(seconds=9.85).savings


def test_what_some_seeds_turn_is_no_saving():
    records, predictions = run_of(baseline={}, amp={})
    times = dict(zip(SEEDS, (9.0, 9.0, 9.0, 11.0, 9.0), strict=True))
    varied = [
        replace(each, training=replace(each.training, seconds_to_stop=times[each.case.seed]))
        if each.case.setting == "amp"
        else each
        for each in records
    ]
    assert () == summary(tradeoff(arms_of(varied, predictions), draws=2000), "amp").savings


# Net benefit and energy against the baseline


def test_energy_is_a_share_of_the_training_and_the_inference_of_a_thousand_patients():
    found = amp(wh=2.0, plan={"patients": 500})
    expected = (2.0 - 4.0) / 500 * 1000 + (2.0 - 4.0) * PER_IMAGE * IMAGES * 1000
    assert expected == pytest.approx(found.thousand.energy_wh.more.value)


def test_of_images_the_share_is_an_images():
    mixed = tuple(place % 2 for place in range(len(LABELS)))
    found = tradeoff(arms(labels=mixed, baseline={}, amp={"wh": 2.0}), patients=500)
    expected = (2.0 - 4.0) / (500 * IMAGES) * 1000 + (2.0 - 4.0) * PER_IMAGE * 1000
    assert (Unit.IMAGE, len(LABELS)) == (found.unit, found.units)
    assert expected == pytest.approx(summary(found, "amp").thousand.energy_wh.more.value)


def test_net_benefit_is_per_thousand_patients():
    # Of the first patients answered rightly, those with lesions are missed and the others treated in vain.
    records, predictions = run_of(seeds=(1,), baseline={}, amp={"lost": 2})
    found = summary(tradeoff(arms_of(records, predictions)), "amp")
    missed, in_vain = 3, 5
    assert -(missed + in_vain) / PATIENTS * 1000 == pytest.approx(found.more_benefit.value)


def test_the_cut_weighs_who_is_treated_in_vain():
    records, predictions = run_of(seeds=(1,), baseline={}, amp={"lost": 2})
    found = summary(tradeoff(arms_of(records, predictions), threshold=0.25), "amp")
    missed, in_vain = 3, 5
    assert -(missed + in_vain / 3) / PATIENTS * 1000 == pytest.approx(found.more_benefit.value)


def test_inb_is_benefit_less_energy_over_lambda():
    found = amp(lost=2, wh=2.0, plan={"lambdas_wh": (1.0, 10.0)})
    assert [
        found.more_benefit.value - found.thousand.energy_wh.more.value / 1.0,
        found.more_benefit.value - found.thousand.energy_wh.more.value / 10.0,
    ] == pytest.approx([each.value for each in found.adjusted])
    assert [1.0, 10.0] == [each.lambda_wh for each in found.adjusted]


@given(
    st.lists(st.integers(-8, 8), min_size=2, max_size=20),
    st.integers(-8, 8),
    st.sampled_from(LAMBDAS_WH),
)
def test_its_probability_is_the_share_of_draws_above_0(benefits, more_wh, wh):
    (found,) = adjusted(np.array(benefits, dtype=float), np.full(len(benefits), float(more_wh)), (wh,))
    above = [benefit - more_wh / wh > 0 for benefit in benefits[1:]]
    assert sum(above) / len(above) == pytest.approx(found.probability)
    assert benefits[0] - more_wh / wh == pytest.approx(found.value)


def test_who_scores_the_same_with_less_energy_is_surely_worth_more():
    assert {1.0} == {each.probability for each in amp(wh=2.0).adjusted}


def test_who_scores_the_same_with_more_energy_is_surely_worth_less():
    assert {0.0} == {each.probability for each in amp(wh=6.0).adjusted}


def test_who_equals_the_baseline_is_not_worth_more():
    assert {(0.0, 0.0)} == {(each.value, each.probability) for each in amp().adjusted}


def test_much_benefit_outweighs_energy_only_where_much_is_accepted_for_it():
    better = amp(wh=40.0, baseline={"lost": 20}, plan={"lambdas_wh": (0.01, 1000.0)})
    assert better.more_benefit.value > 0
    assert better.thousand.energy_wh.more.value > 0
    assert [0.0, 1.0] == [each.probability for each in better.adjusted]


def test_a_benefit_that_seeds_turn_is_of_no_certainty():
    assert 0.05 < amp(apart=True, plan={"lambdas_wh": (1e6,)}).adjusted[0].probability < 0.95


def test_without_energy_nothing_is_adjusted_and_the_reason_is_given():
    for changed in ({"wh": None}, {"baseline": {"wh": None}}):
        found = amp(**changed)
        assert () == found.adjusted
        assert "energy: seed 1 has no figure" in found.not_adjusted
        assert found.more_benefit is not None


def test_energy_of_two_kinds_adjusts_nothing():
    assert (
        "energy is measured for one of amp and baseline, estimated for the other"
        == amp(kind="estimated").not_adjusted
    )


def test_the_baseline_is_not_set_against_itself():
    found = tradeoff(arms(baseline={}, amp={})).summaries[0]
    assert (None, None, (), None) == (
        found.more_benefit,
        found.thousand.energy_wh.more,
        found.adjusted,
        found.not_adjusted,
    )


def test_the_same_run_always_gives_the_same():
    def again():
        return asdict(tradeoff(arms(baseline={}, amp={"apart": True, "wh": 2.0})))

    assert again() == again()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"threshold": 1.0}, "threshold 1: give a cut between 0 and 1"),
        ({"thresholds": (0.1, 1.0)}, "threshold 1: give a cut between 0 and 1"),
        (
            {"error_costs": ErrorCosts(fn=9, fp=1)},
            r"threshold 0\.5: these costs of errors imply 0\.1; give one or the other",
        ),
        ({"patients": 0}, "patients 0: give at least one patient that one training serves"),
        ({"lambdas_wh": ()}, "lambda: give at least one energy"),
        ({"lambdas_wh": (1.0, 0.0)}, "lambda 0: give an energy above 0"),
        ({"lambdas_wh": (-1.0,)}, "lambda -1: give an energy above 0"),
        ({"lambdas_wh": (float("nan"),)}, "lambda nan: give an energy above 0"),
        ({"lambdas_wh": (float("inf"),)}, "lambda inf: give an energy above 0"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(given, words):
    with pytest.raises(OptionError, match=words):
        Plan(**given)


# On several machines


def test_settings_on_two_machines_are_compared_by_no_resource_and_it_is_said_why():
    found = tradeoff(arms(baseline={}, amp={"wh": 1.0, "environment": ELSEWHERE}))
    assert ((), {"the cases ran under more than one fingerprint"}) == (
        found.compared,
        set(found.not_compared.values()),
    )
    amp = summary(found, "amp")
    assert ((), None, None) == (amp.changes, amp.training.energy_wh.more, amp.thousand.energy_wh.more)
    assert "amp and baseline ran under more than one fingerprint" == amp.not_adjusted
    assert 0.9 == pytest.approx(amp.performance)
