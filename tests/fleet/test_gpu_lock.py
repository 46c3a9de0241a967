import subprocess
import sys

import pytest

from redl.fleet.gpu_lock import gpu_lock

HOLDER = """
import sys, time
from redl.fleet.gpu_lock import gpu_lock
with gpu_lock("GPU-1"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(monkeypatch, tmp_path):
    """Another process that holds the lock of a GPU until its input ends."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert "held\n" == process.stdout.readline()
        yield process
        process.kill()


def test_a_gpu_is_waited_for_and_that_is_said(holder):
    said = []

    def on_wait():
        said.append("waits")
        holder.stdin.close()

    with gpu_lock("GPU-1", on_wait):
        assert 0 == holder.wait()
    assert ["waits"] == said


def test_the_lock_of_a_process_that_was_killed_is_free(holder):
    holder.kill()
    holder.wait()
    with gpu_lock("GPU-1", lambda: pytest.fail("waits")):
        pass


def test_another_gpu_is_not_waited_for(holder):
    with gpu_lock("GPU-2", lambda: pytest.fail("waits")):
        pass


def test_without_a_gpu_nothing_is_locked(holder, tmp_path):
    with gpu_lock(None):
        assert ["redl-gpu-GPU-1.lock"] == [path.name for path in tmp_path.glob("*.lock")]


def test_a_uuid_names_no_other_folder(holder, tmp_path):
    with gpu_lock("../GPU/3"):
        assert (tmp_path / "redl-gpu-GPU3.lock").exists()
