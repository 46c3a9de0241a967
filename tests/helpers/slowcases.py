"""A project whose cases train for as long as a test wants, and note which processes train."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from redl.results.store import load_run

ROOT = Path(__file__).parents[2]
SUITE = ROOT / "benchmarks" / "test_training.py"

PYPROJECT = """
[tool.pytest.ini_options]
addopts = "--redl-profile=tiny -p no:randomly -p no:cacheprovider"

[tool.redl.models.slow]
build = "nets.py:slow"
"""
NETS = """
import itertools, os, time
from pathlib import Path
import torch

HERE = Path(__file__).parent

def place():
    for number in itertools.count(1):
        try:
            with (HERE / "trained" / str(number)).open("x") as file:
                file.write(f"{os.getpid()} {os.environ.get('CUDA_VISIBLE_DEVICES', '')}")
            return number
        except FileExistsError:
            pass

class Slow(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.head, self.place = torch.nn.Linear(1, 1), None

    def forward(self, images):
        if self.training:
            self.place = self.place or place()
            if self.place > int((HERE / "free.txt").read_text()):
                time.sleep(float((HERE / "seconds.txt").read_text()))
        return self.head(images.mean((2, 3)))

def slow(image_size):
    return Slow()
"""


class SlowCases:
    """A folder with such a project; after the first `free` ones, each step of a case waits for `seconds`."""

    def __init__(self, folder, *, cache, free=0, seconds=0.0, seeds="1-4"):
        self.folder, self._cache, self._seeds = folder, cache, seeds
        (folder / "trained").mkdir(parents=True)
        (folder / "pyproject.toml").write_text(PYPROJECT)
        (folder / "nets.py").write_text(NETS)
        (folder / "free.txt").write_text(str(free))
        (folder / "seconds.txt").write_text(str(seconds))

    def release(self):
        """Let no step wait any more."""
        (self.folder / "seconds.txt").write_text("0")

    def start(self, *arguments, chosen="test_training and slow and baseline and rsna"):
        """Start a run in a session of its own, and return its process."""
        words = [
            *("-c", "pyproject.toml", "--rootdir=.", f"--redl-cache={self._cache}"),
            *("--redl-model=slow", f"--redl-seeds={self._seeds}", "-k", chosen),
            *("--benchmark-storage=file://./reports", "--benchmark-save=run"),
        ]
        environment = os.environ | {"PYTEST_ADDOPTS": "", "OMP_NUM_THREADS": "1"}
        return subprocess.Popen(
            [sys.executable, "-m", "pytest", SUITE, *words, *arguments],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments, **words):
        """Run to the end; return the exit status and what was printed."""
        process = self.start(*arguments, **words)
        printed, _ = process.communicate(timeout=240)
        return process.returncode, printed

    def held(self, run, *, after=0, processes=2):
        """Wait until so many processes train after the first ones, and return their numbers."""
        end = time.monotonic() + 120
        while len(self.trained) < after + processes:
            if run.poll() is not None or time.monotonic() > end:
                run.kill()
                raise AssertionError(run.communicate()[0])
            time.sleep(0.02)
        return [pid for pid, _ in self.trained[after:]]

    @property
    def trained(self):
        """Return the processes that have begun to train, in order, and what CUDA would show them."""
        files = sorted((self.folder / "trained").iterdir(), key=lambda path: int(path.name))
        found = [path.read_text().split(" ") for path in files]
        return [(int(words[0]), words[1]) for words in found if len(words) > 1]

    @property
    def records(self):
        """Return the records of the newest saved run, by their cases' seeds."""
        newest = max(self.folder.glob("reports/*/*.json"))
        return {record.case.seed: record for record in load_run(newest).records.values()}

    @property
    def benchmarks(self):
        """Return the benchmarks of the newest saved run, by name."""
        newest = max(self.folder.glob("reports/*/*.json"))
        return {one["name"]: one for one in json.loads(newest.read_text())["benchmarks"]}
