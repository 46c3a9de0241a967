"""Interruption: a run that is told to stop saves what has finished, however it is told and how often.

The first SIGINT, SIGTERM or SIGHUP raises KeyboardInterrupt, after what must not be torn apart. Later ones
are ignored while the run is being saved, and for some seconds before, when fixtures end.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_MOMENT_S = 0.01
_PATIENCE_S = 10.0  # after which another signal is raised too, because a test may have caught the first


class Interruption:
    """Handler of the signals that end a run, from `watch` to `forget`."""

    def __init__(self) -> None:
        self.came: str | None = None  # the first signal's name
        self._quiet_until = 0.0
        self._shields = 0
        self._before: dict[int, object] = {}

    def watch(self) -> None:
        """Handle the signals from now on, but none that is ignored, e.g. by nohup, or handled already."""
        if self._before or threading.current_thread() is not threading.main_thread():
            return
        for number in SIGNALS:
            if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                self._before[number] = signal.signal(number, self._handle)

    def forget(self) -> None:
        """Handle signals as before."""
        for number, before in self._before.items():
            signal.signal(number, before)  # type: ignore[arg-type] # what signal.signal returned
        self._before.clear()

    def end(self) -> None:
        """Raise nothing from now on: the run ends, and is being saved."""
        self._shields += 1

    @contextmanager
    def shield(self) -> Iterator[None]:
        """Hold a signal back until the block has ended."""
        self._shields += 1
        try:
            yield
        finally:
            self._shields -= 1
        if self.came and not self._shields:
            self._raise()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.came = self.came or signal.Signals(number).name
        if self._shields:
            return
        if frame is not None and frame.f_lineno is None:
            # pytest fails over an exception from an instruction that belongs to no line.
            threading.Timer(_MOMENT_S, signal.pthread_kill, (threading.get_ident(), number)).start()
            return
        self._raise()

    def _raise(self) -> None:
        now = time.monotonic()
        if now >= self._quiet_until:
            self._quiet_until = now + _PATIENCE_S
            raise KeyboardInterrupt(self.came)
