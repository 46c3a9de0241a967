"""The fork server: what its processes see of the environment, and what a killed run leaves behind."""

import os
import signal
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# A run in a process of its own, because a fork server lives as long as the process that has it. It imports
# nothing heavy beforehand, which the server would do only once.
HEAD = """
import os, sys, signal
from redl.execution import server
server._PRELOAD = []

def told(name):
    context = server.fork_server()
    ours, theirs = context.Pipe()
    process = context.Process(target=tell, args=(theirs, name))
    process.start()
    answer = ours.recv()
    process.join()
    return answer

def tell(connection, name):
    connection.send(os.environ.get(name))

if __name__ == "__main__":
"""


@pytest.fixture
def temporary():
    """Return a folder for temporary files, whose path is short enough for a socket's."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture
def start(tmp_path, temporary):
    """Return what starts a run of these lines with its temporary files in a folder."""

    def run(lines, temporary=temporary):
        script = tmp_path / "run.py"
        script.write_text(HEAD + textwrap.indent(textwrap.dedent(lines), "    "))
        env = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(temporary), "OMP_NUM_THREADS": "1"}
        return subprocess.Popen(
            [sys.executable, str(script)], env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    return run


def ended(run):
    printed, _ = run.communicate(timeout=60)
    assert 0 == run.returncode
    return printed.split()


def folders(temporary):
    return {path.name for path in temporary.glob("redl-run-*")}


@pytest.mark.parametrize("name", ["CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "MKL_NUM_THREADS"])
def test_a_variable_that_libraries_read_once_holds_for_the_next_process(start, name):
    run = start(
        f"""
        for value in ("1", "2", "2", "3"):
            os.environ["{name}"] = value
            print(told("{name}"))
        """
    )
    assert ["1", "2", "2", "3"] == ended(run)


def test_a_server_serves_as_long_as_nothing_changes(start):
    run = start(
        """
        import multiprocessing.forkserver as forkserver
        for value in ("1", "2"):
            os.environ["UNREAD"] = value
            told("UNREAD")
            print(forkserver._forkserver._forkserver_pid)
        """
    )
    first, second = ended(run)
    assert first == second


def test_a_run_that_ends_leaves_no_folder(start, temporary):
    run = start('told("HOME"); print("ready", flush=True); sys.stdin.readline()')
    assert "ready\n" == run.stdout.readline()
    assert 1 == len(folders(temporary))
    run.communicate("\n", timeout=60)
    assert [] == list(temporary.iterdir())


def test_the_folder_of_a_killed_run_is_removed_by_the_next_and_that_of_a_living_one_is_not(start, temporary):
    killed = start('told("HOME"); os.kill(os.getpid(), signal.SIGKILL)')
    killed.communicate(timeout=60)
    assert -signal.SIGKILL == killed.returncode
    left = folders(temporary)
    assert 1 == len(left)

    living = start('told("HOME"); print("ready", flush=True); sys.stdin.readline()')
    assert "ready\n" == living.stdout.readline()
    used = folders(temporary)
    assert 1 == len(used)
    assert used != left
    ended(start('told("HOME")'))
    assert used == folders(temporary)
    living.communicate("\n", timeout=60)
    assert set() == folders(temporary)


def test_a_folder_that_is_not_ours_is_left_alone(start, temporary):
    strange = temporary / "redl-run-strange"
    strange.mkdir()  # has no lock
    (strange / "data").write_text("kept")
    ended(start('told("HOME")'))
    assert "kept" == (strange / "data").read_text()


def test_a_long_name_of_the_temporary_folder_leaves_room_for_the_socket(start, tmp_path):
    long = tmp_path / ("x" * 70) / ("y" * 70)
    long.mkdir(parents=True)
    assert ["1"] == ended(start('print(told("OMP_NUM_THREADS"))', temporary=long))
