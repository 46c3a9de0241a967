"""What a case does to its process touches no other case, no later run, and never its parent."""

import pickle
import signal
import struct
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import psutil
import pytest

from redl.execution.case_process import CaseProcess
from redl.record import Attempt, Status
from tests.helpers import fates
from tests.helpers.changes import replace
from tests.helpers.fates import CASE, case_process, live, record_of

ROOT = Path(__file__).parents[2]

# What is no answer

GARBLED = "the process sent garbled data: something other than redl wrote to the pipe of its answers"


@pytest.mark.parametrize(
    "content",
    [
        b"junk\n",
        b"\xff\xfe\n",
        b"[" * 100_000 + b"\n",
        b"{}\n",
        b'{"kind": "done", "step": "train"}\n',
        b'{"kind": "done", "step": "finish", "process": 0}\n',
        pickle.dumps(("epoch", "no epoch"))[:-3],
        struct.pack("!i", 2**31 - 1),
        struct.pack("!iQ", -1, 2**60),
    ],
    ids=["words", "bytes", "depth", "object", "anonymous", "wrong step", "half a pickle", "huge", "huger"],
)
def test_junk_in_the_pipe_is_a_crash_with_a_reason(content):
    record = record_of(partial(fates.write, content))
    assert Status.CRASHED is record.status
    assert record.reason in {GARBLED, "a copy of the process answered: end what your code forks by os._exit"}


def test_half_a_message_is_waited_for_no_longer_than_a_case():
    record = record_of(partial(fates.write_and_hang, b'{"kind": '), timeout_s=1.0)
    assert Status.TIMEOUT is record.status


def test_endless_junk_ends():
    assert GARBLED == record_of(fates.flood).reason


def test_a_closed_pipe_is_a_crash():
    record = record_of(fates.close_the_pipe)
    assert Status.CRASHED is record.status
    assert "the process closed the pipe of its answers and lived on" == record.reason


def test_a_copy_that_answers_is_a_crash():
    record = record_of(fates.fork_and_go_on)
    assert Status.CRASHED is record.status
    assert "a copy of the process answered: end what your code forks by os._exit" == record.reason


def test_a_copy_that_lives_on_hides_no_death():
    began = time.monotonic()
    assert "the process died of SIGSEGV" == record_of(fates.leave_a_copy).reason
    assert time.monotonic() - began < 30


def test_a_record_of_another_case_is_a_crash():
    other = partial(fates.drawn, live, replace(CASE, seed=2))
    run = CaseProcess(CASE, other, timeout_s=60.0, on_epoch=lambda epoch: None)
    assert "the process answered with another case's record" == run.finish().reason


# The parent's death

PARENT = """
import sys
sys.path.insert(0, {root!r})
from redl.execution import server
from tests.helpers import fates
if __name__ == "__main__":
    server._PRELOAD = []  # so that it starts at once
    say = lambda epoch: print(run._worker._process.pid, flush=True)
    run = fates.case_process(fates.{fate}, on_epoch=say)
    run.train()
"""


def start_parent(folder, fate):
    """Start a process with a case at work, and return it with the case's process and what that has forked."""
    script = folder / "parent.py"
    script.write_text(PARENT.format(root=str(ROOT), fate=fate))
    parent = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    child = psutil.Process(int(parent.stdout.readline()))
    return parent, [child, *child.children(recursive=True)]


def seconds_to_end(parent, children, signal_number):
    """End the parent by a signal, and return how long the longest of it and its children lives on."""
    assert all(child.is_running() for child in children)
    began = time.monotonic()
    parent.send_signal(signal_number)
    try:
        parent.wait(timeout=20)
        while any(alive(child) for child in children) and time.monotonic() < began + 20:
            time.sleep(0.01)
    finally:
        parent.kill()
        parent.stdout.close()
    return time.monotonic() - began


def alive(process):
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("fate", ["loop", "multiply", "sleep_in_c", "fork_a_helper"])
def test_a_case_ends_within_two_seconds_of_its_parent(tmp_path, fate):
    parent, children = start_parent(tmp_path, fate)
    assert (2 if fate == "fork_a_helper" else 1) == len(children)
    assert seconds_to_end(parent, children, signal.SIGKILL) < 2


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_leave_no_orphan(tmp_path, signal_number):
    parent, children = start_parent(tmp_path, "sleep_in_c")
    assert seconds_to_end(parent, children, signal_number) < 10


