"""Text of strangers: what of it reaches a terminal or the log of a CI."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redl.errors import DataError
from redl.printable import LONGEST, printable, printable_json, printable_line

HOSTILE = st.text(st.sampled_from("a :#[]\n\r\t\x1b\x00\x7f\x85\x9b\u202e\u2066\u2028\ud800vso"), max_size=40)


def commands(line):
    """Return whether GitHub's runner, Azure or TeamCity would take a line as a command.

    The first looks for `::` behind blanks and for `##[` anywhere, as its ActionCommand.cs does.
    """
    return line.lstrip().startswith("::") or re.search(r"##\w*\[", line) is not None


@given(HOSTILE)
def test_no_line_is_a_command_and_no_character_a_control(text):
    for line in printable(text).split("\n"):
        assert not commands(line)
        assert not set(line) & set("\r\x1b\x00\x7f\x85\x9b\u202e\u2066\u2028\ud800")


@given(HOSTILE | st.text())
def test_one_line_is_one_line_that_stays_as_it_is(text):
    line = printable_line(text)
    assert 1 >= len(line.splitlines())
    assert LONGEST >= len(line)
    assert not commands(line)
    assert line == printable_line(line)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("two\nlines", "two lines"),
        ("\x1b]0;title\x07\x1b[2Jcleared", "]0;title[2Jcleared"),
        ("::error file=a::b", ": :error file=a::b"),
        ("a ##[error]b", "a # #[error]b"),
        ("##vso[task.setvariable]x", "# #vso[task.setvariable]x"),
        ("\u202egnp.exe", "gnp.exe"),
        ("x" * 600, "x" * 499 + "\u2026"),
    ],
)
def test_what_is_hostile_becomes_harmless(text, expected):
    assert expected == printable_line(text)


def test_lines_and_the_frames_of_tables_stay():
    table = "a  b\n\u2502 1 \u2502\n\u2265 2 %\n"
    assert table == printable(table)


@given(st.text())
def test_json_keeps_its_meaning_without_a_command(text):
    harmless = printable_json(json.dumps({"reason": f"##[error]{text}"}))
    assert {"reason": f"##[error]{text}"} == json.loads(harmless)
    assert not any(map(commands, harmless.splitlines()))


def test_an_error_is_one_printable_line():
    assert "table.csv: ::error::gone" == str(DataError("table.csv:\n::error::gone"))
    assert 2000 == len(str(DataError("x" * 200_000)))
