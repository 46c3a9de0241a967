"""The text: what is not known is said to be, with the reason, and never 0."""

import pytest

from redl.record import EnergyKind
from redl.results.forecast.history import sort_asked
from redl.results.forecast.rate import rate_measured
from redl.results.forecast.text import forecast_text
from tests.helpers.changes import replace
from tests.helpers.forecasts import IMAGES, options, planned, probed, timed, took


def text(*records, **changes):
    return " ".join(forecast_text(planned(*records, **changes), width=400).split())


def test_the_last_row_is_of_all():
    found = forecast_text(planned(timed(wh=0.5)), width=160)
    cells = found.split("all ")[1].splitlines()[0].replace("│", " ").split()
    # 39.4 s, 230 Wh, 445 g CO2eq a kWh
    assert ["1", "1", "0.0109", "0.23", "0.102", "512"] == cells


@pytest.mark.parametrize(
    "words",
    [
        "all │ 1 │ 0 │ unknown │ unknown │ unknown │ unknown │",
        "disk: prepared images unknown, epochs kept of one case at a time unknown, saved run unknown",
        "to know them: --redl-plan=measure takes a few steps of each kind; or save one run of them",
    ],
)
def test_what_no_run_tells_is_unknown(words):
    case = replace(timed().case, setting="amp", dataset="lidc")
    assert words in text(timed(), cases=[case])


def test_one_saved_case_tells_no_error():
    assert "error: unknown, because no two saved cases are alike" in text(timed())


def test_no_case_that_is_known_has_no_makespan():
    case = replace(timed().case, setting="amp")
    assert "makespan" not in text(timed(), cases=[case])


def test_cases_of_which_one_has_no_energy_have_none_together():
    assert "all │ 2 │ 2 │ 0.0219 │ unknown │ unknown │" in text(timed(wh=1.0), timed(setting="amp"))


def test_the_makespan_is_of_1_2_4_and_8_workers():
    found = text(timed(), timed(seed=2))
    assert "0.0219 h with 1 worker, 0.0109 h with 2 workers, 0.0109 h with 4 workers" in found


def test_the_error_is_said():
    found = text(timed(per_s=1.0), timed(seed=2, per_s=2.0))
    assert "2 saved cases, each predicted from the others like it, were off by 75% in the median" in found


def test_reasons_are_counted():
    cases = [replace(timed().case, setting="amp", seed=seed) for seed in (1, 2)]
    assert "unknown: 2 cases (densenet: a setting that was never trained here)" in text(timed(), cases=cases)


def by_steps(*records, **changes):
    """Return the text where a second setting was measured, beside what records tell."""
    cases = [replace(timed().case, setting="amp", seed=seed) for seed in (1, 2)]
    rate = rate_measured(probed(**changes))
    return text(
        *records,
        cases=[*(one.case for one in records), *cases],
        counted={"rsna": IMAGES},
        measured={sort_asked(cases[0], options()): rate},
    )


@pytest.mark.parametrize(
    "words",
    [
        "tell (1 of them) or a few steps; sums",
        "kWh unknown: a few steps are too short to measure energy",
        "measured: 2 cases of 1 kind, each by 9 training steps on noise in 3 rounds, which differed by "
        "25% in the median and by 25% at most",
    ],
)
def test_what_was_measured_is_said_with_its_error(words):
    assert words in by_steps()


@pytest.mark.parametrize(
    "words", ["or a few steps;", "too short to measure energy", "training steps on noise"]
)
def test_a_plan_from_saved_runs_speaks_of_no_steps(words):
    assert words not in text(timed())


def test_a_plan_from_steps_speaks_of_no_saved_cases():
    assert "error:" not in by_steps()


@pytest.mark.parametrize(
    ("records", "words"),
    [
        (
            [took(18.1)],
            "inference, the start of each case's process, keeping epochs and all else that it does. Prep",
        ),
        ([timed()], "inference, without the start of each case's process and keeping epochs, which no saved"),
        ([took(18.1), timed(setting="amp")], "all else that it does (1), without the start"),
    ],
)
def test_whether_the_start_of_processes_is_in_it_is_said(records, words):
    assert words in text(*records)


def test_of_steps_only_opening_the_model_is_in_it():
    words = "opening the model in each case's process, but not the rest of its start nor keeping epochs. Prep"
    assert f"inference, {words}" in by_steps()
    assert "which no saved run tells (1)" in by_steps(timed())


def test_times_that_were_taken_beside_others_work_are_marked():
    busy = replace(timed().conditions.train, foreign_cpu_share=0.5)
    loaded = timed(conditions=replace(timed().conditions, train=busy))
    assert "!: told from times that were taken while others computed." in text(loaded)
    assert "0.0109!" in text(loaded)
    assert "!" not in text(timed())


def test_estimated_energy_is_marked():
    reading = replace(timed(wh=0.5).energy.train, kind=EnergyKind.ESTIMATED)
    found = text(timed(energy=replace(timed().energy, train=reading, inference=reading)))
    assert "~0.23" in found
    assert "~: told from estimates; no sensor measured the energy." in found
