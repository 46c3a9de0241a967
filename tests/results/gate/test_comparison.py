"""Comparisons: what is worse than allowed, and all that keeps a comparison from passing."""

from statistics import stdev

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from redl.record import HERE, Conditions, Status
from redl.results.gate.bits import bits
from redl.results.gate.comparison import Comparison, Outcome, compare
from redl.results.gate.noise import CPU_SPREAD
from redl.results.gate.rule import DEFAULT_RULES
from tests.helpers.changes import replace
from tests.helpers.samples import DIVERGED, PHASE_CONDITIONS, WHOLE, broken, energy
from tests.helpers.saved import band_of, finished, reference_of, rules, run_of

ACCURACY = rules("accuracy:0.02")


def outcome(before, after, *texts, **options):
    return compare(run_of(before), run_of(after), rules(*texts) if texts else ACCURACY, **options).outcome


def faults(base, new, *texts, **options):
    found = compare(base, new, rules(*texts) if texts else ACCURACY, **options)
    assert Outcome.NOT_COMPARABLE is found.outcome
    return list(found.faults)


def environment(**entries):
    return {"fingerprint": str(sorted(entries.items())), "cpu": "a processor"} | entries


def test_equal_runs_pass():
    assert Outcome.FINE is outcome(finished(), finished())


@pytest.mark.parametrize(("after", "expected"), [(0.881, Outcome.FINE), (0.879, Outcome.REGRESSED)])
def test_accuracy_may_fall_by_what_is_allowed(after, expected):
    assert expected is outcome(finished(accuracy=0.9), finished(accuracy=after))


@pytest.mark.parametrize(
    ("after", "expected"), [(104, Outcome.FINE), (106, Outcome.REGRESSED), (50, Outcome.FINE)]
)
def test_memory_may_grow_by_a_share(after, expected):
    assert expected is outcome(finished(peak=100), finished(peak=after), "peak_memory:5%")


def test_the_larger_of_two_tolerances_applies():
    assert Outcome.FINE is outcome(finished(peak=100), finished(peak=140), "peak_memory:5%,50B")
    assert Outcome.REGRESSED is outcome(finished(peak=100), finished(peak=160), "peak_memory:5%,50B")


def test_improvements_are_reported():
    (change,) = compare(run_of(finished(accuracy=0.8)), run_of(finished(accuracy=0.9)), ACCURACY).changes
    assert change.improved
    assert not change.regressed


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 0.99))
def test_a_change_is_never_both_worse_and_better(before, after, allowed):
    (change,) = compare(
        run_of(finished(accuracy=before)), run_of(finished(accuracy=after)), rules(f"accuracy:{allowed:.6f}")
    ).changes
    assert not (change.regressed and change.improved)
    assert change.regressed == (before - after > change.allowed)
    assert before == change.before == change.expected


def test_a_cell_is_judged_by_the_mean_over_its_seeds():
    before = run_of(finished(seed=1, accuracy=0.9), finished(seed=10, accuracy=0.9))
    after = run_of(finished(seed=1, accuracy=0.86), finished(seed=10, accuracy=0.93))
    (change,) = compare(before, after, ACCURACY).changes
    assert ((1, 10), pytest.approx(0.895)) == (change.seeds, change.after)
    assert Outcome.FINE is compare(before, after, ACCURACY).outcome


def test_a_setting_that_starts_to_diverge_regresses():
    after = finished(status=Status.DIVERGED, divergence=DIVERGED)
    assert Outcome.REGRESSED is outcome(finished(), after, "diverged:0")
    assert Outcome.FINE is outcome(after, after, "diverged:0")


# Regressions beside what could not be judged.


WORSE_PEAK = {"peak": 900_000_000}


@pytest.mark.parametrize(
    ("after", "texts", "expected"),
    [
        (WORSE_PEAK, (), Outcome.REGRESSED),
        ({}, (), Outcome.NOT_COMPARABLE),
        ({}, ("accuracy:0.02", "peak_memory:noise"), Outcome.FINE),
        (WORSE_PEAK, ("accuracy:0.02", "peak_memory:noise"), Outcome.REGRESSED),
    ],
    ids=["regressed and not judged", "fine and not judged", "all fine", "regressed"],
)
def test_the_default_gate_without_a_reference_fails_but_finds_regressions(after, texts, expected):
    given = rules(*texts or DEFAULT_RULES)
    found = compare(run_of(finished()), run_of(finished(**after)), given)
    assert expected is found.outcome
    assert bool(found.faults) == (not texts)


