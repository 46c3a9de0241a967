"""The process of a seat: what ends it, and that nothing begins where nobody wants it."""

import pickle
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from redl.fleet.member import LostError, Member
from redl.fleet.seat import own_seat
from tests.helpers.cluster import gone_within

ROOT = Path(__file__).parents[2]
NOTHING = pickle.dumps("no task")  # which no member can perform


@pytest.fixture
def member():
    found = Member(own_seat())
    yield found
    found.close()


def members(of=None):
    """Return the processes of members that a process, this one by default, has started."""
    children = psutil.Process(of).children()
    return [child.pid for child in children if "redl.fleet.member" in " ".join(child.cmdline())]


def started(of=None):
    """Wait for the process of a member, and return its number."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if found := members(of):
            return found[0]
        time.sleep(0.01)
    raise AssertionError("no member has started")


def test_a_process_that_breaks_over_its_task_is_lost(member):
    with pytest.raises(LostError, match="its worker ended by exit status 1"):
        member.perform(NOTHING, lambda _: None)


def test_another_takes_its_place(member):
    for _ in range(2):
        with pytest.raises(LostError, match="exit status 1"):
            member.perform(NOTHING, lambda _: None)


def test_what_is_not_wanted_any_more_starts_no_process(member):
    with pytest.raises(LostError, match="its run has ended"):
        member.perform(NOTHING, lambda _: None, wanted=lambda: False)
    assert [] == members()


def test_nothing_begins_after_the_end(member):
    member.close()
    with pytest.raises(LostError, match="its run has ended"):
        member.perform(NOTHING, lambda _: None)


@pytest.mark.parametrize("end", [Member.stop, Member.close])
def test_it_is_ended_from_another_thread_whatever_it_does(member, end):
    lost = []

    def perform():
        try:
            member.perform(pickle.dumps(Sleepy()), lambda _: None)
        except LostError as error:
            lost.append(str(error))

    thread = threading.Thread(target=perform)
    thread.start()
    pid = started()
    time.sleep(0.2)
    end(member)
    thread.join(timeout=10)
    assert ["its worker ended by SIGKILL"] == lost
    assert gone_within([pid], 2)
    assert not psutil.pid_exists(pid)


class Sleepy:
    """A task that takes a minute to be unpickled."""

    def __reduce__(self):
        return time.sleep, (60,)


KEEPER = """
import pickle
from redl.fleet.member import Member
from redl.fleet.seat import own_seat
from tests.fleet.test_member import Sleepy
Member(own_seat()).perform(pickle.dumps(Sleepy()), print)
"""


def test_it_ends_when_the_process_that_keeps_it_is_killed():
    with subprocess.Popen([sys.executable, "-c", KEEPER], cwd=ROOT) as keeper:
        pid = started(keeper.pid)
        keeper.kill()
        keeper.wait()
        assert gone_within([pid], 2)
