"""Models beside each other: who is in the Pareto set, what is not compared, and what is left out."""

import pytest

from redl.errors import RecordError
from redl.results.arms import arms_of
from redl.results.metric import Metric
from redl.results.tradeoff.costs import Resource
from redl.results.tradeoff.models import across_models, observed_models
from redl.results.tradeoff.models_table import models_tables
from redl.results.tradeoff.pepr import LETTERS
from tests.helpers.changes import replace
from tests.helpers.savings import LABELS, SEEDS, one, run_of


def run(labels=LABELS, **models):
    """Return records and predictions of the baselines of models, each with what `one` takes."""
    records, predictions = [], {}
    for model, given in models.items():
        for seed in SEEDS:
            found, answered = one("baseline", seed, **({"labels": labels} | given))
            found = replace(found, case=replace(found.case, model=model))
            records.append(found)
            predictions[found.case.id] = answered
    return records, predictions


def models(**given):
    (found,) = across_models(arms_of(*run(**given)), metric=Metric.ACCURACY, draws=50)
    return found


def pareto(found):
    return {one.model: one.summary.pareto for one in found.standings}


def test_a_run_of_one_model_is_not_compared_between_models():
    assert [] == across_models(arms_of(*run_of(baseline={}, amp={})), metric=Metric.ACCURACY, draws=10)
    assert [] == observed_models(run_of(baseline={}, amp={})[0])


def test_a_dearer_model_that_is_no_better_is_out_of_the_set():
    assert {"densenet": False, "vit": True} == pareto(models(densenet={}, vit={"memory": 100_000_000}))


def test_a_better_model_that_is_dearer_is_in_the_set():
    found = models(densenet={}, vit={"memory": 100_000_000, "lost": 12})
    assert {"densenet": True, "vit": True} == pareto(found)


def test_a_figure_that_a_model_lacks_is_compared_for_none_and_named():
    found = models(densenet={}, vit={"wh": None})
    assert "vit baseline: seed 1 has no figure (cpu missing)" == found.not_compared[Resource.ENERGY]
    assert (Resource.MEMORY, Resource.TIME) == found.compared
    assert {Resource.MEMORY, Resource.TIME} == {score.resource for score in found.standings[0].summary.pepr}


def test_measured_energy_is_not_compared_with_estimated():
    found = models(densenet={}, vit={"kind": "estimated"})
    assert "measured for some and estimated for others" == found.not_compared[Resource.ENERGY]


def test_time_and_energy_of_two_machines_are_not_compared():
    records, predictions = run(densenet={}, vit={})
    moved = [
        replace(one, environment=dict(one.environment) | {"cpu": "another"})
        if one.case.model == "vit"
        else one
        for one in records
    ]
    (found,) = across_models(arms_of(moved, predictions), metric=Metric.ACCURACY, draws=10)
    assert {Resource.ENERGY, Resource.TIME} == set(found.not_compared)


def test_memory_of_two_devices_is_not_compared():
    records, predictions = run(densenet={}, vit={})
    moved = [
        replace(one, memory=replace(one.memory, device="other")) if one.case.model == "vit" else one
        for one in records
    ]
    (found,) = across_models(arms_of(moved, predictions), metric=Metric.ACCURACY, draws=10)
    assert found.not_compared[Resource.MEMORY].endswith("which count it differently")


def test_pepr_is_of_all_models_together():
    found = models(densenet={}, vit={"memory": 100_000_000})
    by_model = {
        each.model: {LETTERS[one.resource]: one.score for one in each.summary.pepr}
        for each in found.standings
    }
    assert 0.9 / 2 == pytest.approx(by_model["densenet"]["M"])
    assert 0.9 == pytest.approx(by_model["vit"]["M"])


def test_other_images_are_refused():
    other = tuple(1 - label for label in LABELS)
    with pytest.raises(RecordError, match="vit-baseline: saw other test images than densenet baseline"):
        models(densenet={}, vit={"labels": other})


def test_a_model_of_which_a_seed_did_not_finish_is_left_out():
    records, predictions = run(densenet={}, vit={}, swin={})
    broken = [
        replace(one, metrics=None) if one.case.model == "vit" and one.case.seed == 2 else one
        for one in records
    ]
    (found,) = across_models(arms_of(broken, predictions), metric=Metric.ACCURACY, draws=10)
    left_out = {one.model: one.summary.left_out for one in found.standings}
    assert {"densenet": None, "vit": "1 of 5 seeds did not finish", "swin": None} == left_out


def test_records_without_answers_give_the_same_set_and_scores_without_intervals():
    (found,) = observed_models(run(densenet={}, vit={"memory": 100_000_000})[0])
    assert {"densenet": False, "vit": True} == pareto(found)
    assert (None, None) == (
        found.standings[0].summary.pareto_probability,
        found.standings[0].summary.pepr[0].low,
    )


def test_the_table_has_a_row_for_each_combination_and_says_what_is_missing():
    text = models_tables([models(densenet={}, vit={"wh": None})], width=80)
    assert "Models on rsna" in text
    assert "note: energy is not compared: vit baseline: seed 1 has no figure (cpu missing)" in text
    assert "PePR-M" in text


def test_a_combination_is_summarised_as_its_setting_is():
    summary = models(densenet={"wh": 2.0}, vit={}).standings[0].summary
    assert ("baseline", 2.0) == (summary.setting, summary.train_wh)
    assert "models are compared without a baseline" == summary.not_adjusted


def left_out(records, predictions, metric=Metric.ACCURACY):
    (found,) = across_models(arms_of(records, predictions), metric=metric, draws=10)
    return {one.model: one.summary.left_out for one in found.standings}


def test_models_without_a_common_seed_are_all_left_out():
    records, predictions = run(densenet={}, vit={})
    apart = [one for one in records if (one.case.model == "vit") == (one.case.seed > 2)]
    why = "the combinations have no seed in common"
    assert {"densenet": why, "vit": why} == left_out(apart, predictions)


def test_a_metric_that_needs_all_answers_leaves_out_a_model_that_lacks_one():
    records, predictions = run(densenet={}, vit={})
    name = next(name for name in predictions if "-vit-" in name)
    first = predictions[name]
    predictions[name] = replace(first, probabilities=(None, *first.probabilities[1:]))
    assert {"densenet": None, "vit": "an answer is not finite, and auc needs all"} == left_out(
        records, predictions, Metric.AUC
    )


def test_no_combinations_make_no_table():
    assert "" == models_tables([], width=80)


def test_the_table_says_who_is_left_out_and_why():
    records, predictions = run(densenet={}, vit={})
    broken = [replace(one, metrics=None) if one.case.model == "vit" else one for one in records]
    found = across_models(arms_of(broken, predictions), metric=Metric.ACCURACY, draws=10)
    assert "note: vit baseline is left out: 5 of 5 seeds did not finish" in models_tables(found, width=80)


def test_the_table_of_records_says_how_to_learn_how_sure_it_is():
    found = observed_models(run(densenet={}, vit={"memory": 100_000_000})[0])
    text = models_tables(found, width=120)
    assert "`redl tradeoff RUN` says how sure it is." in text
    assert "in which it is so" not in text
