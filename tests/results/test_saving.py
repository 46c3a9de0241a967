"""Saving: whole or not at all, and never over another run."""

import json
import multiprocessing
import os
import resource
import signal

import pytest

from redl.errors import OptionError
from redl.results import saving
from redl.results.saving import prove_writable, replace_whole, save_new, save_numbered

SPAWN = multiprocessing.get_context("spawn")


def save_many(folder, writer, count, gate):
    gate.wait()
    for number in range(count):
        save_numbered(folder, "run", json.dumps([writer, number]).encode())


@pytest.mark.parametrize(
    ("writers", "count"), [(4, 50), pytest.param(4, 150, marks=pytest.mark.faults)], ids=str
)
def test_runs_that_save_in_the_same_moment_overwrite_nothing(tmp_path, writers, count):
    gate = SPAWN.Barrier(writers)
    processes = [
        SPAWN.Process(target=save_many, args=(tmp_path / "machine", n, count, gate)) for n in range(writers)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    found = sorted((tmp_path / "machine").glob("*.json"))
    assert [f"{number:04}_run.json" for number in range(1, writers * count + 1)] == [p.name for p in found]
    contents = {tuple(json.loads(path.read_text())) for path in found}
    assert {(writer, number) for writer in range(writers) for number in range(count)} == contents


def test_a_number_follows_those_of_the_folder_and_of_the_one_above(tmp_path):
    (tmp_path / "machine").mkdir()
    (tmp_path / "0007_old.json").touch()
    (tmp_path / "machine" / "0003_old.json").touch()
    assert "0008_run.json" == save_numbered(tmp_path / "machine", "run", b"{}").name


def test_numbers_go_on_after_9999(tmp_path):
    (tmp_path / "9999_old.json").touch()
    assert "10000_run.json" == save_numbered(tmp_path, "run", b"{}").name
    assert "10001_run.json" == save_numbered(tmp_path, "run", b"{}").name


def test_a_name_that_was_taken_meanwhile_is_passed_over(tmp_path, monkeypatch):
    monkeypatch.setattr(saving, "_numbers", lambda folder: [])
    (tmp_path / "0001_run.json").write_text("other")
    assert "0002_run.json" == save_numbered(tmp_path, "run", b"{}").name
    assert "other" == (tmp_path / "0001_run.json").read_text()


def test_a_file_system_without_hard_links_will_do(tmp_path, monkeypatch):
    def refuse(path, target):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(type(tmp_path), "hardlink_to", refuse)
    names = [save_numbered(tmp_path, "run", b"{}").name for _ in range(2)]
    assert ["0001_run.json", "0002_run.json"] == names
    assert b"{}" == (tmp_path / "0001_run.json").read_bytes()


def test_a_draft_that_a_killed_run_left_is_removed_by_the_next(tmp_path):
    (tmp_path / ".0123.redl-draft").touch()
    save_numbered(tmp_path, "run", b"{}")
    assert {".redl.lock", "0001_run.json"} >= {path.name for path in tmp_path.iterdir()}


ROOM = 12_000_000


@pytest.fixture
def small_disk():
    """Let no file grow beyond 12 MB, as on a full disk; the file that pytest's output goes to is smaller."""
    before, ignored = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, ignored)


@pytest.mark.usefixtures("small_disk")
def test_where_a_disk_is_full_the_old_files_stay_as_they_are(tmp_path):
    old = save_numbered(tmp_path, "run", b"old")
    for save in (
        lambda: save_numbered(tmp_path, "run", bytes(ROOM + 1)),
        lambda: replace_whole(old, bytes(ROOM + 1)),
        lambda: save_new(tmp_path, tmp_path / "x.journal", bytes(ROOM + 1)),
    ):
        with pytest.raises(OSError, match="File too large"):
            save()
    assert [b"old"] == [path.read_bytes() for path in tmp_path.iterdir() if path.name != ".redl.lock"]


@pytest.mark.usefixtures("small_disk")
def test_a_folder_without_room_is_refused(tmp_path):
    with pytest.raises(OptionError, match=r"^--x .*: file too large; name a folder where a run of 16 MB can"):
        prove_writable(tmp_path, "--x")


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OptionError, match=r"^--x .*/file/folder: not a directory; name a folder"):
        prove_writable(tmp_path / "file" / "folder", "--x")


def test_proving_leaves_nothing_but_the_folder(tmp_path):
    prove_writable(tmp_path / "a" / "b", "--x")
    assert {".redl.lock"} >= {path.name for path in (tmp_path / "a" / "b").iterdir()}


def test_what_is_no_file_is_written_to_and_not_replaced(tmp_path):
    replace_whole(type(tmp_path)("/dev/null"), b"{}")
    assert not os.path.isfile("/dev/null")  # noqa: PTH113 - as the shell sees it


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "target").write_text("old")
    (tmp_path / "link").symlink_to("target")
    replace_whole(tmp_path / "link", b"new")
    assert (True, "new") == ((tmp_path / "link").is_symlink(), (tmp_path / "target").read_text())
