"""An answered case: in place of its process here, what a worker finds out, and as long as it took there."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import pytest

from redl.errors import RedlError
from redl.fleet.fleet import Fleet, Found, GoneError
from redl.fleet.messages import Deployed
from redl.plugin.clock import WorkerClock
from redl.record import Predictions, Record
from redl.study.case import Case


class AnsweredCase:
    """One case that a worker works through; each step waits for its end, and takes as long as there."""

    def __init__(self, case: Case, fleet: Fleet, clock: WorkerClock) -> None:
        self.case = case
        self._fleet, self._clock = fleet, clock
        self._trained = False

    def warm_up(self) -> None:
        """Do nothing: the worker has warmed up before it trained."""

    def train(self) -> None:
        """Wait for the case; raise RuntimeError the second time, as a process does."""
        if self._trained:
            raise RuntimeError(f"{self.case.id} has been trained already")
        self._trained = True
        self._clock.go_on(self._found.train_seconds)

    def finish(self) -> Record:
        """Return the record."""
        return self._found.record

    def predictions(self) -> Predictions | None:
        """Return what the trained model answered for each test image; None if the case broke."""
        return self._found.predictions

    def infer(self) -> None:
        """Take as long as a pass over the test images did; raise RuntimeError after the last one."""
        if (seconds := next(self._of_passes, None)) is None:
            passes = len(self._found.infer_seconds)
            raise RuntimeError(f"{self.case.id}: its worker passed {passes} times over the test images")
        self._clock.go_on(seconds)

    def export(self) -> None:
        """Do nothing: the worker has exported what it deployed."""

    def deployed(self, name: str) -> Deployed:
        """Return what the worker measured of the network in a runtime, and take as long."""
        found = self._found.deployed[name]
        self._clock.go_on(found.seconds)
        return found

    @cached_property
    def _found(self) -> Found:
        try:
            return self._fleet.wait(self.case.id)
        except GoneError as gone:
            words = f"{gone}; what has finished is kept, and --redl-resume goes on"
            pytest.exit(words, returncode=pytest.ExitCode.TESTS_FAILED)
        except RedlError as error:
            pytest.exit(str(error), returncode=pytest.ExitCode.USAGE_ERROR)

    @cached_property
    def _of_passes(self) -> Iterator[float]:
        return iter(self._found.infer_seconds)
