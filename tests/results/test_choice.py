"""A choice: what qualifies, what is the cheapest of it, and why the rest is out."""

import pytest

from redl.errors import OptionError
from redl.record import DivergenceKind
from redl.results.arms import arms_of
from redl.results.choice import Wish, choices, read_reference
from redl.results.metric import Metric
from redl.results.tradeoff.costs import Resource
from tests.helpers.changes import replace
from tests.helpers.samples import WHOLE
from tests.results.tradeoff.test_models import run

MB = 10**6


def choose(budget=1000, arms=None, *, by=None, reference=None, margin=0.05, **models):
    made = arms_of(*run(**models)) if arms is None else arms
    wish = Wish(budget_bytes=budget * MB, margin=margin, metric=Metric.ACCURACY, by=by, reference=reference)
    (found,) = choices(made, wish)
    return found


def out(found, model):
    return "; ".join(next(one.out for one in found.candidates if one.standing.model == model))


def test_the_cheapest_that_is_as_good_is_chosen():
    found = choose(densenet={}, vit={"wh": 1.0}, swin={"wh": 2.0})
    assert ("vit baseline", Resource.ENERGY) == (found.chosen, found.by)


def test_what_it_is_cheapest_by_may_be_chosen():
    found = choose(densenet={}, vit={"wh": 1.0}, swin={"seconds": 2.0}, by=Resource.TIME)
    assert "swin baseline" == found.chosen


def test_what_is_over_the_budget_is_not_chosen_however_cheap():
    found = choose(300, densenet={"memory": 200 * MB}, vit={"wh": 1.0})
    assert "densenet baseline" == found.chosen
    assert "over the budget: 400 MB of 300" == out(found, "vit")


def test_the_budget_itself_fits():
    assert choose(400, densenet={}, vit={}).chosen is not None


def test_a_worse_model_is_not_chosen_however_cheap():
    found = choose(densenet={}, vit={"wh": 1.0, "lost": 12})
    assert "densenet baseline" == found.chosen
    assert out(found, "vit").startswith("not shown non-inferior: degraded")


def test_a_diverged_model_is_neither_the_reference_nor_chosen():
    found = choose(densenet={"lost": 1}, vit={"wh": 1.0, "diverged": True})
    assert ("densenet baseline", "densenet baseline") == (found.reference, found.chosen)
    assert "5 of 5 seeds diverged or did not finish" in out(found, "vit")


def test_a_diverged_model_is_not_chosen_even_if_it_is_named_as_the_reference():
    found = choose(densenet={"diverged": True}, vit={}, reference=("densenet", "baseline"))
    assert None is found.chosen
    assert "5 of 5 seeds diverged or did not finish" == out(found, "densenet")


def test_the_best_mean_is_the_reference_unless_one_is_named():
    assert "vit baseline" == choose(densenet={"lost": 1}, vit={}).reference
    named = choose(densenet={"lost": 1}, vit={}, reference=("densenet", "baseline"))
    assert ("densenet baseline", True) == (named.reference, named.named)


def test_a_model_without_a_memory_figure_is_out():
    found = choose(densenet={}, vit={"memory": None, "wh": 1.0})
    assert out(found, "vit").startswith("no memory figure: seed 1 has no figure")
    assert "densenet baseline" == found.chosen


def test_energy_that_cannot_be_compared_chooses_nothing_by_energy():
    found = choose(densenet={}, vit={"wh": None}, by=Resource.ENERGY)
    assert None is found.chosen
    assert "energy cannot be compared: vit baseline" in out(found, "densenet")


def test_without_energy_the_next_resource_decides():
    found = choose(densenet={}, vit={"wh": None, "memory": 100 * MB})
    assert ("vit baseline", Resource.MEMORY) == (found.chosen, found.by)


def test_two_seeds_are_no_evidence_even_for_the_best():
    records, predictions = run(densenet={}, vit={})
    few = [one for one in records if one.case.seed < 3]
    found = choose(arms=arms_of(few, predictions))
    assert None is found.chosen
    assert "seeds: 2, patients: 240; at least 3 and 30 are needed" == out(found, "densenet")


def test_a_single_combination_is_the_reference():
    assert "densenet baseline" == choose(densenet={}).chosen


def test_the_verdicts_do_not_depend_on_the_budget():
    wide, narrow = (choose(size, densenet={}, vit={"lost": 1}, swin={"memory": 1}) for size in (1000, 1))
    assert [one.verdict for one in wide.candidates] == [one.verdict for one in narrow.candidates]


def test_all_models_are_one_family_of_tests():
    # One of one test is not corrected; beside another it is.
    alone = choose(densenet={}, vit={"lost": 1}).candidates[1].verdict.p
    beside = choose(densenet={}, vit={"lost": 1}, swin={"lost": 1}).candidates[1].verdict.p
    assert 2 * alone == pytest.approx(beside)


def test_a_verdict_names_the_model_that_it_is_about():
    verdict = choose(densenet={}, vit={}).candidates[1].verdict
    assert ("vit", "baseline") == (verdict.model, verdict.setting)


def test_nothing_is_chosen_where_all_diverged():
    found = choose(densenet={"diverged": True}, vit={"diverged": True})
    assert (None, None) == (found.reference, found.chosen)


def test_a_reference_that_was_not_run_is_refused():
    with pytest.raises(
        OptionError, match=r"--reference vitt,baseline: was not run on rsna; did you mean vit,"
    ):
        choose(densenet={}, vit={}, reference=("vitt", "baseline"))


@pytest.mark.parametrize("text", ["", "vit", "vit,", ",amp"])
def test_what_names_no_reference_is_refused(text):
    with pytest.raises(OptionError, match="give a model and a setting"):
        read_reference(text, option="--reference")


def test_the_peak_is_the_largest_of_the_seeds():
    records, predictions = run(densenet={}, vit={})
    records[3] = replace(records[3], memory=replace(records[3].memory, train_peak_bytes=900 * MB))
    found = choose(500, arms=arms_of(records, predictions))
    assert "over the budget: 900 MB of 500" == out(found, "densenet")


def not_finished(*models, seed=2):
    """Return the arms of three models, of which these lack a seed."""
    records, predictions = run(densenet={}, vit={}, swin={})
    broken = [
        replace(one, metrics=None) if one.case.model in models and one.case.seed == seed else one
        for one in records
    ]
    return arms_of(broken, predictions)


def test_a_model_of_which_a_seed_did_not_finish_says_so():
    found = choose(arms=not_finished("vit"))
    assert "1 of 5 seeds did not finish" in out(found, "vit")
    assert "not judged" not in out(found, "densenet")


def test_where_no_resource_can_be_compared_nothing_is_chosen():
    nothing = {"memory": None, "wh": None}
    records, predictions = run(densenet=nothing, vit=nothing)
    moved = [replace(one, environment=dict(one.environment) | {"cpu": one.case.model}) for one in records]
    found = choose(arms=arms_of(moved, predictions))
    assert (None, None) == (found.by, found.chosen)
    assert "no resource can be compared" in out(found, "densenet")


def test_a_network_that_answers_by_chance_is_not_chosen_even_if_it_is_named():
    chance = replace(WHOLE.divergence, kinds=(DivergenceKind.CHANCE,))
    records, predictions = run(densenet={}, vit={})
    flat = [replace(one, divergence=chance) if one.case.model == "densenet" else one for one in records]
    found = choose(arms=arms_of(flat, predictions), reference=("densenet", "baseline"))
    assert "no seed is better than chance" == out(found, "densenet")
    assert "densenet baseline" != found.chosen
