"""The forecast: sums by hand, and what is not known where no saved run tells it."""

import pytest

from redl.metering.assumptions import Assumptions
from redl.record import Counts
from redl.results.forecast.forecast import unknown_sorts
from redl.results.forecast.history import History, sort_asked
from redl.results.forecast.rate import rate_measured
from redl.study.profile import PAPER, SMOKE
from tests.helpers.changes import replace
from tests.helpers.forecasts import DATA, IMAGES, options, planned, probed, timed, took


def reason(found):
    (expected,) = found.expected
    return expected.reason


def test_the_seconds_of_a_case_are_those_of_all_it_does():
    # 6 epochs of 60 images at 10 a second; 7 x 20 answers for validation; 5 passes of 0.2 s for the window
    # of 1 s and 3 rounds over 20 test images at 100 a second; 20 passes of one image at 0.02 s.
    assert 36 + 1.4 + 1.6 + 0.4 == pytest.approx(planned(timed()).costs[0].seconds)


def test_passes_go_on_until_the_window_is_over():
    # of 0.2 s each: 6 for 1.1 s, where 5 do for 1 s
    longer = planned(timed(), profile=replace(SMOKE, inference_window_s=1.1))
    assert 0.2 == pytest.approx(longer.costs[0].seconds - planned(timed()).costs[0].seconds)


def test_two_phases_wait_for_the_heat():
    assert 10 == pytest.approx(
        planned(timed(), settle_s=5.0).costs[0].seconds - planned(timed()).costs[0].seconds
    )


def test_energy_has_the_pue_that_was_given():
    # 360 images of training, 100 of the passes that are metered
    found = planned(timed(wh=0.001), assumptions=Assumptions(pue=1.5))
    assert 1.5 * 0.46 == pytest.approx(found.costs[0].energy_wh)


def test_energy_that_was_never_measured_is_none():
    assert planned(timed()).costs[0].energy_wh is None


def test_prepared_images_take_a_byte_a_pixel():
    assert 100 * 32**2 == planned(timed()).prepared_bytes


def test_the_saved_run_is_as_large_as_its_cases_were():
    assert 3000 == planned(timed(), timed(seed=2), case_bytes={"smoke": 1500}).saved_bytes


def test_a_run_of_a_profile_that_was_never_saved_has_no_size():
    assert planned(timed(), case_bytes={"tiny": 1500}).saved_bytes is None


def test_the_epochs_of_a_case_are_three_files():
    # 4 bytes of weights and 8 of optimizer state
    assert 3 * 12 == planned(timed()).epochs_bytes


def test_the_memory_is_the_largest():
    large = timed(setting="amp", memory=replace(timed().memory, train_peak_bytes=900_000_000))
    assert 900_000_000 == planned(timed(), large).memory_bytes


def test_two_workers_share_the_cases():
    found = planned(timed(), timed(seed=2))
    assert found.costs[0].seconds == found.makespan(2)


def test_a_setting_that_was_never_trained_is_not_known():
    case = replace(timed().case, setting="amp")
    assert "densenet: a setting that was never trained here" == reason(planned(timed(), cases=[case]))


def test_other_sizes_of_images_tell_nothing():
    found = planned(timed(), profile=replace(SMOKE, image_size=64))
    assert "images of 64 pixels in batches of 32" in reason(found)


def test_a_downsampled_case_is_not_told_from_a_whole_one():
    case = replace(timed().case, downsample=4)
    assert "downsampled by 4" in reason(planned(timed(), cases=[case]))


@pytest.mark.parametrize(
    "change",
    [
        {"data": replace(DATA, lidc=replace(DATA.lidc, min_raters=3), cohort=replace(DATA.cohort, site=1))},
        {"profile": replace(SMOKE, images=50)},
    ],
)
def test_other_data_are_not_counted(change):
    found = planned(timed(), **change)
    assert ({"rsna": None}, None) == (found.images, found.prepared_bytes)
    assert "the images of these rsna data: not counted" == reason(found)


def test_patients_are_not_counted_by_a_phantom():
    patients = timed(data=replace(timed().data, synthetic=False))
    assert planned(patients).images == {"rsna": None}


def test_a_phantom_of_another_profile_is_not_counted():
    assert planned(timed(), profile=replace(PAPER, image_size=32)).images == {"rsna": None}


def test_the_same_data_are_counted():
    assert {"rsna": IMAGES} == planned(timed()).images


def test_the_overhead_of_its_process_is_part_of_a_case():
    # 2 s more than the 16.1 s that the record's own images explain
    assert 2.0 == pytest.approx(planned(took(18.1)).costs[0].seconds - planned(timed()).costs[0].seconds)


def test_images_that_were_counted_come_before_those_of_saved_runs():
    counts = Counts(train=6, valid=2, test=2)
    assert counts == planned(timed(), counted={"rsna": counts}).images["rsna"]


def test_images_that_cannot_be_counted_are_those_of_saved_runs():
    assert IMAGES == planned(timed(), counted={"rsna": "no table"}).images["rsna"]


def test_why_images_cannot_be_counted_is_said():
    patients = timed(data=replace(timed().data, synthetic=False))
    expected = "the images of these rsna data: not counted; no table"
    assert expected == reason(planned(patients, counted={"rsna": "no table"}))


def measured(found):
    """Return a forecast of a case that no saved run tells, with what was found of its sort."""
    case = replace(timed().case, setting="amp")
    return planned(cases=[case], counted={"rsna": IMAGES}, measured={sort_asked(case, options()): found})


def test_a_case_that_was_measured_is_known():
    # 6 epochs of 60 images at 25 a second; 7 x 20 answers for validation; 5 passes of 0.2 s for the window of
    # 1 s and 3 rounds over 20 test images at 100 a second; 20 passes of one image at 0.02 s; a start of 2 s.
    found = measured(rate_measured(probed()))
    assert 14.4 + 1.4 + 1.6 + 0.4 + 2.0 == pytest.approx(found.costs[0].seconds)
    assert found.costs[0].energy_wh is None


def test_why_a_case_could_not_be_measured_is_said():
    assert "densenet with amp: no" == reason(measured("densenet with amp: no"))


def test_saved_runs_come_before_what_was_measured():
    both = planned(timed(), measured={sort_asked(timed().case, options()): rate_measured(probed())})
    assert 0 == both.costs[0].rate.steps


def test_sorts_that_no_run_tells_are_asked_for_once():
    cases = [
        replace(timed().case, setting=setting, seed=seed)
        for setting in ("amp", "baseline")
        for seed in (1, 2)
    ]
    history = History(records=(timed().finished(),))
    assert [sort_asked(cases[0], options())] == unknown_sorts(cases, options(), history)
