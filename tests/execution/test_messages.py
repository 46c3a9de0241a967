"""Messages between a case's process and its parent: what is sent arrives whole, and junk is no message."""

import os
import time
from multiprocessing import Pipe
from threading import Thread

import pytest

from redl.errors import RecordError
from redl.execution.messages import (
    Broke,
    EpochEnded,
    GarbledError,
    Inbox,
    OverCapError,
    ParentGoneError,
    StepDone,
    send,
)
from redl.record import Epoch, Predictions

EPOCH = Epoch(epoch=1, train_loss=None, valid_loss=0.5, valid_accuracy=0.9, seconds=1.5)
BROKE = Broke(process=7, status="oom", reason="1.0 MB over the cap", over_bytes=10**6)


@pytest.fixture
def pipe():
    """Yield the inbox of a parent, and the connection of a process that never ends."""
    ours, theirs = Pipe()
    alive, ended = os.pipe()
    yield Inbox(ours, alive), theirs
    for descriptor in (alive, ended):
        os.close(descriptor)
    ours.close()
    theirs.close()


def soon():
    return time.monotonic() + 5


def test_what_is_sent_arrives_in_order(pipe):
    inbox, connection = pipe
    sent = [EpochEnded(process=7, epoch=EPOCH), StepDone(process=7, step="train"), BROKE]
    for message in sent:
        send(connection, message)
    assert sent == [inbox.next(soon()) for _ in sent]


def test_a_message_that_is_longer_than_a_pipe_holds_arrives_whole(pipe):
    inbox, connection = pipe
    count = 200_000
    answers = Predictions(subjects=(0,) * count, labels=(1,) * count, probabilities=(0.25,) * count)
    message = StepDone(process=7, step="predictions", predictions=answers)
    writer = Thread(target=send, args=(connection, message))
    writer.start()
    assert message == inbox.next(soon())
    writer.join()


def test_a_message_of_which_a_call_writes_only_a_part_arrives_whole(pipe, monkeypatch):
    inbox, connection = pipe
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, line: write(descriptor, bytes(line)[:10]))
    send(connection, BROKE)
    assert BROKE == inbox.next(soon())


def test_a_figure_out_of_range_is_not_sent(pipe):
    with pytest.raises(RecordError, match=r"message: epoch.seconds: a figure is not finite, or below 0"):
        send(pipe[1], EpochEnded(process=7, epoch=Epoch(**{**_fields(EPOCH), "seconds": -1.0})))


def _fields(epoch):
    return {name: getattr(epoch, name) for name in epoch.__struct_fields__}


def test_nobody_who_listens_is_told_apart_from_a_fault():
    ours, theirs = Pipe()
    ours.close()
    with pytest.raises(ParentGoneError):
        send(theirs, BROKE)
    theirs.close()


@pytest.mark.parametrize("junk", [b"{}\n", b'{"kind":"done"}\n', b"[" * 10_000 + b"\n", b"\xff\n"])
def test_what_is_no_message_is_garbled(pipe, junk):
    inbox, connection = pipe
    os.write(connection.fileno(), junk)
    with pytest.raises(GarbledError):
        inbox.next(soon())


def test_the_deadline_is_kept(pipe):
    with pytest.raises(TimeoutError):
        pipe[0].next(time.monotonic() - 1)


def test_the_end_of_the_process_is_seen_after_its_last_message():
    ours, theirs = Pipe()
    alive, ended = os.pipe()
    send(theirs, BROKE)
    os.close(ended)
    inbox = Inbox(ours, alive)
    assert BROKE == inbox.next(soon())
    with pytest.raises(EOFError):
        inbox.next(soon())
    os.close(alive)
    ours.close()
    theirs.close()


@pytest.mark.parametrize(
    ("message", "step", "expected"),
    [
        (StepDone(process=7, step="train"), "train", True),
        (StepDone(process=7, step="train"), "warm_up", False),
        (StepDone(process=7, step="finish"), "finish", False),
        (StepDone(process=7, step="probe"), "probe", False),
    ],
)
def test_a_step_is_answered_by_itself_with_what_it_has_to_bring(message, step, expected):
    assert expected is message.answers(step)


def test_how_far_over_the_cap_is_said_in_megabytes():
    error = OverCapError(2_500_000)
    assert ("2.5 MB over the cap", 2_500_000) == (str(error), error.over_bytes)
