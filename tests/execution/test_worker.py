"""Workers and the processes of cases: real children that die in every way, and the records they leave."""

import os
import signal
from contextlib import contextmanager
from functools import partial

import pytest

from redl.execution.case_process import CaseProcess
from redl.execution.worker import CaseBrokeError, Worker
from redl.record import Record, Status
from tests.helpers.fates import (
    ANSWERS,
    CASE,
    Steps,
    ask_for_more_memory_than_there_is,
    case_process,
    exit_quietly,
    get_killed,
    hang,
    live,
    miss_a_file,
    raise_value_error,
    read_past_the_end,
    record_of,
    run_out_of_memory,
    steps,
    touch_null,
)


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


class Exporting(Steps):
    """Note in a file what was done before the export."""

    def __init__(self, file, on_epoch):
        super().__init__(live, on_epoch)
        self.file = file

    def export(self):
        with self.file.open("a") as file:
            file.write(f"{' '.join(self.calls)}\n")


@contextmanager
def exporting(file, on_epoch):
    yield Exporting(file, on_epoch)


def test_a_case_is_exported_once_and_after_it_was_finished(tmp_path):
    run = CaseProcess(CASE, partial(exporting, tmp_path / "calls"), timeout_s=60.0, on_epoch=lambda _: None)
    run.export()
    run.export()
    run.close()
    assert "warm_up train finish\n" == (tmp_path / "calls").read_text()


def test_a_broken_case_exports_nothing():
    run = case_process(get_killed)
    run.export()
    assert Status.KILLED is run.finish().status
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
