"""A suite that trains nothing: its cases wait a moment and answer, so that many runs can be killed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.helpers.saved import finished

ROOT = Path(__file__).parents[2]
CASES = [f"rsna-mlp-baseline-seed{seed}" for seed in range(1, 11)]
CHOSEN = ("--redl-profile=tiny", "--redl-seeds=1-10", "-k", "rsna and mlp and baseline")

CONFTEST = """
import json, os, time
from pathlib import Path
from types import SimpleNamespace
import pytest
import redl.data.cache.entry, redl.execution.case_process
from redl.record import Predictions, Record, Status

HERE = Path(__file__).parent

def note(name, line):
    with (HERE / name).open("a") as file:
        file.write(f"{line}\\n")

class Pretended:
    def __init__(self, case, start, *, timeout_s, on_epoch, retries):
        self.case, self.trained = case, False
    def warm_up(self): pass
    def infer(self): time.sleep(0.001)
    def close(self): note("closed.txt", self.case.id)
    def train(self):
        self.trained = True
        note("trained.txt", self.case.id)
        time.sleep(float(os.environ.get("PRETENDED_SECONDS", "0.02")))
    def finish(self):
        if not self.trained: self.train()
        plain = json.loads((HERE / "record.json").read_text())
        fields = {name: getattr(self.case, name) for name in plain["case"] if name != "id"}
        plain["case"] = {"id": self.case.id, **fields}
        plain["metrics"]["test"]["accuracy"] = 0.9 - self.case.seed / 100
        record = Record.from_json(plain)
        if (HERE / "broken.txt").exists() and self.case.id in (HERE / "broken.txt").read_text().split():
            return Record(status=Status.OOM, reason="out of memory", warnings=(), case=self.case)
        return record
    def predictions(self):
        return Predictions(subjects=(0, 1), labels=(0, 1), probabilities=(0.1, self.case.seed / 100))

redl.execution.case_process.CaseProcess = Pretended
redl.data.cache.entry.open_prepared = lambda folder: SimpleNamespace(fingerprint=folder.read_text())

@pytest.fixture(scope="session")
def redl_prepared():
    return lambda dataset: HERE / "data.txt"
"""
SUITE = """
from conftest import note
import pytest

@pytest.mark.benchmark(group="training")
def test_training(benchmark, redl_case_process, redl_keep, redl_check):
    redl_case_process.warm_up()
    benchmark.pedantic(redl_case_process.train, rounds=1, iterations=1)
    record = redl_keep(redl_case_process)
    note("finished.txt", record.case.id)
    assert not redl_check(record).problems

@pytest.mark.benchmark(group="inference")
def test_inference(benchmark, redl_case_process, redl_keep):
    record = redl_case_process.finish()
    assert record.inference is not None, record.reason
    benchmark.pedantic(redl_case_process.infer, rounds=3, iterations=1)
    assert redl_keep(redl_case_process) == record
    note("inferred.txt", record.case.id)
"""


class Pretended:
    """A folder with such a suite, whose runs are saved below its reports/."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in (("conftest.py", CONFTEST), ("test_suite.py", SUITE), ("data.txt", "f" * 64)):
            (folder / name).write_text(text)
        (folder / "pytest.ini").write_text("[pytest]\n")
        (folder / "record.json").write_text(json.dumps(finished().to_json()))

    def start(self, *arguments, chosen=CHOSEN, seconds=0.02, **given):
        """Start a run in a session of its own, and return its process."""
        words = ("-p", "no:cacheprovider", "-p", "no:randomly", "--benchmark-storage=file://./reports")
        command = [sys.executable, "-m", "pytest", *words, *chosen, *arguments]
        environment = os.environ | {
            "PRETENDED_SECONDS": str(seconds),
            "PYTHONPATH": f"{self.folder}{os.pathsep}{ROOT}",
            "PYTEST_ADDOPTS": "",
        }
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            **given,
        )

    def run(self, *arguments, **words):
        """Run to the end; return the exit status and what was printed."""
        process = self.start("--benchmark-save=run", *arguments, **words)
        printed, _ = process.communicate(timeout=120)
        return process.returncode, printed

    def stop(self, number, *arguments, after, delay=0.0, times=1, **words):
        """Send a signal to a run that has begun to train `after` cases; return its status and its words."""
        process = self.start("--benchmark-save=run", *arguments, **words)
        end = time.monotonic() + 60
        while len(self.lines("trained.txt")) < after and process.poll() is None and time.monotonic() < end:
            time.sleep(0.002)
        time.sleep(delay)
        for _ in range(times):
            if process.poll() is None:
                os.kill(process.pid, number)
                time.sleep(0.05 if times > 1 else 0)
        printed, _ = process.communicate(timeout=10 if number != signal.SIGKILL else 60)
        return process.returncode, printed

    def lines(self, name):
        """Return the lines that the suite has written, e.g. which cases it trained."""
        path = self.folder / name
        return path.read_text().split() if path.exists() else []

    def forget(self):
        """Delete what the suite has written about earlier runs, but no run."""
        for name in ("trained.txt", "finished.txt", "inferred.txt", "closed.txt"):
            (self.folder / name).unlink(missing_ok=True)

    @property
    def journals(self):
        """Return the journals that are there."""
        return sorted(self.folder.glob("reports/*/*.journal"))

    @property
    def saved(self):
        """Return the saved runs that are there, the oldest first."""
        return sorted(self.folder.glob("reports/*/*.json"))


def without_times(path):
    """Return what a saved run says of its tests, but for their times."""
    return [
        {name: value for name, value in one.items() if name != "stats"} | {"rounds": one["stats"]["rounds"]}
        for one in json.loads(path.read_text())["benchmarks"]
    ]