@given(st.booleans(), st.booleans(), st.booleans())
def test_only_a_comparison_without_fault_or_regression_passes(regressed, missing, unmeasured):
    base = run_of(finished(), finished("amp"))
    new = finished(accuracy=0.5) if regressed else finished()
    others = () if missing else (finished("amp", accuracy=None if unmeasured else 0.9),)
    found = compare(base, run_of(new, *others), ACCURACY)
    faulty = missing or unmeasured
    expected = Outcome.REGRESSED if regressed else Outcome.NOT_COMPARABLE if faulty else Outcome.FINE
    assert (expected, faulty) == (found.outcome, bool(found.faults))


def test_nothing_that_can_be_compared_fails():
    assert Outcome.NOT_COMPARABLE is compare(run_of(), run_of(), ACCURACY).outcome
    unmeasured = run_of(finished(accuracy=None))
    assert Outcome.NOT_COMPARABLE is compare(unmeasured, unmeasured, ACCURACY).outcome
    nothing = bits((), ({}, {}), ({}, {}))
    empty = Comparison(baseline="a.json", bits=nothing, changes=(), faults=(), cases=0, deselected=0)
    assert Outcome.NOT_COMPARABLE is empty.outcome


# What must not pass in silence.


def test_a_case_that_left_the_run_fails():
    before = run_of(finished(), finished("amp"))
    assert ["rsna-densenet-amp-seed1: is in the baseline and not in this run"] == faults(
        before, run_of(finished())
    )


def test_a_case_that_the_baseline_does_not_know_fails():
    (fault,) = faults(run_of(finished()), run_of(finished(), finished("amp")))
    assert (
        "rsna-densenet-amp-seed1: is not in the baseline; to add it, set this run by "
        "`redl baseline set RUN`" == fault
    )


def test_a_case_that_was_to_run_and_left_no_record_fails():
    new = run_of(finished(), collected=["rsna-densenet-baseline-seed1", "rsna-densenet-amp-seed1"])
    (fault,) = faults(run_of(finished(), finished("amp")), new)
    assert (
        "rsna-densenet-amp-seed1: was to run and left no record; it was skipped or ended in an error" == fault
    )


def test_a_case_that_was_left_out_on_purpose_is_counted_and_does_not_fail():
    new = run_of(finished(), deselected=["rsna-densenet-amp-seed1"])
    found = compare(run_of(finished(), finished("amp")), new, ACCURACY)
    assert (Outcome.FINE, 1, 1) == (found.outcome, found.cases, found.deselected)


@pytest.mark.parametrize("side", ["the baseline", "this run"])
def test_a_case_that_did_not_finish_fails_on_either_side(side):
    sides = [run_of(broken()), run_of(finished("amp"))]
    base, new = sides if side == "the baseline" else sides[::-1]
    assert [f"rsna-densenet-amp-seed1: did not finish in {side}: oom: MemoryError: too large"] == faults(
        base, new
    )


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
@pytest.mark.parametrize("side", ["the baseline", "this run"])
def test_a_figure_that_is_no_number_fails_on_either_side(side, value):
    sides = [run_of(finished(accuracy=value)), run_of(finished())]
    base, new = sides if side == "the baseline" else sides[::-1]
    expected = f"rsna-densenet-baseline: accuracy is not known in {side}; measure it or drop the rule"
    assert [expected] == faults(base, new)


def test_a_figure_that_one_seed_lacks_is_not_the_mean_of_the_others():
    base = run_of(finished(seed=1), finished(seed=2))
    new = run_of(finished(seed=1), finished(seed=2, accuracy=None))
    (fault,) = faults(base, new)
    assert "accuracy is not known in this run" in fault


def test_zero_cases_fail():
    assert ["there is no case to compare"] == faults(run_of(), run_of())
    everything = run_of(finished("amp"), deselected=["rsna-densenet-baseline-seed1"])
    assert "there is no case to compare" in faults(run_of(finished()), everything)


def test_no_rule_of_a_case_fails():
    (fault,) = faults(run_of(finished()), run_of(finished()), "swin/accuracy:0.02")
    assert "rsna-densenet-baseline: no rule applies to it; give one, e.g. accuracy:0.02" == fault


