"""`redl recover`: what it says, and its status."""

import pytest

from redl.cli import main
from redl.results.journal import Entry, Header, Journal
from redl.results.store import KEY, load_run
from tests.helpers.saved import finished


@pytest.fixture
def journal(tmp_path, monkeypatch):
    """Return a journal of one case, which a killed run has left in the working folder."""
    monkeypatch.chdir(tmp_path)
    made = Journal.create(tmp_path, Header(name="run", run={}))
    record = finished()
    benchmark = {"fullname": "test", "extra_info": {KEY: record.to_json()}, "stats": {}}
    made.add(Entry(case=record.case.id, benchmark=benchmark))
    made.close()
    return made.path.relative_to(tmp_path)


def test_a_run_is_saved_and_the_journal_removed(journal, capsys):
    assert 0 == main(["recover", str(journal)])
    assert ("0001_run.json: 1 tests of 1 cases; journal removed\n", "") == capsys.readouterr()
    assert not journal.exists()
    assert 1 == len(load_run(journal.with_name("0001_run.json")).records)


def test_what_was_dropped_is_named(journal, capsys):
    with journal.open("ab") as file:
        file.write(b"junk\n")
    assert 0 == main(["recover", str(journal)])
    printed = capsys.readouterr()
    assert f"{journal}: line 3: no line of a journal\n" == printed.err
    assert printed.out.endswith("the journal is kept, because not all of it could be read\n")
    assert journal.exists()


def test_a_journal_without_a_valid_line_is_one_line_and_left_alone(journal, capsys):
    journal.write_bytes(b"junk\n")
    assert 2 == main(["recover", str(journal)])
    message = f"redl: error: {journal}: nothing to recover (line 1: no line of a journal)\n"
    assert message == capsys.readouterr().err
    assert b"junk\n" == journal.read_bytes()
