"""Footprints: energy, CO2eq and money of a training and of 1000 patients, paired by seed."""

import math

import numpy as np
import pytest
from scipy.stats import ttest_rel

from redl.errors import OptionError
from redl.results.arms import arms_of
from redl.results.metric import Metric
from redl.results.tradeoff.costs import Resource
from redl.results.tradeoff.footprint import Spent, footprint
from redl.results.tradeoff.plan import Plan
from redl.results.tradeoff.price import Price, read_price
from redl.results.tradeoff.tradeoff import tradeoffs
from tests.helpers.changes import replace
from tests.helpers.samples import WHOLE
from tests.helpers.savings import IMAGES, arms, run_of

PRICE = Price(per_kwh=0.30, currency="EUR")
G_PER_WH = 0.445  # of the sample records


def summaries(made, price=PRICE):
    (found,) = tradeoffs(made, metric=Metric.ACCURACY, plan=Plan(price=price), draws=10)
    return {one.setting: one for one in found.summaries}


def test_money_and_co2_follow_from_energy():
    found = summaries(arms(baseline={}, amp={"wh": 2.0}))
    training = found["amp"].training
    assert (2.0, 2.0 * G_PER_WH, 2.0 / 1000 * 0.30) == pytest.approx(
        (training.energy_wh.value, training.co2eq_g.value, training.money.value)
    )
    assert -2.0 / 1000 * 0.30 == pytest.approx(training.money.more.value)
    thousand = found["amp"].thousand
    per_patient = IMAGES / WHOLE.inference.images
    expected = 1000 * (2.0 / 10_000 + 2.0 * per_patient)
    assert (expected, expected * G_PER_WH, expected / 1000 * 0.30) == pytest.approx(
        (thousand.energy_wh.value, thousand.co2eq_g.value, thousand.money.value)
    )
    assert None is found["baseline"].training.energy_wh.more


def test_co2_is_by_the_intensity_that_each_record_applied():
    records, predictions = run_of(baseline={}, amp={})
    green = [
        replace(one, energy=replace(one.energy, train=replace(one.energy.train, co2eq_g=0.1)))
        if one.case.setting == "amp"
        else one
        for one in records
    ]
    found = summaries(arms_of(green, predictions))["amp"].training
    assert (0.1, 0.0) == pytest.approx((found.co2eq_g.value, found.energy_wh.more.value))


def test_differences_are_paired_by_seed():
    new, old = np.array([1.0, 2.2, 2.9, 4.1]), np.array([2.0, 3.0, 4.0, 5.5])
    found = footprint(Spent(energy_wh=new, co2eq_g=None), Spent(energy_wh=old, co2eq_g=None), PRICE)
    expected = ttest_rel(new, old).confidence_interval(0.95)
    more = found.energy_wh.more
    assert (expected.low, expected.high) == pytest.approx((more.low, more.high))
    assert (more.low * 0.0003, more.high * 0.0003) == pytest.approx(
        (found.money.more.low, found.money.more.high)
    )
    assert None is found.co2eq_g


def test_without_energy_all_is_null_and_the_reason_is_given():
    found = summaries(arms(baseline={}, amp={"wh": None}))["amp"]
    for one in (found.training, found.thousand):
        assert (None, None, None) == (one.energy_wh, one.co2eq_g, one.money)
    assert "seed 1 has no figure (cpu missing)" == found.unknown[Resource.ENERGY]
    assert "seed 1 has no figure (cpu missing)" == found.unknown[Resource.INFERENCE_CARBON]


def test_a_setting_is_not_set_against_a_baseline_without_energy():
    found = summaries(arms(baseline={"wh": None}, amp={}))["amp"]
    assert (4.0, None) == (found.training.energy_wh.value, found.training.energy_wh.more)
    assert (None, None) == (found.thousand.money.more, found.training.co2eq_g.more)


def test_measured_energy_is_not_set_against_estimated():
    found = summaries(arms(baseline={}, amp={"kind": "estimated"}))["amp"]
    assert (None, None) == (found.training.energy_wh.more, found.thousand.energy_wh.more)


def test_without_a_price_there_is_no_money():
    found = summaries(arms(baseline={}, amp={}), price=None)["amp"]
    assert None is found.training.money
    assert None is found.thousand.money


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.30", (0.3, None)),
        ("0.30EUR", (0.3, "EUR")),
        (" 0.30 EUR ", (0.3, "EUR")),
        (".3kr", (0.3, "kr")),
        ("12", (12.0, None)),
        ("3e-1USD", (0.3, "USD")),
    ],
)
def test_a_price_is_a_number_with_or_without_letters(text, expected):
    found = read_price(text, option="--price-per-kwh")
    assert expected == (found.per_kwh, found.currency)


@pytest.mark.parametrize(
    "text", ["", "EUR", "0", "0EUR", "-1", "nan", "inf", "1e999", "0,30EUR", "0.3E/R", "EUR0.3"]
)
def test_what_is_no_price_is_refused(text):
    with pytest.raises(
        OptionError, match=r"^--price-per-kwh .*: give a price above 0 with or without its currency"
    ):
        read_price(text, option="--price-per-kwh")


@pytest.mark.parametrize("price", [0.0, -1.0, math.nan, math.inf])
def test_a_price_that_is_none_is_refused(price):
    with pytest.raises(OptionError, match="give a price above 0"):
        Price(per_kwh=price)
