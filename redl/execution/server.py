"""The fork server, from which the processes of cases come with the heavy libraries imported.

multiprocessing keeps one for the life of the parent. Two things about it are ours: libraries that were
imported under other environment variables must not serve, and its socket must be in a folder that the next
run can tell to be dead, because a killed run cannot remove it.
"""

from __future__ import annotations

import fcntl
import multiprocessing
import multiprocessing.forkserver
import os
import shutil
import stat
import tempfile
from contextlib import suppress
from multiprocessing.context import ForkServerContext
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any

# Variables that torch, CUDA, OpenMP and the like read when they are imported or first used.
_READ_ONCE = (
    *("CUDA", "NVIDIA", "HIP_", "ROCR_", "PYTORCH", "TORCH", "BNB_", "HF_", "TIMM_", "LD_"),
    *("OMP_", "GOMP_", "KMP_", "MKL_", "OPENBLAS_", "DNNL_", "ONEDNN_", "ATEN_", "MALLOC_"),
)
_PRELOAD = ["redl.execution.preload"]
_LOCK = "lock"
_NEW, _OWN = "redl-new-", "redl-run-"  # folders without and with their lock
_LONGEST = 80  # bytes of the folder's path: a socket's ends after 107, or 103 on macOS

_started_with: dict[str, str] | None = None
_left: list[int] = []  # servers that were left, to be reaped


def fork_server() -> ForkServerContext:
    """Return the context of processes that start with the heavy libraries imported.

    A new server is started where variables that such libraries read have changed since the last; processes
    of the old one are not disturbed. Raise OSError where there is no room for its socket.
    """
    global _started_with
    now = {name: value for name, value in os.environ.items() if name.startswith(_READ_ONCE)}
    if now != _started_with:
        _leave_server()
        _started_with = now
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOAD)
    _place_socket()
    return context


def _leave_server() -> None:
    """Let the next process start a server; the old one ends when the last of its processes does."""
    server: Any = multiprocessing.forkserver._forkserver  # noqa: SLF001 - there is no public way
    _left[:] = [pid for pid in _left if os.waitpid(pid, os.WNOHANG) == (0, 0)]
    if server._forkserver_pid is not None:  # noqa: SLF001
        _left.append(server._forkserver_pid)  # noqa: SLF001
        os.close(server._forkserver_alive_fd)  # noqa: SLF001
        server.__init__()


def _place_socket() -> None:
    """Choose where multiprocessing makes its sockets, unless it has a folder that is short enough."""
    config: dict[str, Any] = multiprocessing.current_process()._config  # type: ignore[attr-defined] # noqa: SLF001
    present = config.get("tempdir")
    if present is None or len(os.fsencode(present)) > _LONGEST or not Path(present).is_dir():
        config["tempdir"] = str(_own_folder())


def _own_folder() -> Path:
    """Make a folder that is removed at the end of this process, or by the next one if it is killed."""
    base = Path(tempfile.gettempdir())
    if len(os.fsencode(base / f"{_OWN}12345678")) > _LONGEST:
        base = Path("/tmp")  # noqa: S108 - mkdtemp makes it private
    _remove_dead(base)
    new = Path(tempfile.mkdtemp(prefix=_NEW, dir=base))
    lock = os.open(new / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    with suppress(OSError):  # a file system without locks, where the next run can take none either
        fcntl.flock(lock, fcntl.LOCK_EX)
    folder = new.rename(base / new.name.replace(_NEW, _OWN))  # only now may it be taken for dead
    # As late as multiprocessing removes its own; a process that this one forks leaves it alone.
    Finalize(None, shutil.rmtree, args=(folder, True), exitpriority=-100)
    return folder


def _remove_dead(base: Path) -> None:
    """Remove the folders whose process is gone: their lock can be taken."""
    for folder in base.glob(f"{_OWN}*"):
        with suppress(OSError):  # somebody else's, held, or removed in this moment
            _remove_if_dead(folder)


def _remove_if_dead(folder: Path) -> None:
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        return
    lock = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)
