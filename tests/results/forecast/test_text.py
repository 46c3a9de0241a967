"""The text: what is not known is said to be, with the reason, and never 0."""

import pytest

from redl.results.forecast.text import forecast_text
from tests.helpers.changes import replace
from tests.helpers.forecasts import planned, timed


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
        "to know them: save one run of them",
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
