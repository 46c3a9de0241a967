"""The journal: nothing that was committed is lost, and nothing that is damaged is trusted."""

import json
import multiprocessing
import os

import pytest

from redl.errors import RecordError
from redl.results.journal import Entry, Header, Journal, read_journal, recover, remove_empty
from redl.results.store import KEY, PREDICTIONS_KEY, load_run, selection
from tests.helpers.saved import finished

HEADER = Header(name="run", run={"machine_info": {"cpu": "x"}, "commit_info": {}, KEY: selection(["a"], [])})
SPAWN = multiprocessing.get_context("spawn")


def entry(number=1, test="test_training", **extra):
    record = finished(seed=number)
    info = {KEY: record.to_json()} | extra
    case = record.case.id
    return Entry(case=case, benchmark={"fullname": f"{test}[{case}]", "extra_info": info, "stats": {}})


def slight(number):
    """Return an entry that is quick to write."""
    name = f"case-{number}"
    return Entry(case=name, benchmark={"fullname": name, "extra_info": {KEY: {"case": {"id": name}}}})


@pytest.fixture
def journal(tmp_path):
    """Return a journal that a run has left: no one holds its lock."""
    made = Journal.create(tmp_path, HEADER)
    yield made
    made.close()


def numbers(content):
    return [int(one.case.rpartition("seed")[2]) for one in content.entries]


def test_what_was_committed_is_read_in_order(journal):
    for number in (3, 1, 2):
        journal.add(entry(number))
    content = read_journal(journal.path)
    assert (HEADER, [3, 1, 2], ()) == (content.header, numbers(content), content.faults)


def test_what_a_test_says_last_counts(journal):
    journal.add(entry(1))
    journal.add(entry(1, told_later=7))
    (found,) = read_journal(journal.path).entries
    assert 7 == found.benchmark["extra_info"]["told_later"]


def test_a_journal_begins_with_all_that_was_taken_over(tmp_path):
    journal = Journal.create(tmp_path, HEADER, [entry(1), entry(2)])
    assert [1, 2] == numbers(read_journal(journal.path))
    journal.remove()
    assert [] == list(tmp_path.glob("*.journal*"))


def test_a_last_line_that_was_cut_anywhere_costs_itself_only_and_the_next_is_whole(journal):
    for number in (1, 2):
        journal.add(slight(number))
    before = journal.path.stat().st_size
    journal.add(slight(3))
    whole = journal.path.read_bytes()
    for end in range(before, len(whole)):
        journal.path.write_bytes(whole[:end])
        kept = ["case-1", "case-2"] + ["case-3"] * (end == len(whole) - 1)  # only the line's end is missing
        assert kept == [one.case for one in read_journal(journal.path).entries]
        journal.add(slight(4))
        content = read_journal(journal.path)
        assert ([*kept, "case-4"], ()) == ([one.case for one in content.entries], content.faults)


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (lambda line: line.replace(b"0.9", b"0.8", 1), "line 3: its checksum does not fit"),
        (lambda line: line[: len(line) // 2] + b"\n", "line 3: no line of a journal"),
        (lambda line: b"\xff" * 20 + b"\n", "line 3: no line of a journal"),
        (lambda line: b"[" * 100_000 + b"\n", "line 3: no line of a journal"),
        (lambda line: b"\n", "line 3: no line of a journal"),
    ],
)
def test_a_damaged_line_is_named_and_not_trusted(journal, damage, fault):
    for number in (1, 2, 3):
        journal.add(entry(number))
    lines = journal.path.read_bytes().splitlines(keepends=True)
    journal.path.write_bytes(b"".join([*lines[:2], damage(lines[2]), lines[3]]))
    content = read_journal(journal.path)
    assert ([1, 3], (fault,)) == (numbers(content), content.faults)


def test_an_entry_whose_record_is_of_another_case_is_not_trusted(journal):
    journal.add(entry(1))
    journal.add(Entry(case="another", benchmark=entry(2).benchmark))
    content = read_journal(journal.path)
    assert ([1], ("line 3: its `redl` is no record of the case",)) == (numbers(content), content.faults)


