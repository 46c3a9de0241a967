"""Selection: `-k seed1` means that seed."""

import pytest

from redl.plugin.selection import close_numbers


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("seed1", "seed1."),
        ("seed1 and not half", "seed1. and not half"),
        ("(seed1 or seed10) and down4", "(seed1. or seed10.) and down4."),
        ("not seed100", "not seed100."),
        ("densenet", "densenet"),
        ("amp-seed1", "amp-seed1"),
        ("seed", "seed"),
        ("reseed1", "reseed1"),
        ("", ""),
    ],
)
def test_numbers_that_are_words_of_their_own_are_closed(written, expected):
    assert expected == close_numbers(written)
