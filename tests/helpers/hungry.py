"""Children that take memory as they are told, between the readings of a watch or before its eyes."""

import mmap
import os
import time
from contextlib import contextmanager
from pathlib import Path

MB = 2**20


def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Hungry:
    """Take `megabytes`, 10 MB every 10 ms, then hold them for a moment."""

    def __init__(self, megabytes):
        self._megabytes = megabytes

    def warm_up(self):
        return resident()

    def train(self):
        held = []
        for _ in range(0, self._megabytes, 10):
            block = mmap.mmap(-1, 10 * MB)
            block.write(b"x" * (10 * MB))
            held.append(block)
            time.sleep(0.01)
        time.sleep(0.05)


class Raising:
    """Raise an error in training."""

    def __init__(self, message):
        self._message = message

    def warm_up(self):
        return resident()

    def train(self):
        raise RuntimeError(self._message)


@contextmanager
def hungry(megabytes, _):
    yield Hungry(megabytes)


@contextmanager
def raising(message, _):
    yield Raising(message)
