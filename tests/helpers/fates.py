"""Cases in real child processes that end well or in every other way, without any training."""

import ctypes
import os
import random
import signal
import socket
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from redl.execution.case_process import CaseProcess
from redl.record import Epoch, Predictions, Record, Status
from redl.study.case import Case, Dataset, Model, Setting

CASE = Case(dataset=Dataset.RSNA, model=Model.DENSENET, setting=Setting.AMP, seed=1, profile="smoke")
ANSWERS = Predictions(subjects=(0, 0), labels=(1, 1), probabilities=(0.5, None))


class Steps:
    """Do nothing, except `fate` when training."""

    def __init__(self, fate, on_epoch):
        self.fate, self.on_epoch, self.calls = fate, on_epoch, []

    def warm_up(self):
        self.calls.append("warm_up")

    def train(self):
        self.calls.append("train")
        self.fate(self.on_epoch)

    def finish(self):
        self.calls.append("finish")
        return Record(status=Status.COMPLETED, reason=" ".join(self.calls), warnings=(), case=CASE)

    def predictions(self):
        return ANSWERS

    def infer(self):
        self.calls.append("infer")

    def export(self):
        self.calls.append("export")


@contextmanager
def steps(fate, on_epoch):
    yield Steps(fate, on_epoch)


def live(on_epoch):
    """End well, two epochs later."""
    for number in (1, 2):
        on_epoch(epoch(number))


def epoch(number=1):
    return Epoch(epoch=number, train_loss=0.5, valid_loss=None, valid_accuracy=None, seconds=1.0)


def get_killed(_):
    os.kill(os.getpid(), signal.SIGKILL)


def touch_null(_):
    ctypes.string_at(0)


def exit_quietly(_):
    os._exit(3)


def hang(_):
    time.sleep(600)


def miss_a_file(_):
    open("/home/somebody/file")  # noqa: SIM115, PTH123


def read_past_the_end(_):
    raise EOFError("no data left")


def raise_value_error(_):
    raise ValueError("no such thing\nsecond line")


def run_out_of_memory(_):
    raise MemoryError("too large")


def ask_for_more_memory_than_there_is(_):
    import torch

    torch.empty(1 << 50, dtype=torch.uint8)


# In the way of the answers


def pipe_of_answers() -> int:
    """Return the descriptor through which this process, a case's, answers its parent."""
    numbers = [int(path.name) for path in Path("/proc/self/fd").iterdir()]
    return next(number for number in numbers if is_socket(number))


def is_socket(number: int) -> bool:
    try:
        with socket.socket(fileno=os.dup(number)) as one:
            return one.family == socket.AF_UNIX
    except OSError:
        return False


def write(content, _):
    os.write(pipe_of_answers(), content)


def write_and_hang(content, _):
    os.write(pipe_of_answers(), content)
    time.sleep(600)


def flood(_):
    pipe = pipe_of_answers()
    while True:
        os.write(pipe, bytes(2**20))


def close_the_pipe(_):
    os.close(pipe_of_answers())
    time.sleep(600)


def fork_and_go_on(on_epoch):
    if os.fork():
        time.sleep(1)
    live(on_epoch)


def leave_a_copy(on_epoch):
    """Die while a copy lives on, which holds the pipe open."""
    if os.fork():
        touch_null(on_epoch)
    time.sleep(600)


# At work for long, from the first epoch on


def sleep_in_c(on_epoch):
    on_epoch(epoch())
    ctypes.PyDLL(None).sleep(600)  # keeps the interpreter's lock


def multiply(on_epoch):
    import torch

    on_epoch(epoch())
    square = torch.rand(2000, 2000)
    while True:
        square = (square @ square).sigmoid()


def loop(on_epoch):
    on_epoch(epoch())
    while True:
        pass


def fork_a_helper(on_epoch):
    """Work with a copy, as a loader of data does."""
    if os.fork():
        on_epoch(epoch())
    time.sleep(600)


# Cases that differ


class Drawn(Steps):
    """Answer with what a generator draws, after `fate` in the middle of it."""

    def __init__(self, fate, case, on_epoch):
        super().__init__(fate, on_epoch)
        self.case, self.random = case, random.Random(case.seed)

    def train(self):
        drawn = [self.random.random() for _ in range(1000)]
        super().train()
        self.found = sum(drawn) + self.random.random()

    def finish(self):
        return Record(status=Status.COMPLETED, reason=repr(self.found), warnings=(), case=self.case)


@contextmanager
def drawn(fate, case, on_epoch):
    yield Drawn(fate, case, on_epoch)


def once(mark, fate, on_epoch):
    """Live, except the first time."""
    if not mark.exists():
        mark.touch()
        fate(on_epoch)
    live(on_epoch)


def case_process(fate, timeout_s=60.0, on_epoch=lambda epoch: None, retries=0):
    start = partial(steps, fate)
    return CaseProcess(CASE, start, timeout_s=timeout_s, on_epoch=on_epoch, retries=retries)


def record_of(fate, **options):
    run = case_process(fate, **options)
    try:
        return run.finish()
    finally:
        run.close()