def test_other_data_fail():
    other = finished(data=replace(WHOLE.data, fingerprint="f" * 64))
    assert ["rsna-densenet-baseline-seed1: saw other data than the baseline"] == faults(
        run_of(finished()), run_of(other)
    )


def test_another_recipe_fails():
    other = finished(recipe=replace(WHOLE.recipe, epochs=5))
    assert ["rsna-densenet-baseline-seed1: epochs was 4 in the baseline and is 5"] == faults(
        run_of(finished()), run_of(other)
    )
    flags = replace(WHOLE.recipe.flags, tf32=True)
    (fault,) = faults(run_of(finished()), run_of(finished(recipe=replace(WHOLE.recipe, flags=flags))))
    assert "tf32 was False in the baseline and is True" in fault


def test_another_machine_fails_and_is_named():
    before, after = finished(environment=environment()), finished(environment=environment(torch="9"))
    (fault,) = faults(run_of(before), run_of(after))
    assert "another machine or software: torch was None in the baseline and is 9" in fault
    assert Outcome.FINE is outcome(before, after, other_machine=True)


def test_another_commit_is_what_one_compares():
    before = finished(environment={"fingerprint": "1", "git_commit": "a"})
    assert Outcome.FINE is outcome(before, finished(environment={"fingerprint": "1", "git_commit": "b"}))


def test_other_sizes_that_nothing_names_fail():
    before, after = finished(environment={"fingerprint": "1"}), finished(environment={"fingerprint": "2"})
    assert "was obtained with other sizes than the baseline" in faults(run_of(before), run_of(after))[0]


@pytest.mark.parametrize("figure", ["train_time", "inference_time", "energy", "inference_energy"])
def test_costs_of_another_machine_cannot_be_gated(figure):
    (fault,) = [
        f
        for f in faults(run_of(finished()), run_of(finished()), f"{figure}:25%", other_machine=True)
        if "leave" in f
    ]
    assert f"{figure}:25%: {figure} depends on machine and software; leave the rule out" == fault


# The noise that is allowed.

ACCURACIES = [0.90, 0.91, 0.92, 0.93, 0.94, 0.90, 0.91, 0.92, 0.93, 0.94]


def judged(before, after, *texts, bands=(WHOLE,), answers=None):
    """Compare two runs by the repeats of cases that all have ACCURACIES, but the first in another order."""
    order = np.random.default_rng(0)
    first, *others = bands
    mixed = [band_of(record, order.permutation(ACCURACIES).tolist()) for record in others]
    reference = reference_of(band_of(first, ACCURACIES), *mixed)
    runs = [run_of(*before), run_of(*after)]
    if answers:
        runs = [replace(run, read_predictions=lambda: answers) for run in runs]
    return compare(*runs, rules(*texts or ("accuracy:noise",)), reference=reference)


def test_a_noisy_score_is_expected_where_the_reference_and_the_baseline_lie():
    (change,) = judged([finished(accuracy=0.81)], [finished(accuracy=0.9)]).changes
    assert (0.81, pytest.approx((9.2 + 0.81) / 11)) == (change.before, change.expected)


def test_a_baseline_that_is_itself_a_repeat_counts_once():
    (change,) = judged([finished(accuracy=ACCURACIES[1])], [finished(accuracy=0.9)]).changes
    assert pytest.approx(0.92) == change.expected


def test_a_noisy_score_may_fall_by_what_is_allowed():
    (change,) = judged([finished(accuracy=0.92)], [finished(accuracy=0.92)]).changes
    for share, expected in ((0.99, False), (1.01, True)):
        after = change.expected - share * change.allowed
        (found,) = judged([finished(accuracy=0.92)], [finished(accuracy=after)]).changes
        assert expected == found.regressed


SETTINGS = ["baseline", "amp", "8bit", "half"]


def test_a_fall_that_all_cells_share_is_found_where_none_is_by_itself():
    cases = [finished(setting, accuracy=0.92) for setting in SETTINGS]
    alone = judged(cases, cases, bands=cases).changes
    (whole,) = [change.allowed for change in alone if change.cells == 4]
    fall = 1.05 * whole
    assert fall < min(change.allowed for change in alone if change.cells == 1)
    fallen = [finished(setting, accuracy=0.92 - fall) for setting in SETTINGS]
    found = judged(cases, fallen, bands=cases)
    assert Outcome.REGRESSED is found.outcome
    assert ["all cases"] == [change.cell for change in found.changes if change.regressed]


