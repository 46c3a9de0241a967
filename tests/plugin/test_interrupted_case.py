"""A case that is interrupted while it trains goes on after its last whole epoch: real runs, real kills."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from redl.execution.epoch_folder import FOLDER
from redl.results.store import load_run

pytestmark = pytest.mark.slow  # trains in several runs

SUITE = Path(__file__).parents[2] / "benchmarks"
CASE = "rsna-mlp-half+8bit-seed1"
EPOCHS = 60
CHOSEN = (
    *("--redl-profile=tiny", f"--redl-epochs={EPOCHS}", f"--redl-patience={EPOCHS}"),
    *("--redl-learning-rate=1e-4", "-k", "rsna and mlp and half+8bit and not inference"),
    *("-p", "no:cacheprovider", "-p", "no:randomly"),
)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def folder(tmp_path):
    return tmp_path


def start(folder, cache, *arguments):
    command = (
        *(sys.executable, "-m", "pytest", str(SUITE / "test_training.py"), f"--rootdir={folder}", *CHOSEN),
        *(f"--redl-cache={cache}", f"--benchmark-storage=file://{folder}/reports", "--benchmark-save=run"),
        *arguments,
    )
    environment = os.environ | {"PYTHONPATH": str(SUITE.parent), "PYTEST_ADDOPTS": "", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def finish(folder, cache, *arguments):
    process = start(folder, cache, *arguments)
    printed, _ = process.communicate(timeout=300)
    assert 0 == process.returncode, printed
    return printed


def epochs(folder):
    return sorted(folder.glob(f"reports/*/{FOLDER}/*/epoch-*"))


def wait_for(folder, number, process):
    """Wait until an epoch of that number is kept."""
    end = time.monotonic() + 120
    while not any(int(path.name.split("-")[1]) >= number for path in epochs(folder)):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < end
        time.sleep(0.001)


def saved(folder):
    """Return the newest saved run's record and answers."""
    run = load_run(max(folder.glob("reports/*/*.json")))
    return run.records[CASE], run.predictions[CASE]


def learned(record):
    trace = [(one.train_loss, one.valid_loss, one.valid_accuracy) for one in record.training.trace]
    return record.metrics, record.divergence, record.training.best_epoch, trace


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, cache):
    folder = tmp_path_factory.mktemp("undisturbed")
    finish(folder, cache)
    assert [] == epochs(folder)
    assert not list(folder.glob(f"reports/*/{FOLDER}"))
    return saved(folder)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_run_resumes_within_its_case(folder, cache, undisturbed, number):
    process = start(folder, cache)
    wait_for(folder, 3, process)
    process.send_signal(number)
    process.communicate(timeout=60)
    assert epochs(folder)
    finish(folder, cache, "--redl-resume")
    record, answers = saved(folder)
    (after,) = record.training.resumed_after
    assert 3 <= after < EPOCHS
    assert (learned(undisturbed[0]), undisturbed[1]) == (learned(record), answers)
    assert not list(folder.glob(f"reports/*/{FOLDER}"))


def test_a_run_that_does_not_resume_begins_anew(folder, cache, undisturbed):
    process = start(folder, cache)
    wait_for(folder, 3, process)
    process.kill()
    process.communicate()
    finish(folder, cache)
    record, _ = saved(folder)
    assert ((), learned(undisturbed[0])) == (record.training.resumed_after, learned(record))
    assert [] == epochs(folder)


def children(pid):
    """Return the processes below one, by /proc."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(words[1]) == pid:
            found += [int(path.parent.name), *children(int(path.parent.name))]
    return found


def test_a_case_whose_process_was_killed_goes_on_in_the_next_attempt(folder, cache, undisturbed):
    process = start(folder, cache, "--redl-retries=1")
    wait_for(folder, 3, process)
    (holder,) = {
        pid
        for pid in children(process.pid)
        if any(FOLDER in str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir())
    }
    os.kill(holder, signal.SIGKILL)
    printed, _ = process.communicate(timeout=300)
    assert 0 == process.returncode, printed
    record, answers = saved(folder)
    assert (1, 1) == (len(record.earlier_attempts), len(record.training.resumed_after))
    assert (learned(undisturbed[0]), undisturbed[1]) == (learned(record), answers)
