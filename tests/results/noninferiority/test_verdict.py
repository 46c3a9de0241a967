"""Verdicts: every rule that makes one, what is never one, and the table of them."""

import json
from dataclasses import asdict

import numpy as np
import pytest

from redl.errors import OptionError, RecordError
from redl.record import DivergenceKind
from redl.results.arms import Arm, pairs_of
from redl.results.metric import Metric
from redl.results.noninferiority.crossed import compare
from redl.results.noninferiority.table import verdict_table
from redl.results.noninferiority.verdict import Outcome, to_json, verdicts
from tests.helpers.changes import replace
from tests.helpers.samples import DIVERGED, ELSEWHERE, WHOLE, broken, record

PATIENTS, EACH = 100, 2
LABELS = np.repeat(np.arange(PATIENTS) % 2, EACH)
SUBJECTS = np.repeat(np.arange(PATIENTS), EACH)


def right(*wrong):
    """Return a seed's probabilities, right but for the images of the patients `wrong`."""
    found = np.where(LABELS == 1, 0.9, 0.1)
    lost = np.isin(SUBJECTS, wrong)
    return np.where(lost, 1 - found, found)


def arm(setting, rows, *, diverged=0, lost=0, **changes):
    """Return an arm of seeds from 1, the first `diverged` of which diverged; `lost` more broke."""
    records = [record(divergence=DIVERGED) if seed < diverged else WHOLE for seed in range(len(rows))]
    given = Arm(
        dataset="rsna",
        model="densenet",
        setting=setting,
        downsample=1,
        seeds=tuple(range(1, len(rows) + 1)),
        records=tuple(records),
        broken=(broken(),) * lost,
        labels=LABELS,
        subjects=SUBJECTS,
        probabilities=np.array(rows).reshape(len(rows), len(LABELS)),
    )
    return replace(given, **changes)


# Each seed is wrong on some patients, the same in both arms, so that nothing but what is added varies.
SEEDS = [(seed, seed + 20) for seed in range(5)]
BASELINE = [right(*seed) for seed in SEEDS]
SAME = arm("amp", BASELINE)
# Four patients more that every seed loses: a loss of 0.04 that varies over patients.
WORSE = arm("amp", [right(*seed, 50, 51, 52, 53) for seed in SEEDS])


def judged(*savings, baseline=None, margin=0.02, metric=Metric.ACCURACY):
    baseline = arm("baseline", BASELINE) if baseline is None else baseline
    return verdicts(pairs_of([baseline, *savings]), margin=margin, metric=metric)


def one(saving, **given):
    (verdict,) = judged(saving, **given)
    return verdict


def elsewhere(given, *seeds):
    """Return an arm of which some seeds ran on another machine."""
    return replace(
        given,
        records=tuple(
            replace(one, environment=ELSEWHERE) if seed in seeds else one
            for seed, one in zip(given.seeds, given.records, strict=True)
        ),
    )


def test_a_saving_is_judged_only_by_seeds_of_one_fingerprint_and_says_which_are_not():
    found = one(elsewhere(SAME, 2, 4))
    assert ((1, 3, 5), (2, 4)) == (found.seeds, found.apart)
    expected = "rsna densenet amp: left out, because its baseline ran under another fingerprint: seeds 2, 4."
    assert expected in verdict_table([found], width=200)


def test_a_saving_without_a_seed_of_one_fingerprint_is_inconclusive():
    found = one(elsewhere(SAME, *SAME.seeds))
    assert Outcome.INCONCLUSIVE is found.outcome
    assert "no seed finished in both arms under one fingerprint" == found.reason


def test_equal_answers_are_non_inferior():
    found = one(SAME, margin=0.05)
    assert Outcome.NON_INFERIOR == found.outcome
    assert not found.but_lower
    assert found.reason is None
    assert (0, 0, 0, 0) == (found.difference, found.low, found.high, found.p)


