"""A fresh process for one of this package's modules, and one line for how it failed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from redl.errors import ModelError

# What decides on threads where it is read, and what hides GPUs, because deployment is on the CPU.
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


# The line that ends a traceback, and the path in what the system says, which may name a user.
_RAISED = re.compile(r"^([\w.]+\.)?(\w*(?:Error|Exception|Interrupt|Exit)\w*): (.*)$", re.MULTILINE)
_PATH = re.compile(r"(?<=\w): '[^']*'$")


def run_module(module: str, *arguments: Path | str, what: str, threads: int, timeout_s: float) -> None:
    """Run a module of this package in a fresh interpreter, which ends when this process does.

    Raise ModelError, which names `what`, if it does not end well within the time.
    """
    reading, writing = os.pipe()
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", **dict.fromkeys(_THREADS, str(threads))}
    try:
        done = subprocess.run(  # noqa: S603 - this interpreter and our own module
            [sys.executable, "-m", f"redl.deployment.{module}", *map(str, arguments)],
            env=environment,
            stdin=reading,  # whose end is the end of this process
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ModelError(f"{what}: no end within {timeout_s:g} s; allow more by --redl-timeout") from None
    finally:
        os.close(reading)
        os.close(writing)
    if done.returncode:
        raise ModelError(f"{what}: {_why(done)}")


def _why(done: subprocess.CompletedProcess[str]) -> str:
    if done.returncode == -signal.SIGKILL:
        return "its process got SIGKILL: often the system ran out of memory"
    if done.returncode < 0:
        return f"its process died of {signal.Signals(-done.returncode).name}"
    raised = _RAISED.findall(done.stderr)
    if not raised:
        return f"its process ended with status {done.returncode}"
    module, name, words = raised[-1]
    words = _PATH.sub("", words)
    return words if module == "redl.errors." else f"{name}: {words}"
