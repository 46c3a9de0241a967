"""The recommendation: what was shown to keep performance and saves, else the baseline, in one sentence."""

import pytest

from redl.results.arms import arms_of, pairs_of
from redl.results.metric import Metric
from redl.results.noninferiority.verdict import Outcome, verdicts
from redl.results.tradeoff.plan import Plan
from redl.results.tradeoff.recommendation import chosen, recommendation
from redl.results.tradeoff.tradeoff import tradeoffs
from tests.helpers.changes import replace
from tests.helpers.savings import SEEDS, arms, run_of

MEMORY = 300_000_000  # bytes, of 400_000_000 for the baseline


def weighed(metric=Metric.ACCURACY, margin=0.02, **settings):
    """Return the only trade-off of settings beside a plain baseline, and the verdicts on them."""
    made = arms(**({"baseline": {}} | settings))
    (found,) = tradeoffs(made, metric=metric, plan=Plan(), draws=100)
    return found, verdicts(pairs_of(made), margin=margin, metric=metric)


def choice(**settings):
    return chosen(*weighed(**settings))


def sentence(**settings):
    return recommendation(*weighed(**settings))


# The choice


def test_what_keeps_performance_and_saves_is_taken():
    assert "amp" == choice(amp={"wh": 2.0})


def test_of_several_the_least_energy_is_taken():
    assert "half" == choice(amp={"wh": 3.0, "memory": 1}, half={"wh": 2.0, "seconds": 9.9})


def test_then_the_least_memory():
    assert "half" == choice(amp={"wh": 3.0, "seconds": 1.0}, half={"wh": 3.0, "memory": MEMORY})


def test_then_the_least_time():
    assert "half" == choice(amp={"wh": 3.0, "seconds": 9.0}, half={"wh": 3.0, "seconds": 8.0})


def test_without_energy_the_least_memory_is_taken():
    settings = {"amp": {"wh": None, "memory": MEMORY}, "half": {"wh": 1.0, "memory": MEMORY + 1}}
    assert "amp" == choice(**settings)


def test_what_is_inconclusive_is_never_taken():
    found, judged = weighed(amp={"apart": True, "wh": 0.1})
    assert [Outcome.INCONCLUSIVE] == [each.outcome for each in judged]
    assert "baseline" == chosen(found, judged)


def test_what_is_degraded_is_never_taken():
    found, judged = weighed(amp={"lost": 20, "wh": 0.1})
    assert [Outcome.DEGRADED] == [each.outcome for each in judged]
    assert "baseline" == chosen(found, judged)


def test_what_diverged_is_never_taken_whatever_its_verdict():
    found, judged = weighed(amp={"wh": 0.1, "diverged": True})
    assert "baseline" == chosen(found, [replace(each, outcome=Outcome.NON_INFERIOR) for each in judged])


def test_nothing_is_taken_where_the_baseline_diverged():
    found, judged = weighed(baseline={"diverged": True}, amp={"wh": 0.1})
    assert "baseline" == chosen(found, [replace(each, outcome=Outcome.NON_INFERIOR) for each in judged])


def test_what_saves_nothing_is_not_taken():
    assert "baseline" == choice(amp={})
    assert "baseline" == choice(amp={"wh": 5.0, "memory": 500_000_000, "seconds": 20.0})


def test_verdicts_on_another_model_are_passed_over():
    found, judged = weighed(amp={"wh": 2.0})
    assert "baseline" == chosen(found, [replace(each, model="swin") for each in judged])


# The sentence


def test_it_says_what_is_saved_and_how_that_is_known():
    expected = (
        "For densenet on rsna (phantom images, smoke profile): amp may replace the baseline, because it was "
        "shown to be no more than 2 percentage points worse in accuracy, and trains with 50 % less "
        "energy (measured), 25 % less memory and 10 % less time; 240 patients, 5 seeds."
    )
    assert expected == sentence(amp={"memory": MEMORY, "seconds": 9.0, "wh": 2.0})


def test_estimated_energy_is_called_estimated():
    estimated = {"baseline": {"kind": "estimated"}, "amp": {"kind": "estimated", "wh": 2.0}}
    assert "50 % less energy (estimated)" in sentence(**estimated)


def test_energy_that_is_not_known_is_called_so():
    text = sentence(amp={"memory": MEMORY, "wh": None})
    assert "trains with 25 % less memory, and with the same time; its energy is not known; 240" in text


def test_what_costs_more_is_stated():
    text = sentence(amp={"memory": 500_000_000, "seconds": 12.0, "wh": 3.0})
    assert (
        "trains with 25 % less energy (measured), but with 25 % more memory and 20 % more time; 240" in text
    )


