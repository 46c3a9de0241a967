"""Checks of cases: what passes, and everything that must not."""

import pytest

from redl.record import Divergence, DivergenceKind, Status
from redl.results.checks import check_case, companion_of
from redl.results.reference import COMPARED, Band
from redl.study.case import Model, Setting
from redl.study.profile import SMOKE, TINY
from tests.helpers.changes import replace
from tests.helpers.samples import DIVERGED, ELSEWHERE, WHOLE, broken, record

FLOAT16 = replace(WHOLE.recipe, weights_dtype="float16")


def problems(found, baseline=WHOLE, profile=SMOKE):
    return list(check_case(found, profile, baseline).problems)


def test_a_good_case_passes_and_is_compared():
    check = check_case(record(Setting.AMP, 0.88), SMOKE, WHOLE)
    assert ((), "-0.020") == (check.problems, check.comparison)


@pytest.mark.parametrize("status", [Status.OOM, Status.KILLED, Status.CRASHED, Status.TIMEOUT, Status.FAILED])
def test_a_case_that_did_not_finish_fails(status):
    assert [f"did not finish: {status}: MemoryError: too large"] == problems(broken(status=status))


def test_an_unexpected_divergence_fails():
    found = record(Setting.AMP, status=Status.DIVERGED, divergence=DIVERGED)
    assert ["diverged: loss not finite in epoch 2"] == problems(found)


def test_half_in_float16_must_diverge():
    assert ["did not diverge, though float16 weights with ordinary Adam are known to"] == problems(
        record(Setting.HALF, recipe=FLOAT16)
    )


def test_half_in_float16_that_diverges_passes_and_is_not_compared():
    found = record(Setting.HALF, None, recipe=FLOAT16, status=Status.DIVERGED, divergence=DIVERGED)
    check = check_case(found, SMOKE, WHOLE)
    assert ((), "not compared: diverged, as expected") == (check.problems, check.comparison)


def test_half_in_bfloat16_must_not_diverge():
    found = record(Setting.HALF, status=Status.DIVERGED, divergence=DIVERGED)
    assert ["diverged: loss not finite in epoch 2"] == problems(found)


def test_no_better_than_the_majority_class_fails():
    assert ["test accuracy 0.799 is below the majority class's 0.700 + 0.1"] == problems(
        record(accuracy=0.799)
    )


@pytest.mark.parametrize(
    ("ideal", "accuracy", "expected"),
    [
        # 20 test subjects: 0.8 + 3.09 * sqrt(0.8 * 0.2 / 20) = 1.076
        (0.8, 1.0, []),
        # 0.6 + 3.09 * sqrt(0.6 * 0.4 / 20) = 0.938
        (0.6, 0.938, []),
        (
            0.6,
            0.94,
            [
                "test accuracy 0.940 beats the ideal observer's 0.600 beyond chance (0.938 with 20 "
                "subjects): the label leaks into the images"
            ],
        ),
        (1.0, 1.0, []),
        (None, 1.0, []),
    ],
)
def test_a_result_beyond_the_ideal_observer_and_chance_fails(ideal, accuracy, expected):
    assert expected == problems(record(accuracy=accuracy, data=replace(WHOLE.data, ideal_accuracy=ideal)))


def test_far_below_the_baseline_fails():
    found = problems(record(Setting.AMP, 0.82), record(accuracy=0.95))
    assert ["test accuracy -0.130 against the baseline, beyond the tolerance of 0.1"] == found


def test_above_the_baseline_passes():
    assert [] == problems(record(Setting.AMP, 0.99), record(accuracy=0.81))


def test_an_accuracy_that_is_missing_fails():
    assert 2 == len(problems(record(Setting.AMP, None)))


def test_without_a_baseline_it_says_not_compared():
    expected = "not compared: nothing in this run to compare with"
    assert expected == check_case(record(Setting.AMP), SMOKE, None).comparison


def test_a_baseline_of_another_machine_is_not_compared_with_and_nothing_is_wrong():
    other = check_case(record(Setting.AMP, 0.81), SMOKE, replace(WHOLE, environment=ELSEWHERE))
    expected = "not compared: its baseline ran under another fingerprint"
    assert ((), expected) == (other.problems, other.comparison)


def test_a_downsampled_case_is_not_compared_with_one_in_full_size_of_another_machine():
    found = replace(WHOLE, case=replace(WHOLE.case, downsample=2), environment=ELSEWHERE)
    expected = "not compared: the case in full size ran under another fingerprint"
    assert expected == check_case(found, SMOKE, WHOLE).comparison


def test_a_baseline_of_another_commit_is_compared_with():
    other = replace(WHOLE, environment=WHOLE.environment | {"git_commit": "0" * 40, "fingerprint": "1"})
    assert "+0.000" == check_case(record(Setting.AMP), SMOKE, other).comparison