def test_what_a_case_forks_ends_with_it():
    forked = []
    run = case_process(
        fates.fork_a_helper,
        timeout_s=1.0,
        on_epoch=lambda _: forked.extend(psutil.Process(run._worker._process.pid).children()),
    )
    run.train()
    run.close()
    time.sleep(0.2)
    assert 1 == len(forked)
    assert not any(alive(one) for one in forked)


# One of ten


TEN = [replace(CASE, seed=seed) for seed in range(10)]


def ten_records(fate=live, of=None, timeout_s=60.0):
    records = []
    for case in TEN:
        start = partial(fates.drawn, fate if case is of else live, case)
        run = CaseProcess(case, start, timeout_s=timeout_s, on_epoch=lambda epoch: None, now=lambda: 0.0)
        records.append(run.finish())
        run.close()
    return records


@pytest.fixture(scope="module")
def undisturbed():
    return ten_records()


@pytest.mark.parametrize(
    ("fate", "status"),
    [
        (fates.run_out_of_memory, Status.OOM),
        (fates.get_killed, Status.KILLED),
        (fates.touch_null, Status.CRASHED),
        (fates.hang, Status.TIMEOUT),
    ],
    ids=["oom", "killed", "crashed", "timeout"],
)
def test_nine_of_ten_are_as_ever_and_the_tenth_says_why_it_is_not(undisturbed, fate, status):
    broken = TEN[4]
    records = ten_records(fate, broken, timeout_s=3.0)
    assert status is records[4].status
    assert records[4].reason
    del records[4]
    assert [one for one in undisturbed if one.case != broken] == records
    assert 9 == len({one.reason for one in records})


# Attempts


@pytest.mark.parametrize(
    ("fate", "status"), [(fates.get_killed, Status.KILLED), (fates.touch_null, Status.CRASHED)]
)
def test_a_case_that_is_killed_is_run_again_as_often_as_allowed(tmp_path, fate, status):
    record = record_of(partial(fates.once, tmp_path / "mark", fate), retries=1)
    assert Status.COMPLETED is record.status
    (earlier,) = record.earlier_attempts
    assert status is earlier.status
    assert "SIG" in earlier.reason
    assert "warm_up train finish" == record.reason


def test_a_case_that_is_killed_again_and_again_says_so():
    record = record_of(fates.get_killed, retries=2)
    assert Status.KILLED is record.status
    assert (Attempt(status=Status.KILLED, reason=record.reason),) * 2 == record.earlier_attempts


@pytest.mark.parametrize(
    "fate",
    [
        fates.get_killed,
        fates.raise_value_error,
        fates.run_out_of_memory,
        fates.exit_quietly,
        fates.hang,
        fates.fork_and_go_on,
        partial(fates.write, b"junk\n"),
    ],
)
def test_nothing_is_run_again_unasked_nor_for_what_the_case_did_itself(tmp_path, fate):
    retries = 0 if fate is fates.get_killed else 3
    once = partial(fates.once, tmp_path / "mark", fate)
    record = record_of(once, retries=retries, timeout_s=2.0 if fate is fates.hang else 60.0)
    assert Status.COMPLETED is not record.status
    assert () == record.earlier_attempts


def test_a_record_that_was_given_stays_when_a_later_step_has_to_train_again():
    run = case_process(live, retries=1)
    record = run.finish()
    psutil.Process(run._worker._process.pid).kill()
    run.infer()
    assert record is run.finish()
    assert fates.ANSWERS == run.predictions()
    run.close()


def test_no_process_is_a_record_too(monkeypatch):
    def full():
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("redl.execution.worker.fork_server", full)
    record = record_of(live)
    assert Status.CRASHED is record.status
    assert "no process could start: No space left on device" == record.reason


# Many


def soak(cases):
    """Run cases, and return by how much descriptors, threads and MiB of this process grew after the first."""
    itself, grown = psutil.Process(), None
    for _ in range(cases + 1):
        record_of(live)
        now = (itself.num_fds(), itself.num_threads(), itself.memory_info().rss / 2**20)
        first = now if grown is None else first  # noqa: F821 - bound in the first round
        grown = [after - before for before, after in zip(first, now, strict=True)]
    return grown


def test_cases_leave_neither_descriptors_nor_threads():
    descriptors, threads, mebibytes = soak(30)
    assert (0, 0) == (descriptors, threads)
    assert mebibytes < 10


@pytest.mark.faults
def test_six_hundred_cases_grow_the_parent_by_at_most_50_mib():
    descriptors, threads, mebibytes = soak(600)
    assert (0, 0) == (descriptors, threads)
    assert mebibytes < 50
