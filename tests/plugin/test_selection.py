"""Selection: `-k seed1` means that seed."""

import pytest

from redl.plugin.selection import close_numbers, nearest_words


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


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("densnet", ["densenet"]),
        ("DenseNet and 8bits", ["8bit"]),
        ("rnsa and not vit", ["rsna"]),
        ("densenet", []),
        ("zzz", []),
    ],
)
def test_words_of_no_case_are_met_by_the_nearest(written, expected):
    ids = ["rsna-densenet-8bit-seed1", "lidc-vit-amp+8bit-seed1"]
    assert expected == nearest_words(written, ids)


@pytest.mark.parametrize(("chosen", "hints"), [("densnet", 1), ("densenet", 0)])
def test_a_mistyped_choice_ends_with_a_hint(pytester, chosen, hints):
    pytester.makepyfile("def test_training(redl_case): pass")
    lines = pytester.runpytest_subprocess("--collect-only", "-q", "-k", chosen).stdout.lines
    expected = "-k densnet: no case has such a name; did you mean densenet?"
    assert hints == lines.count(expected)