def test_a_verdict_has_the_comparison_over_seeds_and_patients():
    found = one(WORSE, margin=0.5)
    psi = -0.01 * (np.isin(np.arange(PATIENTS), [50, 51, 52, 53]) - 0.04)
    expected = compare(np.full(5, -0.04), np.tile(psi, (5, 1)), margin=0.5)
    for name in ("difference", "low", "high", "p", "shown_margin", "detectable_margin"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name))
    assert ((1, 2, 3, 4, 5), 100, 200) == (found.seeds, found.patients, found.images)


def test_a_sure_loss_within_the_margin_is_marked():
    assert one(WORSE).high < 0
    found = one(WORSE, margin=0.1)
    assert (Outcome.NON_INFERIOR, True) == (found.outcome, found.but_lower)


def test_a_loss_that_surely_exceeds_the_margin_is_degraded():
    found = one(arm("amp", [right(*seed, *range(40, 80)) for seed in SEEDS]))
    assert found.high < -0.02
    assert (Outcome.DEGRADED, False, None) == (found.outcome, found.but_lower, found.reason)


def test_an_interval_that_contains_the_margin_is_inconclusive():
    found = one(WORSE, margin=0.04)
    assert found.low < -0.04 < found.high
    assert Outcome.INCONCLUSIVE == found.outcome
    assert "a loss of 0.04 lies within the interval" == found.reason


def test_holm_refuses_what_would_pass_as_the_only_setting():
    margin = one(WORSE).shown_margin + 0.002
    assert Outcome.NON_INFERIOR == one(WORSE, margin=margin).outcome
    alone = one(WORSE, margin=margin).p
    first, second = judged(WORSE, replace(WORSE, setting="8bit"), margin=margin)
    assert first.p == pytest.approx(2 * alone)
    assert first.low > -margin
    assert Outcome.INCONCLUSIVE == first.outcome == second.outcome
    assert f"p = {first.p:.3f}, corrected for all settings (Holm), is not below 0.025" == first.reason


def test_holm_steps_down():
    margin = one(WORSE).shown_margin + 0.002
    alone = one(WORSE, margin=margin).p
    second, first = judged(WORSE, replace(SAME, setting="8bit"), margin=margin)
    assert (0, alone) == (first.p, pytest.approx(second.p))


@pytest.mark.parametrize("other", [{"dataset": "lidc"}, {"model": "vit"}, {"downsample": 4}])
def test_other_data_models_and_scales_are_no_family(other):
    margin = one(WORSE).shown_margin + 0.002
    baselines = [arm("baseline", BASELINE), arm("baseline", BASELINE, **other)]
    pairs = pairs_of([*baselines, WORSE, replace(WORSE, **other)])
    found = verdicts(pairs, margin=margin, metric=Metric.ACCURACY)
    assert [Outcome.NON_INFERIOR] * 2 == [verdict.outcome for verdict in found]


def test_a_setting_that_cannot_be_judged_does_not_ease_the_others():
    margin = one(WORSE).shown_margin + 0.002
    first, second = judged(WORSE, arm("half", [], lost=5), margin=margin)
    assert first.p == pytest.approx(2 * one(WORSE, margin=margin).p)
    assert second.p is None


def test_a_saving_that_diverged_is_never_non_inferior():
    found = one(arm("amp", BASELINE, diverged=1))
    assert (0, 0, 0) == (found.difference, found.low, found.p)
    assert Outcome.INCONCLUSIVE == found.outcome
    assert "1 of 5 seeds diverged or did not finish" == found.reason
    assert (1, 5) == (found.diverged, found.attempted)


def test_a_baseline_at_chance_judges_nobody():
    chance = replace(DIVERGED, kinds=(DivergenceKind.CHANCE,))
    found = one(SAME, baseline=arm("baseline", BASELINE, records=(record(divergence=chance),) * 5))
    assert Outcome.INCONCLUSIVE is found.outcome
    assert "no seed of the baseline is better than chance, so nothing could be lost" == found.reason