def varied(seconds):
    """Return the sentence on a setting that saves energy and whose seeds took these seconds."""
    records, predictions = run_of(baseline={}, amp={"wh": 2.0})
    times = dict(zip(SEEDS, seconds, strict=True))
    records = [
        replace(one, training=replace(one.training, seconds_to_stop=times[one.case.seed]))
        if one.case.setting == "amp"
        else one
        for one in records
    ]
    made = arms_of(records, predictions)
    (found,) = tradeoffs(made, metric=Metric.ACCURACY, plan=Plan(), draws=100)
    return recommendation(found, verdicts(pairs_of(made), margin=0.02, metric=Metric.ACCURACY))


def test_what_is_neither_surely_saved_nor_surely_cost_was_not_shown_to_differ():
    text = varied((8.0, 11.0, 9.5, 8.5, 10.5))
    assert "with the same memory; time (-6 %, -20 to +12 %) was not shown to differ; 240" in text
    assert "less time" not in text


def test_what_surely_costs_more_has_its_interval():
    text = varied((10.6, 11.2, 10.8, 11.0, 10.9))
    assert ", but with 9 % more time (+6 to +12 %), with the same memory; 240" in text


def test_what_costs_hardly_more_is_not_said_to_cost_0_percent():
    assert ", but with 0.8 % more time, with the same memory; 240" in varied((10.08,) * 5)


def test_what_is_too_little_to_be_a_saving_is_not_said_to_be_one():
    assert "time (-0.8 %) was not shown to differ by 1 % or more; 240" in varied((9.92,) * 5)


def test_what_does_not_save_what_ranks_first_is_never_taken():
    assert "baseline" == choice(amp={"memory": MEMORY, "seconds": 5.0, "wh": 4.0})


def test_real_images_of_the_papers_profile_need_no_caution():
    found, judged = weighed(amp={"wh": 2.0})
    assert recommendation(replace(found, synthetic=False, profile="paper"), judged).startswith(
        "For densenet on rsna: amp may"
    )


def test_a_reduced_network_and_a_scale_are_stated():
    found, judged = weighed(amp={"wh": 2.0})
    judged = [replace(each, downsample=4) for each in judged]
    assert recommendation(replace(found, reduced=True, downsample=4), judged).startswith(
        "For densenet (reduced) on rsna at 1/4 of the resolution (phantom"
    )


def test_a_loss_within_the_margin_is_stated():
    found, judged = weighed(amp={"wh": 2.0})
    judged = [replace(each, but_lower=True, difference=-0.011) for each in judged]
    words = (
        "no more than 2 percentage points worse in accuracy, though it is worse by 1.1 percentage points, and"
    )
    assert words in recommendation(found, judged)


def test_where_nothing_passed_it_counts_what_became_of_all():
    settings = {
        "amp": {"lost": 20},
        "half": {"apart": True},
        "eight_bit": {"apart": True},
        "half_bf16": {"diverged": True},
    }
    expected = (
        "For densenet on rsna (phantom images, smoke profile): keep the baseline, because no setting was "
        "shown to be within 2 percentage points of its accuracy (2 inconclusive, 1 degraded, 1 diverged)."
    )
    assert expected == sentence(**settings)


def test_what_passed_but_saves_nothing_is_not_said_to_have_failed():
    text = sentence(amp={})
    assert "no setting was both shown to be within 2 percentage points of its accuracy and shown to" in text
    assert "save energy (1 non-inferior but not shown to save energy)." in text


def test_a_baseline_that_diverged_recommends_nothing():
    text = sentence(baseline={"diverged": True}, amp={"wh": 2.0})
    words = "no recommendation, because the baseline itself diverged or did not finish with 5 of 5 seeds."
    assert words in text


def test_a_run_with_only_the_baseline_says_so():
    found, _ = weighed(amp={})
    assert "keep the baseline, because this run has no other setting." in recommendation(found, [])


@pytest.mark.parametrize(
    ("metric", "margin", "words"),
    [
        (Metric.AUC, 0.03, "0.03 worse in AUC"),
        (Metric.BRIER, 0.03, "0.03 worse in Brier score"),
        (Metric.SUBJECT_ACCURACY, 0.05, "5 percentage points worse in subject accuracy"),
        (Metric.ACCURACY, 0.125, "12.5 percentage points worse in accuracy"),
    ],
)
def test_the_margin_is_in_the_unit_of_the_metric(metric, margin, words):
    assert f"no more than {words}, and" in sentence(metric=metric, margin=margin, amp={"wh": 2.0})
