"""Progress: a live line on a terminal, plain lines elsewhere, beside pytest's own output."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from redl.fleet.events import Told
from redl.fleet.fleet import Tally
from redl.pace import LINE_EVERY_S, Pace
from redl.record import Epoch
from redl.record.budget import Trial
from redl.study.profile import Profile

_LEAST_GAP_S = 0.2  # between two updates of the live line


class Progress:
    """Display of how far a long step has come, past pytest's capture."""

    def __init__(self, config: pytest.Config, clock: Callable[[], float] = time.monotonic) -> None:
        self._reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
        self._capture: Any = config.pluginmanager.get_plugin("capturemanager")
        self._quiet = self._reporter is None or config.get_verbosity() < 0
        self._clock = clock
        self._live = False

    def epochs(self, case_id: str, profile: Profile) -> Callable[[Epoch], None]:
        """Return a function to call after each epoch of a case; its seconds leave out evaluation."""

        def show(epoch: Epoch) -> None:
            left = epoch.seconds / epoch.epoch * (profile.epochs - epoch.epoch)
            line = f"{case_id}  epoch {epoch.epoch}/{profile.epochs}  loss {_figure(epoch.train_loss)}"
            line += f"  valid accuracy {_figure(epoch.valid_accuracy)}"
            line += f"  {epoch.seconds:.0f} s, at most {left:.0f} s left"
            self._write(line, last=left == 0)

        return show

    def told(self, told: Told, tally: Tally) -> None:
        """Show what one of several cases that run at once tells, and how far all of them are."""
        if told.epoch is None:
            self.say(f"{told.case}: waits for its GPU, where another run's case computes")
            return
        words = f"{told.case}  epoch {told.epoch.epoch}  loss {_figure(told.epoch.train_loss)}"
        words += f"  valid accuracy {_figure(told.epoch.valid_accuracy)}"
        self._write(f"{words}  ({tally.ended} of {tally.total} done, {tally.running} running)", last=False)

    def trials(self, name: str) -> Callable[[Trial], None]:
        """Return a function to call after each trial of a search for the largest batch."""
        return lambda trial: self._write(f"{name}  {trial.words}", last=True)

    def say(self, words: str) -> None:
        """Print lines that stay."""
        for line in words.splitlines():
            self._write(line, last=True)

    def counting(self, what: str) -> Callable[[int, int], None]:
        """Return a function to call with (done, total) while the items of `what` are processed."""
        pace = Pace(every_s=_LEAST_GAP_S if self._is_terminal else LINE_EVERY_S, clock=self._clock)

        def show(done: int, total: int) -> None:
            if line := pace.line(done, total):
                self._write(f"{what}  {line}", last=done == total)

        return show

    @property
    def _is_terminal(self) -> bool:
        return bool(self._reporter and self._reporter.isatty)

    def _write(self, line: str, *, last: bool) -> None:
        if self._quiet:
            return
        with self._capture.global_and_fixture_disabled():
            writer = self._reporter._tw  # noqa: SLF001 - the reporter's own methods end every line
            if not self._live:
                self._reporter.ensure_newline()
            writer.write(f"\r\x1b[2K{line}" if self._is_terminal else f"{line}\n", flush=True)
            self._live = self._is_terminal and not last
            if self._is_terminal and last:
                writer.write("\n", flush=True)


def _figure(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.3f}"