def test_a_seed_that_did_not_finish_counts_as_one_that_diverged():
    found = one(arm("amp", BASELINE, lost=1))
    assert (Outcome.INCONCLUSIVE, 1, 6) == (found.outcome, found.diverged, found.attempted)


def test_a_saving_that_diverged_may_be_degraded():
    saving = arm("amp", [right(*seed, *range(40, 80)) for seed in SEEDS], diverged=2)
    assert Outcome.DEGRADED == one(saving).outcome


def lost(rows, seed):
    """Return rows of which one seed answers nothing."""
    return [np.full(len(LABELS), np.nan) if place == seed else row for place, row in enumerate(rows)]


def test_answers_that_are_no_numbers_are_wrong_where_answers_are_counted():
    found = one(arm("amp", lost(BASELINE, 0), diverged=1))
    assert found.difference == pytest.approx(-0.98 / 5)
    assert Outcome.INCONCLUSIVE == found.outcome


def test_answers_that_are_no_numbers_degrade_where_the_metric_needs_them():
    found = one(arm("amp", lost(BASELINE, 0), diverged=1), metric=Metric.AUC)
    assert (Outcome.DEGRADED, None, None) == (found.outcome, found.difference, found.p)
    assert "not all answers of the saving are finite, which leaves no auc" == found.reason


def test_a_baseline_without_answers_is_no_one_elses_fault():
    found = one(arm("amp", lost(BASELINE, 0)), baseline=arm("baseline", lost(BASELINE, 0)), metric=Metric.AUC)
    assert Outcome.INCONCLUSIVE == found.outcome
    assert "not all answers of the baseline are finite" == found.reason


@pytest.mark.parametrize("saving", [SAME, arm("amp", [right(*seed, *range(40, 80)) for seed in SEEDS])])
def test_a_baseline_that_diverged_judges_nobody(saving):
    found = one(saving, baseline=arm("baseline", BASELINE, diverged=2))
    assert Outcome.INCONCLUSIVE == found.outcome
    assert "2 of 5 seeds of the baseline diverged or did not finish" == found.reason
    assert (2, 5) == (found.baseline_diverged, found.baseline_attempted)


def test_one_seed_shows_nothing_of_others():
    found = one(arm("amp", BASELINE[:1]))
    assert (Outcome.INCONCLUSIVE, (1,), None) == (found.outcome, found.seeds, found.low)
    assert "only seed 1, which shows nothing about other seeds" == found.reason


def test_of_one_seed_the_two_networks_are_compared_where_patients_are_independent():
    found = one(arm("amp", BASELINE[:1]), metric=Metric.SUBJECT_ACCURACY)
    assert found.reason.endswith("for just its two networks, over patients: -0.037 to +0.037 (Tango 1998)")
    assert Outcome.INCONCLUSIVE == found.outcome


def test_no_seed_in_common_is_inconclusive():
    found = one(arm("amp", BASELINE, seeds=(6, 7, 8, 9, 10)))
    assert (Outcome.INCONCLUSIVE, ()) == (found.outcome, found.seeds)
    assert "no seed finished in both arms" == found.reason


def test_one_patient_has_no_spread():
    alone = {"labels": LABELS[:2], "subjects": SUBJECTS[:2]}
    saving, baseline = (
        arm(name, BASELINE, probabilities=np.tile([0.1, 0.2], (5, 1)), **alone)
        for name in ("amp", "baseline")
    )
    assert "the metric is about only one patient of a class" == one(saving, baseline=baseline).reason


def test_patients_and_images_are_those_of_the_metric():
    found = one(SAME, metric=Metric.SENSITIVITY)
    assert (50, 100) == (found.patients, found.images)
    found = one(SAME, metric=Metric.SUBJECT_AUC)
    assert (100, 200) == (found.patients, found.images)


