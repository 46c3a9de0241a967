"""A table reads the same however a spreadsheet, pandas or a hand wrote it."""

import os

import pandas as pd
import pytest

from redl.data.table import read_rows
from redl.errors import DataError

COLUMNS = {"image": "image", "subject": "subject", "label": "label"}
EXPECTED = [
    {"image": "a.png", "subject": "Zoë", "label": "0"},
    {"image": "b.png", "subject": "joe", "label": "1"},
]
PLAIN = "image,subject,label\na.png,Zoë,0\nb.png,joe,1\n"


def rows(path, content, columns=COLUMNS, optional=frozenset()):
    path.write_bytes(content)
    return [row for row in read_rows(path, columns, optional=optional) if row]


WRITTEN = {
    "by hand": PLAIN.encode(),
    "with semicolons": PLAIN.replace(",", ";").encode(),
    "with tabs": PLAIN.replace(",", "\t").encode(),
    "with a byte order mark": b"\xef\xbb\xbf" + PLAIN.encode(),
    "in UTF-16, as Excel's Unicode text": PLAIN.replace(",", "\t").encode("utf-16"),
    "in Windows-1252": PLAIN.encode("cp1252"),
    "with Windows' line ends": PLAIN.replace("\n", "\r\n").encode(),
    "with old Macs' line ends": PLAIN.replace("\n", "\r").encode(),
    "with sep= as Excel likes it": b"sep=;\r\n" + PLAIN.replace(",", ";").encode(),
    "with blank rows": (PLAIN + "\n,,\n , ,\n").encode(),
    "with quotes": PLAIN.replace("a.png", '"a.png"').replace("joe", '"joe"').encode(),
    "with capitals and blanks": PLAIN.replace("image,subject,label", " Image, SUBJECT ,Label").encode(),
    "with other columns": PLAIN.replace("\n", ",x\n").encode(),
    "without its last line's end": PLAIN.rstrip("\n").encode(),
}


@pytest.mark.parametrize("content", WRITTEN.values(), ids=WRITTEN)
def test_a_table_is_read_however_it_was_written(tmp_path, content):
    assert EXPECTED == rows(tmp_path / "table.csv", content)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_of_pandas_is_read(tmp_path, separator):
    table = pd.DataFrame(EXPECTED)
    assert EXPECTED == rows(tmp_path / "t.csv", table.to_csv(index=True, sep=separator).encode())


def test_columns_may_have_names_of_their_own(tmp_path):
    content = b"File Name;PatientID;malignant\na.png;joe;1\n"
    columns = {"image": "file name", "subject": "PatientID", "label": "Malignant"}
    assert [{"image": "a.png", "subject": "joe", "label": "1"}] == rows(tmp_path / "t.csv", content, columns)


def test_rows_keep_their_numbers_past_a_blank_one(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"image,subject,label\n,,\na.png,joe,1\n")
    assert [False, True] == [bool(row) for row in read_rows(path, COLUMNS, optional=frozenset())]


def test_an_optional_column_may_be_missing(tmp_path):
    content = b"image,subject\na.png,joe\n"
    assert [{"image": "a.png", "subject": "joe"}] == rows(
        tmp_path / "t.csv", content, optional=frozenset({"label"})
    )


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "t.csv: has no column image, subject, label; add it, or say its name in `columns`"),
        (
            b"DOE_JANE,1970\n",
            "t.csv: has no column image, subject, label; add it, or say its name in `columns`",
        ),
        (b"PK\x03\x04" + bytes(30), "t.csv: a spreadsheet's own file; save it as CSV"),
        (bytes(40), "t.csv: not a text file; save the table as CSV"),
        (
            "image,subject,label\nDOE_JANE\0.png,DOE_JANE,1\n".encode("utf-16"),
            "t.csv: not a text file; save the table as CSV",
        ),
        (b"\xff\xfei", "t.csv: cannot be decoded; save it as CSV in UTF-8"),
    ],
)
def test_what_is_no_such_table_is_refused_without_a_value(tmp_path, content, expected):
    with pytest.raises(DataError) as caught:
        rows(tmp_path / "t.csv", content)
    assert expected == str(caught.value)


def test_a_missing_table_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"^t\.csv: no such table; write one, or correct its path$"):
        read_rows(tmp_path / "t.csv", COLUMNS, optional=frozenset())


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "t.csv")
    with pytest.raises(DataError, match=r"^t\.csv: cannot be read \(not a file\); check the file$"):
        read_rows(tmp_path / "t.csv", COLUMNS, optional=frozenset())
