"""Scratch folders: gone when done, gone after a kill, and left alone while a process works in them."""

import os
import subprocess
import sys
import time

import pytest
from filelock import FileLock

from redl.data.cache.scratch import remove_left, scratch

CODE = """
import os, signal, sys
from pathlib import Path
from redl.data.cache.scratch import scratch
with scratch(Path(sys.argv[1])) as folder:
    (folder / "images").write_bytes(b"x")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def make_old(path, days):
    then = time.time() - days * 86400
    os.utime(path, (then, then))


def test_it_is_beside_its_target_and_goes_at_the_end(tmp_path):
    with scratch(tmp_path / "entry") as folder:
        assert tmp_path == folder.parent
    assert [] == names(tmp_path)


def test_it_goes_after_an_error(tmp_path):
    with pytest.raises(RuntimeError), scratch(tmp_path / "entry"):
        raise RuntimeError
    assert [] == names(tmp_path)


@pytest.fixture
def left(tmp_path):
    """Let a process be killed at work, and return the folder that it leaves."""
    subprocess.run([sys.executable, "-c", CODE, str(tmp_path / "entry")], check=False)
    (left,) = tmp_path.iterdir()
    assert (left / "images").exists()
    return left


def test_what_a_killed_process_left_goes_with_the_next(tmp_path, left):
    with scratch(tmp_path / "entry") as folder:
        assert [folder.name] == names(tmp_path)


def test_what_a_killed_process_left_goes_from_a_cache(tmp_path, left):
    remove_left(tmp_path)
    assert [] == names(tmp_path)


def test_making_one_thing_touches_nothing_of_others(tmp_path, left):
    """An archive may be packed into the user's own folder."""
    for name in ("novel.draft", ".notes.scratch", ".another-x.scratch"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "lock").touch()
        (tmp_path / name / "text").touch()
        make_old(tmp_path / name, 99)
    before = names(tmp_path)
    with scratch(tmp_path / "another.zip"):
        pass
    assert before == names(tmp_path)


@pytest.mark.parametrize("name", ["novel.draft", ".notes.scratch"])
def test_a_folder_without_a_lock_that_holds_something_is_not_redls(tmp_path, name):
    (tmp_path / name).mkdir()
    (tmp_path / name / "text").touch()
    make_old(tmp_path / name, 99)
    remove_left(tmp_path)
    assert [name] == names(tmp_path)


def test_one_at_work_is_left_alone(tmp_path):
    with scratch(tmp_path / "entry") as folder:
        remove_left(tmp_path)
        assert folder.is_dir()


@pytest.mark.parametrize(("age_s", "left"), [(0, 1), (61, 0)])
def test_one_without_a_lock_is_just_beginning_or_dead(tmp_path, age_s, left):
    (folder := tmp_path / ".entry-x.scratch").mkdir()
    make_old(folder, age_s / 86400)
    remove_left(tmp_path)
    assert left == len(names(tmp_path))


@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.parametrize(("days", "held", "left"), [(13, False, True), (15, False, False), (15, True, True)])
def test_drafts_are_resumed_for_two_weeks(tmp_path, inside, days, held, left):
    (draft := tmp_path / "entry.draft").mkdir()
    lock = draft / "lock" if inside else tmp_path / "entry.lock"
    lock.touch()
    make_old(draft, days)
    if held:
        with FileLock(lock):
            remove_left(tmp_path)
    else:
        remove_left(tmp_path)
    assert left == draft.exists()


def test_nothing_else_is_touched(tmp_path):
    for name in ("entry", ".hidden", "draft", ".git"):
        (tmp_path / name).mkdir()
        make_old(tmp_path / name, 99)
    remove_left(tmp_path)
    assert [".git", ".hidden", "draft", "entry"] == names(tmp_path)