@pytest.mark.parametrize("margin", [0, -0.02, 1, 2, float("nan"), float("inf")])
def test_a_margin_lies_between_0_and_1(margin):
    with pytest.raises(
        OptionError, match=rf"^margin {margin:g}: give a margin above 0 and below 1, e.g. 0.02"
    ):
        one(SAME, margin=margin)


def test_a_run_of_baselines_has_nothing_to_judge():
    with pytest.raises(RecordError, match="no saving to judge"):
        judged()


def test_a_metric_without_a_meaning_is_refused():
    mixed = {"labels": np.arange(len(LABELS)) % 2}
    with pytest.raises(OptionError, match="metric subject_auc: subjects have images of both classes"):
        one(
            arm("amp", BASELINE, **mixed),
            baseline=arm("baseline", BASELINE, **mixed),
            metric=Metric.SUBJECT_AUC,
        )


def test_json_has_every_verdict_strictly():
    found = judged(SAME, arm("half", [], lost=2))
    expected = [asdict(verdict) | {"seeds": list(verdict.seeds), "apart": []} for verdict in found]
    assert expected == json.loads(to_json(found))
    with pytest.raises(ValueError, match="Out of range float"):
        to_json([replace(found[0], p=float("nan"))])


def cells(*savings, **given):
    return cells_of(verdict_table(judged(*savings, **given), width=160))


def cells_of(text):
    return [
        [cell.strip() for cell in line.strip("│").split("│")] for line in text.splitlines() if "│" in line
    ]


def test_a_row_has_what_a_saving_showed():
    found = one(WORSE, margin=0.1)
    expected = [
        *("rsna", "densenet", "amp", "-0.040", f"{found.low:+.3f} to {found.high:+.3f}"),
        *(f"{found.p:.3f}", f"{found.shown_margin:.3f}", f"{found.detectable_margin:.3f}", "0/5"),
        "non-inferior (but lower)",
    ]
    assert [expected] == cells(WORSE, margin=0.1)


def test_a_small_p_is_not_0():
    assert "<0.001" == cells(SAME)[0][5]


def test_a_row_without_a_comparison_has_dashes():
    assert [["rsna", "densenet", "half", *["-"] * 5, "2/2", "inconclusive"]] == cells(arm("half", [], lost=2))


def test_a_scale_has_a_column_where_any_is_downsampled():
    baselines = [arm("baseline", BASELINE, downsample=scale) for scale in (1, 4)]
    pairs = pairs_of([*baselines, SAME, replace(SAME, downsample=4)])
    text = verdict_table(verdicts(pairs, margin=0.02, metric=Metric.ACCURACY), width=160)
    assert [["amp", "1"], ["amp", "4"]] == [row[2:4] for row in cells_of(text)]
    assert "S: the side of the squares" in text
    assert "S: the side" not in verdict_table(judged(SAME), width=160)


@pytest.mark.parametrize("scale", [1, 4])
def test_no_word_is_cut_at_the_narrowest_width(scale):
    given = {"model": "efficientnet", "downsample": scale}
    text = verdict_table(
        judged(
            replace(WORSE, setting="8bit+stable", **given),
            baseline=arm("baseline", BASELINE, **given),
            margin=0.1,
        ),
        width=120,
    )
    for word in (
        "efficientnet",
        "8bit+stable",
        "difference",
        "interval",
        "diverged",
        "non-inferior",
        "lower)",
    ):
        assert f"{word} " in text
    assert "…" not in text
    assert all(line[-1] in "┓┩│┘" for line in text.splitlines() if line[0] in "┏┡│└")


def test_reasons_stand_below():
    text = verdict_table(judged(WORSE, margin=0.04), width=160)
    assert "rsna densenet amp: inconclusive: a loss of 0.04 lies within the interval." in text


def test_the_title_has_metric_and_margin_and_says_that_brier_is_turned():
    assert "accuracy, margin 0.02" in verdict_table(judged(SAME), width=160)
    assert "minus the Brier score, margin 0.02" in verdict_table(judged(SAME, metric=Metric.BRIER), width=160)