def test_cells_whose_digits_did_not_move_need_no_statistics():
    record = finished(accuracy=0.5)  # far below the repeats, as it was
    answers = {record.case.id: "equal"}
    (change,) = judged([record], [record], answers=answers).changes
    assert (0.0, False) == (change.allowed, change.regressed)
    (found,) = judged([record], [record]).changes
    assert found.regressed


def test_aucs_that_the_reference_lacks_are_noted_and_not_gated():
    before, after = [finished(accuracy=0.92)], [finished(accuracy=0.92)]
    reference = reference_of(replace(band_of(WHOLE, ACCURACIES), aucs=()))
    given = rules("accuracy:noise", "auc:noise")
    found = compare(run_of(*before), run_of(*after), given, reference=reference)
    assert (Outcome.FINE, ["accuracy"]) == (found.outcome, [c.figure.name for c in found.changes])
    (note,) = found.notes
    assert "auc: the reference has none of rsna-densenet-baseline, where it is not gated" in note
    only = compare(run_of(*before), run_of(*after), rules("auc:noise"), reference=reference)
    assert Outcome.NOT_COMPARABLE is only.outcome


@pytest.mark.parametrize(
    ("reference", "fault"),
    [
        (None, "it has no reference"),
        (reference_of(), "it has no reference"),
        (
            reference_of(replace(band_of(WHOLE, ACCURACIES), data_fingerprint="f")),
            "its reference differs in data",
        ),
    ],
)
def test_noise_that_nobody_measured_fails(reference, fault):
    (found,) = faults(run_of(finished()), run_of(finished()), "accuracy:noise", reference=reference)
    expected = f"accuracy:noise: {fault}; write one by --redl-save-reference, or give a number, "
    expected += "e.g. accuracy:0.02"
    assert f"rsna-densenet-baseline: {expected}" == found


def test_noise_of_memory_is_the_devices():
    peak, mib = 10**9, 2**20
    for after, end in ((peak * (1 + CPU_SPREAD) - 1, Outcome.FINE), (peak * 1.05, Outcome.REGRESSED)):
        assert end is outcome(finished(peak=peak), finished(peak=int(after)), "peak_memory:noise")
    on_device = [
        finished(memory=replace(WHOLE.memory, device="cuda", train_peak_bytes=found))
        for found in (100 * mib, 107 * mib, 109 * mib, 2000 * mib, 2019 * mib, 2021 * mib)
    ]
    ends = [
        outcome(on_device[base], on_device[new], "peak_memory:noise")
        for base, new in ((0, 1), (0, 2), (3, 4), (3, 5))
    ]
    assert [Outcome.FINE, Outcome.REGRESSED, Outcome.FINE, Outcome.REGRESSED] == ends


def test_noise_of_a_peak_is_the_references_where_that_is_more():
    peaks = tuple(500_000_000 + 10_000_000 * number for number in range(10))
    band = replace(band_of(WHOLE, ACCURACIES), train_peak_bytes=peaks)
    allowed = 3.249836 * stdev(peaks) * 2**0.5  # Student's t, 9 degrees of freedom, 99.5 %
    assert allowed > CPU_SPREAD * 512_000_000
    for grown, end in ((0.99 * allowed, Outcome.FINE), (1.01 * allowed, Outcome.REGRESSED)):
        after = finished(peak=round(512_000_000 + grown))
        found = outcome(finished(), after, "peak_memory:noise", reference=reference_of(band))
        assert end is found
    other = reference_of(replace(band, data_fingerprint="f"))
    after = finished(peak=round(512_000_000 + 0.99 * allowed))
    assert Outcome.REGRESSED is outcome(finished(), after, "peak_memory:noise", reference=other)


def test_peaks_that_are_gated_at_once_share_the_false_alarms():
    peaks = tuple(500_000_000 + 10_000_000 * number for number in range(10))
    cases = [finished(setting, peak=512_000_000) for setting in SETTINGS]
    reference = reference_of(*(replace(band_of(c, ACCURACIES), train_peak_bytes=peaks) for c in cases))
    allowed = {}
    for count in (1, 4):
        runs = run_of(*cases[:count]), run_of(*cases[:count])
        found = compare(*runs, rules("peak_memory:noise"), reference=reference)
        allowed[count] = {change.allowed for change in found.changes}
    assert 1 == len(allowed[4])
    assert min(allowed[4]) > 1.2 * max(allowed[1])


