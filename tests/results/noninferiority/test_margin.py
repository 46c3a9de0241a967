"""Margins: how a user may write one, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redl.errors import OptionError
from redl.results.noninferiority.margin import check_margin, read_margin


@pytest.mark.parametrize(
    ("text", "margin"),
    [
        ("0.02", 0.02),
        ("2%", 0.02),
        (".02", 0.02),
        ("2e-2", 0.02),
        (" 2 % ", 0.02),
        ("1.1%", 0.011),
        ("0.5%", 0.005),
        ("99.9%", 0.999),
    ],
)
def test_a_share_and_a_percentage_mean_the_same(text, margin):
    assert margin == read_margin(text, option="--margin")


@given(st.decimals("0.0001", "0.9999", places=4))
def test_a_percentage_is_exactly_a_hundred_times_the_share(share):
    assert float(share) == read_margin(f"{share}", option="") == read_margin(f"{100 * share}%", option="")


@pytest.mark.parametrize(
    "text",
    [
        "2",
        "2.0",
        "1",
        "0",
        "0%",
        "nan",
        "snan",
        "inf",
        "-1",
        "-2%",
        "100%",
        "nan%",
        "",
        "%",
        "2%%",
        "two",
        "1e999999999999999999999",
        "1e-999",
    ],
)
def test_what_is_no_margin_is_refused_with_a_way_to_write_one(text):
    with pytest.raises(OptionError) as refused:
        read_margin(text, option="--margin")
    assert f"--margin {text}: give a margin above 0 and below 1, e.g. 0.02 or 2%" == str(refused.value)


@pytest.mark.parametrize("margin", [0.0, 1.0, -0.02, 2.0, float("nan"), float("inf")])
def test_a_number_that_is_no_margin_is_refused(margin):
    with pytest.raises(OptionError, match=rf"^margin {margin:g}: give a margin above 0 and below 1"):
        check_margin(margin)
