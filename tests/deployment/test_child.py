"""A fresh process for a module: how it ends is one line."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from redl.deployment import child
from redl.deployment.child import run_module
from redl.errors import ModelError
from tests.helpers.cluster import gone_within


def ended(returncode, stderr=""):
    return subprocess.CompletedProcess([], returncode, "", stderr)


@pytest.fixture
def calls(monkeypatch):
    """Let no process start; return how each would have been."""
    seen = []

    def run(command, **options):
        seen.append((command, options))
        return ended(0)

    monkeypatch.setattr(child.subprocess, "run", run)
    return seen


def test_a_process_gets_its_threads_and_sees_no_gpu(calls):
    run_module("measuring", "task", what="case", threads=3, timeout_s=5.0)
    ((command, options),) = calls
    assert ["-m", "redl.deployment.measuring", "task"] == command[1:]
    assert ("3", "") == (options["env"]["OMP_NUM_THREADS"], options["env"]["CUDA_VISIBLE_DEVICES"])
    assert 5.0 == options["timeout"]


@pytest.mark.parametrize(
    ("done", "message"),
    [
        (ended(1, "Traceback\n  line\nValueError: no such layer\n"), "case: ValueError: no such layer"),
        (ended(1, "mine.WrongError: bad\nand more\n\n(Refer to the trace)\n"), "case: WrongError: bad"),
        (ended(1, "ValueError: a\n\nredl.errors.ModelError: no such file\n"), "case: no such file"),
        (
            ended(1, "OSError: [Errno 2] No such file: '/home/me/x'\n"),
            "case: OSError: [Errno 2] No such file",
        ),
        (ended(3, "a warning\n"), "case: its process ended with status 3"),
        (ended(-signal.SIGKILL), "case: its process got SIGKILL: often the system ran out of memory"),
        (ended(-signal.SIGILL), "case: its process died of SIGILL"),
    ],
)
def test_a_process_that_fails_is_one_line(done, message, monkeypatch):
    monkeypatch.setattr(child.subprocess, "run", lambda *_, **__: done)
    with pytest.raises(ModelError) as failed:
        run_module("measuring", what="case", threads=1, timeout_s=5.0)
    assert message == str(failed.value)


def test_a_process_that_takes_too_long_is_ended():
    with pytest.raises(ModelError, match=r"^case: no end within 0.01 s; allow more by --redl-timeout$"):
        run_module("measuring", what="case", threads=1, timeout_s=0.01)


def test_a_real_process_says_why_it_failed():
    with pytest.raises(ModelError, match=r"^case: FileNotFoundError: \[Errno 2\] No such file or directory$"):
        run_module("measuring", "absent", what="case", threads=1, timeout_s=60.0)


def test_it_ends_when_the_process_that_started_it_is_killed(tmp_path):
    """A network that never comes, through a pipe, is waited for."""
    os.mkfifo(tmp_path / "model.onnx")
    call = "import sys; from redl.deployment.child import run_module; run_module('quantising', *sys.argv[1:]"
    words = [sys.executable, "-c", f"{call}, what='case', threads=1, timeout_s=100)", tmp_path / "model.onnx"]
    with subprocess.Popen([*words, tmp_path / "out.onnx"]) as keeper:
        end = time.monotonic() + 30
        while not (children := psutil.Process(keeper.pid).children()) and time.monotonic() < end:
            time.sleep(0.02)
        (found,) = children
        while "onnxruntime" not in " ".join(one.path for one in found.memory_maps()):
            assert time.monotonic() < end
            time.sleep(0.1)
        keeper.kill()
        keeper.wait()
        assert gone_within([found.pid], 2)
