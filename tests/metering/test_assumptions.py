"""What no sensor tells: the grid, the site and the processor's rated power."""

import pytest

from redl.errors import OptionError
from redl.metering.assumptions import Assumptions


def test_with_nothing_said_the_machine_stands_alone_on_the_worlds_grid():
    said = Assumptions()
    pue, intensity = said.applied_pue(), said.carbon_intensity()
    assert (1.0, "default: the machine alone") == (pue.value, pue.source)
    assert (445.0, None, 2024) == (intensity.g_per_kwh, intensity.country, intensity.year)
    assert "world average" in intensity.source


def test_a_country_brings_its_average_and_year():
    found = Assumptions(country="DK").carbon_intensity()
    assert "DK" == found.country
    assert found.g_per_kwh < 445
    assert found.year >= 2020
    assert "yearly average" in found.source


def test_an_intensity_of_ones_own_says_so():
    found = Assumptions(g_per_kwh=21.5).carbon_intensity()
    assert (21.5, "set by the user", None, None) == (
        found.g_per_kwh,
        found.source,
        found.country,
        found.year,
    )


def test_a_pue_of_ones_own_says_so():
    pue = Assumptions(pue=1.5).applied_pue()
    assert (1.5, "set by the user") == (pue.value, pue.source)


@pytest.mark.parametrize("pue", [0.99, 0.0, -1.0, float("nan"), float("inf")])
def test_an_impossible_pue_is_rejected(pue):
    with pytest.raises(OptionError, match="--redl-pue"):
        Assumptions(pue=pue)


@pytest.mark.parametrize("g_per_kwh", [-1.0, float("nan"), float("inf")])
def test_an_impossible_intensity_is_rejected(g_per_kwh):
    with pytest.raises(OptionError, match="--redl-carbon-intensity"):
        Assumptions(g_per_kwh=g_per_kwh)


@pytest.mark.parametrize("watts", [0.0, -65.0, float("nan"), float("inf")])
def test_an_impossible_tdp_is_rejected(watts):
    with pytest.raises(OptionError, match="--redl-cpu-tdp"):
        Assumptions(cpu_tdp_w=watts)


@pytest.mark.parametrize("country", ["Denmark", "dk", "XX", ""])
def test_an_unknown_country_is_rejected_by_name(country):
    with pytest.raises(OptionError, match=f"--redl-country {country}: not in"):
        Assumptions(country=country)


def test_a_country_and_an_intensity_exclude_each_other():
    with pytest.raises(OptionError, match="give one"):
        Assumptions(country="DK", g_per_kwh=100)