def test_a_newer_journal_is_refused_by_name(tmp_path):
    journal = Journal.create(tmp_path, Header(journal=2, name="run", run={}))
    with pytest.raises(RecordError, match="journal of schema 2, and this redl reads up to 1; update redl"):
        read_journal(journal.path)


def test_a_figure_that_is_not_finite_is_null(journal):
    journal.add(entry(1, share=float("nan")))
    assert read_journal(journal.path).entries[0].benchmark["extra_info"]["share"] is None


def write_many(path, first, count):
    for number in range(first, first + count):
        Journal.at(path).add(slight(number))


@pytest.mark.parametrize(
    ("writers", "count"), [(4, 50), pytest.param(8, 500, marks=pytest.mark.faults)], ids=str
)
def test_several_writers_lose_nothing(journal, writers, count):
    journal.close()
    processes = [
        SPAWN.Process(target=write_many, args=(journal.path, first * count, count))
        for first in range(writers)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    content = read_journal(journal.path)
    assert () == content.faults
    assert {f"case-{number}" for number in range(writers * count)} == {one.case for one in content.entries}


def test_recovery_makes_a_saved_run_and_removes_the_journal(journal):
    for number in (1, 2):
        journal.add(entry(number, **{PREDICTIONS_KEY: None}))
    journal.close()
    found = recover(journal.path)
    assert ("0001_run.json", ()) == (found.path.name, found.faults)
    assert [1, 2] == [record.case.seed for record in load_run(found.path).records.values()]
    assert ("a",) == load_run(found.path).collected
    assert {"cpu": "x"} == json.loads(found.path.read_text())["machine_info"]
    assert [] == list(journal.path.parent.glob("*.journal*"))


def test_a_damaged_journal_is_kept_after_recovery(journal):
    journal.add(entry(1))
    journal.close()
    with journal.path.open("ab") as file:
        file.write(b'{"sha256":"\n')
    found = recover(journal.path)
    assert (("line 3: no line of a journal",), False) == (found.faults, found.removed)
    assert journal.path.exists()
    assert 1 == len(load_run(found.path).records)


def test_a_cut_last_line_is_named_and_nothing_to_keep_a_journal_for(journal):
    journal.add(entry(1))
    journal.close()
    with journal.path.open("ab") as file:
        file.write(b'{"sha256":"')
    found = recover(journal.path)
    assert (("line 3: was cut while it was written",), True) == (found.faults, found.removed)
    assert not journal.path.exists()


def test_a_journal_without_its_first_line_is_recovered_and_that_is_said(journal):
    journal.add(entry(1))
    journal.close()
    journal.path.write_bytes(journal.path.read_bytes().partition(b"\n")[2])
    found = recover(journal.path)
    assert 1 == len(load_run(found.path).records)
    assert "no valid first line: the machine and the cases that were to run are not known" in found.faults


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "nothing to recover .no case had finished."),
        (b"{}\n", "nothing to recover .line 1: no line of a journal."),
        (None, "no such journal"),
    ],
)
def test_a_journal_of_nothing_is_refused(tmp_path, content, message):
    path = tmp_path / "x.journal"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RecordError, match=message):
        recover(path)
    assert [] == list(tmp_path.glob("*.json"))


def test_journals_that_hold_nothing_are_removed_and_no_others(tmp_path):
    left, used, full = (Journal.create(tmp_path, HEADER) for _ in range(3))
    full.add(entry(1))
    for one in (left, full):
        one.close()
    remove_empty(tmp_path)
    assert {used.path, full.path} == set(tmp_path.glob("*.journal"))
    used.close()


def test_a_pipe_is_no_empty_journal_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "x.journal")
    remove_empty(tmp_path)
    assert (tmp_path / "x.journal").exists()


def test_a_pipe_is_no_journal(tmp_path):
    os.mkfifo(tmp_path / "x.journal")
    with pytest.raises(RecordError, match="no such journal"):
        read_journal(tmp_path / "x.journal")


def test_a_journal_that_a_run_is_writing_is_left_alone(journal):
    journal.add(entry(1))  # and the lock is still held
    with pytest.raises(RecordError, match="a run is still writing it; wait for its end"):
        recover(journal.path)
