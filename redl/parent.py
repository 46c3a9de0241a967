"""The parent of a worker process: where it dies, even of SIGKILL, the worker ends with it.

Both ways of starting a worker give it a pipe whose other end only the parent has, so that its end of file is
the parent's death. The parent of a process from a fork server is that server, so asking the system for
a signal at the parent's death (prctl(2)) would watch the wrong process.

On Linux the kernel then kills the worker, whatever it is doing: a thread would wait for as long as a decoder
or a model's own code keeps the interpreter's lock. Elsewhere a thread does it.
"""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import select
import signal
import threading
from contextlib import suppress

_BY_KERNEL = hasattr(fcntl, "F_SETSIG")


def end_with_parent() -> None:
    """Let this process, which multiprocessing started, end at once when its parent has died.

    On Linux, so do the processes that it forks when it has ended itself.
    """
    parent = multiprocessing.parent_process()
    assert parent is not None, "a worker is a child"
    end_with_writer_of(parent.sentinel)
    if _BY_KERNEL:
        _let_forks_die_with_this()


def end_with_writer_of(pipe: int) -> None:
    """Let this process end at once when the only process that could write to `pipe` has died."""
    if _BY_KERNEL:
        _die_at_end_of(pipe)
    else:
        threading.Thread(target=_wait_and_exit, args=(pipe,), daemon=True).start()


def _die_at_end_of(pipe: int) -> None:
    fcntl.fcntl(pipe, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(pipe, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(pipe, fcntl.F_SETFL, fcntl.fcntl(pipe, fcntl.F_GETFL) | os.O_ASYNC)
    if select.select([pipe], [], [], 0)[0]:  # it ended before the kernel was asked
        os._exit(1)


def _let_forks_die_with_this() -> None:
    reading, writing = os.pipe()

    def watch() -> None:
        with suppress(OSError):  # closed by the process that this one is forked from
            os.close(writing)
        # Opened anew, because the kernel signals one owner of each open file.
        with suppress(OSError):  # without /proc or a free descriptor
            _die_at_end_of(os.open(f"/proc/self/fd/{reading}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC))

    os.register_at_fork(after_in_child=watch)


def _wait_and_exit(pipe: int) -> None:
    select.select([pipe], [], [])
    os._exit(1)