def test_noise_of_a_small_peak_is_counted_in_bytes():
    for grown, end in ((4_000_000, Outcome.FINE), (4_300_000, Outcome.REGRESSED)):
        after = finished(peak=40_000_000 + grown)
        assert end is outcome(finished(peak=40_000_000), after, "peak_memory:noise")


def test_noise_of_costs_per_image_is_a_tripwire():
    def spent(wh):
        whole = energy(energy_wh=wh)
        return finished(energy=replace(whole, train=replace(whole.train, energy_wh_per_image=wh)))

    for after, end in ((124.0, Outcome.FINE), (126.0, Outcome.REGRESSED)):
        assert end is outcome(spent(100.0), spent(after), "energy_per_image:noise")


@pytest.mark.parametrize("figure", ["train_time", "energy"])
def test_costs_with_the_number_of_epochs_in_them_have_no_noise(figure):
    spent = finished(energy=energy(energy_wh=1.0))
    (fault,) = faults(run_of(spent), run_of(spent), f"{figure}:noise")
    assert f"gate {figure}_per_image:noise, and epochs by a number, e.g. epochs:20%" in fault


def test_noise_of_other_scores_was_never_measured():
    (fault,) = faults(run_of(finished()), run_of(finished()), "brier:noise")
    assert "brier:noise: the noise of brier was never measured; give a number, e.g. brier:0.02" in fault


def timed(setting="baseline", *, images_per_second=100.0, foreign=0.0, **phases):
    """Return the record of a case that shared its processors with others."""
    quiet = replace(PHASE_CONDITIONS, foreign_cpu_share=0.0)
    busy = replace(quiet, foreign_cpu_share=foreign)
    return finished(
        setting,
        training=replace(WHOLE.training, images_per_second=images_per_second),
        conditions=Conditions(**({"train": busy, "inference": quiet} | phases)),
    )


def test_a_time_taken_under_foreign_load_is_not_gated_and_said():
    before = [timed(), timed("amp")]
    after = [timed(), timed("amp", images_per_second=10.0, foreign=0.5)]
    found = compare(run_of(*before), run_of(*after), rules("train_time_per_image:25%"))
    assert Outcome.FINE is found.outcome
    assert ["rsna-densenet-baseline"] == [change.cell for change in found.changes]
    assert (
        "train_time_per_image: taken under foreign load in rsna-densenet-amp, where it is not gated",
    ) == found.notes


def test_a_time_of_a_case_that_shared_its_device_is_not_gated():
    after = [timed(), replace(timed("amp", images_per_second=10.0), placement=replace(HERE, shared=True))]
    found = compare(run_of(timed(), timed("amp")), run_of(*after), rules("train_time_per_image:25%"))
    assert ["rsna-densenet-baseline"] == [change.cell for change in found.changes]


def test_a_gate_of_times_that_were_all_taken_under_foreign_load_fails():
    (fault,) = faults(run_of(timed()), run_of(timed(foreign=0.5)), "train_time_per_image:25%")
    expected = "train_time_per_image: taken under foreign load in rsna-densenet-baseline; run again where"
    assert fault.startswith(expected)


def test_foreign_load_in_training_is_no_fault_of_inference_or_of_scores():
    busy = run_of(timed(foreign=0.5))
    assert Outcome.FINE is compare(busy, busy, rules("inference_time:25%", "accuracy:0.02")).outcome


@pytest.mark.parametrize("figure", ["accuracy", "auc"])
def test_noise_beside_a_number_allows_the_larger_in_each_case(figure):
    band = replace(band_of(WHOLE, ACCURACIES), aucs=tuple(ACCURACIES))
    reference = reference_of(band)
    for number, expected in (("0.9", 0.9), ("0.0001", 2.573804 * band.spread * 2**0.5)):  # t9 of 98 %
        (change,) = compare(
            run_of(finished()), run_of(finished()), rules(f"{figure}:noise,{number}"), reference=reference
        ).changes
        assert pytest.approx(expected, rel=0.1) == change.allowed


def test_noise_of_an_auc_beside_a_number_needs_aucs():
    reference = reference_of(band_of(WHOLE, ACCURACIES))
    (fault,) = faults(run_of(finished()), run_of(finished()), "auc:noise,0.01", reference=reference)
    assert "auc:noise,0.01: the reference has no AUCs; renew it by --redl-save-reference" in fault
