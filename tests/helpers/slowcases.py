"""A project whose cases train for as long as a test wants, and note which processes train."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from redl.results.store import load_run
from tests.helpers.cluster import lives

ROOT = Path(__file__).parents[2]
SUITE = ROOT / "benchmarks" / "test_training.py"

PYPROJECT = """
[tool.pytest.ini_options]
addopts = "--redl-profile=tiny -p no:randomly -p no:cacheprovider"

[tool.redl.models.slow]
build = "nets.py:slow"
"""
NETS = """
import os, time
from pathlib import Path
import torch

HERE = Path(__file__).parent

class Slow(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.head = torch.nn.Linear(1, 1)

    def forward(self, images):
        if self.training and (HERE / "seconds.txt").exists():
            (HERE / "training" / str(os.getpid())).write_text(os.environ.get("CUDA_VISIBLE_DEVICES", ""))
            time.sleep(float((HERE / "seconds.txt").read_text()))
        return self.head(images.mean((2, 3)))

def slow(image_size):
    return Slow()
"""


class SlowCases:
    """A folder with such a project; every step of training waits for `seconds`."""

    def __init__(self, folder, *, cache, seconds=0.0, seeds="1-4"):
        self.folder, self._cache, self._seeds = folder, cache, seeds
        (folder / "training").mkdir(parents=True)
        (folder / "pyproject.toml").write_text(PYPROJECT)
        (folder / "nets.py").write_text(NETS)
        self.wait_in_each_step(seconds)

    def wait_in_each_step(self, seconds):
        """Choose how long, from now on."""
        (self.folder / "seconds.txt").write_text(str(seconds))

    def start(self, *arguments, chosen="test_training and slow and baseline and rsna"):
        """Start a run in a session of its own, and return its process."""
        words = [
            *("-c", "pyproject.toml", "--rootdir=.", f"--redl-cache={self._cache}"),
            *("--redl-model=slow", f"--redl-seeds={self._seeds}", "-k", chosen),
            *("--benchmark-storage=file://./reports", "--benchmark-save=run"),
        ]
        environment = os.environ | {"PYTEST_ADDOPTS": "", "OMP_NUM_THREADS": "1"}
        environment.pop("PYTEST_XDIST_WORKER", None)
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

    def training(self, *, at_least=1, within=120.0, run=None):
        """Wait until so many processes train, and return their numbers; those that have trained are gone."""
        end = time.monotonic() + within
        while len(found := self._training()) < at_least:
            if run is not None and run.poll() is not None:
                raise AssertionError(run.communicate()[0])
            assert time.monotonic() < end, f"{found} train"
            time.sleep(0.02)
        return found

    def _training(self):
        return [int(path.name) for path in (self.folder / "training").iterdir() if lives(int(path.name))]

    @property
    def trained(self):
        """Return how many processes have trained a case, or a part of one."""
        return len(list((self.folder / "training").iterdir()))

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
