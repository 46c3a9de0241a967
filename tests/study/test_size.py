"""Sizes: how a user may write one, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redl.errors import OptionError
from redl.study.size import bytes_of


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4GB", 4_000_000_000),
        ("4GiB", 4_294_967_296),
        ("512MB", 512_000_000),
        ("512MiB", 536_870_912),
        ("0.5GB", 500_000_000),
        ("1.1GB", 1_100_000_000),
        ("1TB", 1_000_000_000_000),
        ("1TiB", 1_099_511_627_776),
        (" 4 GB ", 4_000_000_000),
    ],
)
def test_a_size_without_an_i_is_decimal_and_one_with_it_is_binary(text, size):
    assert size == bytes_of(text)


@given(st.integers(1, 999_999))
def test_a_gigabyte_is_a_thousand_megabytes(megabytes):
    assert bytes_of(f"{megabytes}MB") == bytes_of(f"{megabytes // 1000}.{megabytes % 1000:03}GB")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4",
        "GB",
        "4G",
        "4gb",
        "4Gb",
        "4 G B",
        "0GB",
        "0.000000001MB",
        "-4GB",
        "+4GB",
        "4,5GB",
        "4e9GB",
        "nanGB",
        "infGB",
        "٤GB",
        "4GB,8GB",
        "4GB\n8GB",
        "9999999GB",
        "1.GB",
        ".5GB",
    ],
)
def test_what_is_no_size_is_refused_with_a_way_to_write_one(text):
    with pytest.raises(OptionError, match=r"give a size above 0 with its unit, e\.g\. 4GB, 512MB or 4GiB$"):
        bytes_of(text)


def test_a_refusal_names_what_was_given_and_where():
    with pytest.raises(OptionError) as refused:
        bytes_of("4G", option="--budget")
    assert "--budget 4G: give a size above 0 with its unit, e.g. 4GB, 512MB or 4GiB" == str(refused.value)