def test_few_seeds_are_a_smoke_test():
    caveat = "fewer than 5 seeds are a smoke test"
    assert caveat not in verdict_table(judged(SAME), width=160)
    assert caveat in verdict_table(judged(arm("amp", BASELINE[:4])), width=160)


# Too little evidence


def experiment(patients, *, seeds=5, positives=0.5, each=1, lost=(), **changes):
    """Return two arms of perfect networks, of which the saving loses some patients in every seed."""
    labels = np.repeat((np.arange(patients) < positives * patients).astype(int), each)
    subjects = np.repeat(np.arange(patients), each)
    perfect = np.tile(np.where(labels == 1, 0.9, 0.1), (seeds, 1))
    perfect += np.linspace(0, 0.05, seeds * len(labels)).reshape(seeds, -1)
    lossy = np.where(np.isin(subjects, lost), 1 - perfect, perfect)
    shared = {"labels": labels, "subjects": subjects, **changes}
    rows = [right() for _ in range(seeds)]
    return (
        arm("amp", rows, probabilities=lossy, **shared),
        arm("baseline", rows, probabilities=perfect, **shared),
    )


def reason_of(saving, baseline, **given):
    found = one(saving, baseline=baseline, **given)
    assert Outcome.INCONCLUSIVE == found.outcome
    return found.reason


def test_two_perfect_arms_of_three_patients_show_nothing():
    assert "3 patients; at least 30 are needed" == reason_of(*experiment(3), margin=0.001)


@pytest.mark.parametrize("patients", [40, 100, 180])
def test_equal_answers_of_few_patients_with_one_image_each_have_a_floor(patients):
    found = one(*experiment(patients)[:1], baseline=experiment(patients)[1])
    assert Outcome.INCONCLUSIVE == found.outcome
    assert found.shown_margin > 0.02


def test_equal_answers_of_many_patients_pass():
    saving, baseline = experiment(1000)
    assert Outcome.NON_INFERIOR == one(saving, baseline=baseline).outcome


def test_equal_answers_of_few_patients_with_several_images_are_too_few():
    expected = (
        "the difference rests on fewer than 15 patients, and 100 are too few to be sure of meeting one in "
        "50; 183 are needed"
    )
    assert expected == reason_of(*experiment(100, each=3))


@pytest.mark.parametrize("metric", [Metric.AUC, Metric.BALANCED_ACCURACY, Metric.SUBJECT_AUC])
def test_few_patients_of_a_class_show_nothing_by_class(metric):
    expected = "20 patients are positive and 380 are not; at least 30 of each are needed"
    assert expected == reason_of(*experiment(400, positives=0.05), metric=metric, margin=0.3)


def test_two_seeds_are_too_few():
    assert "2 seeds; at least 3 are needed" == reason_of(*experiment(1000, seeds=2), margin=0.3)


def test_a_baseline_that_tells_no_image_apart_judges_nobody():
    saving, baseline = experiment(400)
    constant = replace(baseline, probabilities=np.full_like(baseline.probabilities, 0.2))
    expected = "the baseline answers the same for every image"
    assert expected == reason_of(replace(saving, probabilities=constant.probabilities), constant)


def test_a_baseline_that_answers_nothing_judges_nobody():
    saving, baseline = experiment(400)
    nothing = np.full_like(baseline.probabilities, np.nan)
    arms = replace(saving, probabilities=nothing), replace(baseline, probabilities=nothing)
    assert "not all answers of the baseline are finite" == reason_of(*arms)


def test_the_classes_are_counted_and_printed():
    saving, baseline = experiment(400, positives=0.25)
    found = one(saving, baseline=baseline)
    assert (400, 100) == (found.patients, found.positive_patients)
    assert "400 patients, 100 of them positive, 400 images" in verdict_table([found], width=200)
