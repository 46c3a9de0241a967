"""Whose CPU time counts, with real processes that use some."""

import os
import subprocess
import sys
import time

import pytest

from redl.metering.family import Family

# A child that uses so many CPU-seconds, says so, and waits for its input to close.
BURN = """
import sys, time
def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
"""
BUSY_S = 0.3
SLACK_S = 0.15  # a child's start, and clock ticks of 0.01 s


@pytest.fixture
def start():
    """Start children that say when they are done, and end them with the test."""
    children = []

    def started(code):
        child = subprocess.Popen(
            [sys.executable, "-S", "-c", BURN + code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        children.append(child)
        return child

    yield started
    for child in children:
        child.kill()
        child.wait()
        child.stdin.close()
        child.stdout.close()


def told(child):
    assert b"done" == child.stdout.readline().strip()


def ended(child):
    child.stdin.close()
    child.wait()


def used(family, before):
    return family.cpu_seconds() - before


WORK = f"burn({BUSY_S}); print('done', flush=True); sys.stdin.read()"


def test_a_child_that_ended_and_was_waited_for_counts(start):
    family = Family()
    before = family.cpu_seconds()
    ended(start(WORK))
    assert pytest.approx(BUSY_S, abs=SLACK_S) == used(family, before)


def test_a_child_that_lives_on_counts(start):
    family = Family()
    before = family.cpu_seconds()
    told(start(WORK))
    assert pytest.approx(BUSY_S, abs=SLACK_S) == used(family, before)


def test_of_a_child_that_was_there_before_only_the_rest_counts(start):
    child = start(f"burn(1.0); print('done', flush=True); sys.stdin.readline(); {WORK}")
    told(child)
    family = Family()
    before = family.cpu_seconds()
    child.stdin.write(b"\n")
    child.stdin.flush()
    told(child)
    assert pytest.approx(BUSY_S, abs=SLACK_S) == used(family, before)
    ended(child)  # what it used moves to those that ended
    assert pytest.approx(BUSY_S, abs=SLACK_S) == used(family, before)


GRANDCHILD = f"""
import subprocess
code = {BURN + f"burn({BUSY_S})"!r} + TAIL
child = subprocess.Popen([sys.executable, "-S", "-c", code], stdin=subprocess.PIPE)
"""


def test_a_grandchild_that_was_waited_for_counts(start):
    family = Family()
    before = family.cpu_seconds()
    told(start(f"TAIL = ''{GRANDCHILD}child.wait(); print('done', flush=True); sys.stdin.read()"))
    assert pytest.approx(BUSY_S, abs=SLACK_S) == used(family, before)


LIVES_ON = "TAIL = '; print(\"done\", flush=True); sys.stdin.read()'"


def test_a_grandchild_that_lives_on_counts(start):
    family = Family()
    before = family.cpu_seconds()
    told(start(f"{LIVES_ON}{GRANDCHILD}sys.stdin.read()"))
    assert pytest.approx(BUSY_S, abs=SLACK_S) == used(family, before)


@pytest.mark.skipif(sys.platform != "linux", reason="who is whose child is known at once only here")
def test_a_grandchild_whose_parent_ended_still_counts_if_it_was_seen(start):
    parent = start(f"{LIVES_ON}{GRANDCHILD}sys.stdin.readline()")
    told(parent)
    family = Family()
    before = family.cpu_seconds()
    parent.stdin.write(b"\n")
    parent.stdin.flush()
    parent.wait()
    time.sleep(0.1)
    assert -0.02 <= used(family, before) < SLACK_S  # the grandchild's past did not vanish


def test_the_process_own_work_counts():
    family = Family()
    before = family.cpu_seconds()
    end = time.process_time() + 0.05
    while time.process_time() < end:
        pass
    assert 0.05 <= used(family, before)


def test_strangers_do_not_count():
    assert os.getppid() not in Family().pids()


def test_a_child_belongs_to_the_family(start):
    child = start(WORK)
    assert {os.getpid(), child.pid} <= Family().pids()
