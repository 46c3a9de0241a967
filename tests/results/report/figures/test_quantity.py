"""Quantities are said in the unit that fits."""

import pytest

from redl.results.report.figures.quantity import ENERGY, INFERENCE, MEMORY, TIME


@pytest.mark.parametrize(
    ("expected", "quantity", "value"),
    [
        ("306 MB", MEMORY, 306e6),
        ("15.3 GB", MEMORY, 15.3e9),
        ("0.5 kB", MEMORY, 500),
        ("4027 s", TIME, 4027.3),
        ("39 mWh", ENERGY, 0.039),
        ("1.2 kWh", ENERGY, 1200),
        ("74 ms", INFERENCE, 0.074),
    ],
)
def test_a_value_is_said_in_the_largest_unit_below_it(expected, quantity, value):
    assert expected == quantity.said(value)
