"""Workers and the processes of cases: real children that die in every way, and the records they leave."""

import ctypes
import os
import signal
import time
from contextlib import contextmanager
from functools import partial

import pytest

from redl.execution.case_process import CaseProcess
from redl.execution.worker import CaseBrokeError, Worker
from redl.record import Epoch, Predictions, Record, Status
from redl.study.case import Case, Dataset, Model, Setting

CASE = Case(dataset=Dataset.RSNA, model=Model.DENSENET, setting=Setting.AMP, seed=1, profile="smoke")
ANSWERS = Predictions(subjects=(0, 0), labels=(1, 1), probabilities=(0.5, None))
DONE = Record(status=Status.COMPLETED, reason=None, warnings=(), case=CASE)


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


@contextmanager
def steps(fate, on_epoch):
    yield Steps(fate, on_epoch)


def live(on_epoch):
    """End well, two epochs later."""
    for number in (1, 2):
        on_epoch(Epoch(epoch=number, train_loss=0.5, valid_loss=None, valid_accuracy=None, seconds=1.0))


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


class Look(Steps):
    """Answer with what the child finds when it starts."""

    def finish(self):
        import gc
        import sys

        libraries = [name for name in ("timm", "carbontracker.tracker") if name in sys.modules]
        found = (libraries, gc.get_freeze_count() > 1e5)
        return Record(status=Status.COMPLETED, reason=repr(found), warnings=(), case=CASE)


@contextmanager
def looking(on_epoch):
    yield Look(live, on_epoch)


def case_process(fate, timeout_s=60.0, on_epoch=lambda epoch: None):
    return CaseProcess(CASE, partial(steps, fate), timeout_s=timeout_s, on_epoch=on_epoch)


def record_of(fate, **options):
    run = case_process(fate, **options)
    try:
        return run.finish()
    finally:
        run.close()


def test_a_child_sends_back_its_record():
    assert Status.COMPLETED is record_of(live).status


def test_a_child_starts_with_its_libraries_and_never_searches_them_for_garbage():
    run = CaseProcess(CASE, looking, timeout_s=60.0, on_epoch=lambda epoch: None)
    assert repr((["timm", "carbontracker.tracker"], True)) == run.finish().reason
    run.close()


def test_epochs_are_reported_while_the_child_trains():
    reported = []
    record_of(live, on_epoch=reported.append)
    assert [1, 2] == [epoch.epoch for epoch in reported]


@pytest.mark.parametrize(
    ("fate", "status", "reason"),
    [
        (get_killed, Status.KILLED, "SIGKILL"),
        (touch_null, Status.CRASHED, "the process died of SIGSEGV"),
        (exit_quietly, Status.CRASHED, "the process died with exit status 3"),
        (miss_a_file, Status.FAILED, "FileNotFoundError: No such file or directory"),
        (read_past_the_end, Status.FAILED, "EOFError: no data left"),
        (raise_value_error, Status.FAILED, "ValueError: no such thing"),
        (run_out_of_memory, Status.OOM, "MemoryError: too large"),
        (ask_for_more_memory_than_there_is, Status.OOM, "RuntimeError: "),
    ],
)
def test_a_child_that_dies_leaves_a_record_that_says_how(fate, status, reason):
    record = record_of(fate)
    assert status is record.status
    assert reason in record.reason
    assert "\n" not in record.reason
    assert "somebody" not in record.reason
    assert record.warnings


def test_a_child_that_hangs_is_ended():
    record = record_of(hang, timeout_s=1.0)
    assert Status.TIMEOUT is record.status
    assert "no end within 1 s of work; allow more by --redl-timeout" == record.reason


def test_the_next_case_runs_after_a_death():
    assert Status.KILLED is record_of(get_killed).status
    assert Status.COMPLETED is record_of(live).status


def test_steps_come_in_order_and_once_but_for_inference():
    run = case_process(live)
    run.train()
    run.infer()
    run.infer()
    assert "warm_up train finish" == run.finish().reason
    run.close()


def test_a_case_returns_its_answers_and_keeps_its_record():
    run = case_process(live)
    assert ANSWERS == run.predictions()
    assert Status.COMPLETED is run.finish().status
    run.close()


def test_a_broken_case_has_no_answers():
    run = case_process(get_killed)
    assert run.predictions() is None
    run.close()


def test_training_twice_is_refused():
    run = case_process(live)
    run.train()
    with pytest.raises(RuntimeError, match="rsna-densenet-amp-seed1 has been trained already"):
        run.train()
    run.close()


def test_a_broken_case_answers_every_step_with_its_record():
    run = case_process(get_killed)
    run.train()
    run.infer()
    assert Status.KILLED is run.finish().status
    run.close()


def test_a_failure_after_the_record_spoils_it():
    run = case_process(live)
    run.finish()
    os.kill(run._worker._process.pid, signal.SIGKILL)
    run.infer()
    assert Status.KILLED is run.finish().status


def test_closing_ends_a_child_at_work():
    worker = Worker(partial(steps, hang), timeout_s=0.5, on_epoch=lambda epoch: None)
    with pytest.raises(CaseBrokeError):
        worker.call("train")
    worker.close()
    assert worker._process.exitcode == -signal.SIGKILL
