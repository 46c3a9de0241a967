"""Text of strangers made fit to be printed: no control characters, and no line that a CI takes as a command.

What a record, a table or a path says reaches terminals and the logs of CI services. Control characters can
repaint a terminal, marks of writing direction can show text in another order than it is, and GitHub runs a
line that begins with `::` and anything behind `##[` as a command; Azure and TeamCity have their like.
"""

from __future__ import annotations

import re

LONGEST = 500  # characters of a reason or a warning

# C0, DEL and C1 but for tabs and line feeds; marks of direction; lone surrogates, which no file can hold.
_UNFIT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_COMMAND = re.compile(r"^(\s*):(?=:)", re.MULTILINE)
_COMMAND_INSIDE = re.compile(r"#(?=#\w*\[)")


def printable(text: str) -> str:
    """Return text of one or more lines without control characters and without a command to a CI."""
    plain = _UNFIT.sub("", text)
    return _COMMAND_INSIDE.sub("# ", _COMMAND.sub(r"\1: ", plain))


def printable_line(text: str, longest: int = LONGEST) -> str:
    """Return text as one printable line, at most `longest` characters of it."""
    line = printable(_joined(_UNFIT.sub("", _joined(text[: 4 * longest]))))
    return line if len(line) <= longest else f"{line[: longest - 1]}\N{HORIZONTAL ELLIPSIS}"


def _joined(text: str) -> str:
    return " ".join(text.split())


def printable_json(text: str) -> str:
    """Return JSON text of equal meaning in which nothing is a command to a CI."""
    return text.replace("##", "#\\u0023")
