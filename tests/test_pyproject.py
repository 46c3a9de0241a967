"""What pyproject.toml says to redl; whatever else is in the file is one line."""

import os

import pytest

from redl.cli import main
from redl.errors import OptionError
from redl.execution.declared import declared_in
from redl.pyproject import declared_tables
from redl.results.gate.rule import rules_from

FAULTS = {
    "a word": (b'[tool]\nredl = "x"\n', "[tool.redl] must be a table"),
    "a number": (b"tool = 3\n", "[tool] must be a table"),
    "a list": (b"[[tool.redl]]\n", "[tool.redl] must be a table"),
    "latin-1": (b'[tool.redl]\nx = "\xe9"\n', "not TOML ('utf-8' codec can't decode byte 0xe9"),
    "endless depth": (b"a = " + b"[" * 100_000, "not TOML (nested too deep); correct it"),
    "no TOML": (b"[", "not TOML ("),
}


@pytest.fixture(params=FAULTS)
def fault(request, tmp_path):
    content, message = FAULTS[request.param]
    (tmp_path / "pyproject.toml").write_bytes(content)
    return tmp_path / "pyproject.toml", f"pyproject.toml: {message}"


@pytest.mark.parametrize("read", [declared_tables, declared_in, lambda path: rules_from([], path)])
def test_a_faulty_file_is_refused_in_one_line_by_all_who_read_it(fault, read):
    path, message = fault
    with pytest.raises(OptionError) as caught:
        read(path)
    assert str(caught.value).startswith(message)


def test_a_command_says_it_in_one_line(fault, monkeypatch, capsys):
    path, message = fault
    monkeypatch.chdir(path.parent)
    assert 2 == main(["data", "describe", "--dataset", "own"])
    printed = capsys.readouterr()
    assert ("", 1) == (printed.out, printed.err.count("\n"))
    assert printed.err.startswith(f"redl: error: {message}")


@pytest.mark.parametrize("content", [None, b"", b"[tool.other]\nx = 1\n", b"[tool.redl]\n"])
def test_a_file_without_tables_of_redl_says_nothing(tmp_path, content):
    if content is not None:
        (tmp_path / "pyproject.toml").write_bytes(content)
    assert {} == declared_tables(tmp_path / "pyproject.toml")


def test_a_pipe_of_that_name_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pyproject.toml")
    with pytest.raises(OptionError, match=r"^pyproject\.toml: not a file; replace it$"):
        declared_tables(tmp_path / "pyproject.toml")


def test_a_folder_of_that_name_is_refused(tmp_path):
    (tmp_path / "pyproject.toml").mkdir()
    with pytest.raises(
        OptionError, match=r"^pyproject\.toml: cannot be read \(Is a directory\); check the file$"
    ):
        declared_tables(tmp_path / "pyproject.toml")


def test_tables_are_returned(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.redl.gate]\naccuracy = "0.02"\n')
    assert {"gate": {"accuracy": "0.02"}} == declared_tables(tmp_path / "pyproject.toml")