def test_a_baseline_of_other_data_is_not_compared_with():
    other = record(data=replace(WHOLE.data, fingerprint="1" * 64))
    assert (
        "not compared: the other case saw other data"
        == check_case(record(Setting.AMP), SMOKE, other).comparison
    )


def test_a_tiny_run_is_not_judged_by_accuracy():
    check = check_case(record(Setting.AMP, 0.1), TINY, None)
    assert ((), "not compared: tiny run") == (check.problems, check.comparison)


def test_a_baseline_is_of_the_same_seed():
    case = record(Setting.AMP).case
    assert WHOLE is companion_of(case, [record(Setting.EIGHT_BIT), WHOLE])
    assert None is companion_of(replace(case, seed=2), [WHOLE])


def test_a_broken_baseline_serves_nobody():
    assert None is companion_of(record(Setting.AMP).case, [broken(Setting.BASELINE)])


def at(downsample, setting=Setting.AMP_EIGHT_BIT, accuracy=0.9, **changes):
    found = record(setting, accuracy, **changes)
    return replace(found, case=replace(found.case, downsample=downsample))


def test_a_downsampled_case_is_compared_with_itself_at_full_size():
    found, full = at(4, accuracy=0.75), at(1)
    assert full is companion_of(found.case, [WHOLE, full])
    check = check_case(found, SMOKE, full)
    assert ((), "-0.150") == (check.problems, check.comparison)


KNOWN_BY_CHANCE = Divergence(
    ever=True, final=True, first_epoch=3, kinds=(DivergenceKind.CHANCE,), reasons=("validation AUC of 0.5",)
)


def test_a_network_at_chance_fails():
    found = record(Setting.AMP, 0.7, divergence=KNOWN_BY_CHANCE)
    assert ["diverged: validation AUC of 0.5"] == problems(found)


def test_a_validation_part_too_small_to_tell_is_no_fault_of_answers_that_beat_the_majority():
    assert [] == problems(record(Setting.AMP, 0.9, divergence=KNOWN_BY_CHANCE))


def test_a_collapse_fails_whatever_it_scores():
    collapsed = replace(KNOWN_BY_CHANCE, kinds=(DivergenceKind.COLLAPSE,))
    assert 1 == len(problems(record(Setting.AMP, 0.9, divergence=collapsed)))


def test_a_network_that_was_not_finite_once_fails_however_it_ended():
    broke = replace(KNOWN_BY_CHANCE, final=False, kinds=(DivergenceKind.HARD,))
    assert 1 == len(problems(record(Setting.AMP, divergence=broke)))


def test_a_downsampled_network_or_a_tiny_run_may_be_at_chance():
    assert [] == problems(at(4, divergence=KNOWN_BY_CHANCE))
    assert [] == problems(record(Setting.AMP, divergence=KNOWN_BY_CHANCE), profile=TINY)


def test_a_downsampled_network_must_not_break_down():
    assert ["diverged: loss not finite in epoch 2"] == problems(at(4, divergence=DIVERGED))


def test_a_models_own_margin_counts():
    mlp = record(accuracy=0.73)
    mlp = replace(mlp, case=replace(mlp.case, model=Model.MLP))
    assert [] == problems(mlp)
    assert 1 == len(problems(record(accuracy=0.73)))


BAND = Band(
    dataset="rsna",
    model="densenet",
    setting="amp",
    downsample=1,
    seeds=tuple(range(10)),
    accuracies=(0.9, 0.91, 0.92, 0.9, 0.91, 0.92, 0.9, 0.91, 0.92, 0.91),
    train_peak_bytes=(512_000_000,) * 10,
    majority_accuracy=0.7,
    test_images=20,
    data_fingerprint=WHOLE.data.fingerprint,
    recipe={"network": "densenet121"},
)


def banded(accuracy, **changes):
    found = record(Setting.AMP, accuracy, **changes)
    band = replace(BAND, recipe={name: getattr(WHOLE.recipe, name) for name in COMPARED})
    return list(check_case(found, SMOKE, None, band).problems)


def test_an_accuracy_within_its_band_passes():
    assert [] == banded(0.9)


def test_an_accuracy_below_its_band_fails():
    # 0.91 - 4.2968 (Student's t, 9 degrees, 0.999) * 0.05 (an image of 20) * sqrt(1.1) = 0.685
    (problem,) = banded(0.68, data=replace(WHOLE.data, majority_accuracy=0.5))
    assert "test accuracy 0.680 is below 0.685, what 10 seeds of the reference allow (mean 0.910)" == problem


def test_a_band_of_other_data_or_another_recipe_is_not_compared_with():
    low = replace(WHOLE.data, majority_accuracy=0.5)
    assert [] == banded(0.68, data=replace(low, fingerprint="1" * 64))
    assert [] == banded(0.68, data=low, recipe=replace(WHOLE.recipe, epochs=9))
