"""Pool of processes, one per core, that make or draw images; it survives the death of any of them.

Processes rather than threads, because most decoders keep the GIL, and one that crashes over a damaged file
must not take the run with it. They are spawned, because a fork would copy the caller's threads and locks.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from types import TracebackType
from typing import Self, TypeVar

import numpy as np

from redl.data.source import Images, Item
from redl.errors import DataError, RedlError
from redl.parent import end_with_parent
from redl.processors import usable_processors

Made = Images[np.uint8] | DataError
K = TypeVar("K")
T = TypeVar("T")

_AHEAD = 4  # tasks handed out for each process, so that none is idle while the parent writes


class Died:
    """What comes of a task whose process dies, alone and a second time too."""


class Pool:
    """Processes that work through tasks; `processes` defaults to one for each usable core."""

    def __init__(self, processes: int | None = None) -> None:
        self._processes = processes or usable_processors()
        self._pool = _pool(self._processes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def work_through(self, items: Iterable[tuple[int, Item]]) -> Iterator[tuple[int, Made]]:
        """Yield each item's number with its images, or with the error that prevents them, as they are done.

        Raise RedlError if no process can start.
        """
        tasks = (((item, number), partial(_make, item)) for number, item in items)
        for (item, number), made in self.run(tasks):
            lost = DataError(f"{item.name}: a decoder dies of it; download it again")
            yield number, lost if isinstance(made, Died) else made

    def run(self, tasks: Iterable[tuple[K, Callable[[], T]]]) -> Iterator[tuple[K, T | Died]]:
        """Yield the key of each task with what it returns, as they are done; what one raises is raised here.

        Raise RedlError if no process can start.
        """
        waiting = enumerate(tasks)
        at_work: dict[int, tuple[K, Callable[[], T]]] = {}
        futures: dict[Future[T], int] = {}
        while True:
            try:
                while len(at_work) < _AHEAD * self._processes and (one := next(waiting, None)):
                    number, at_work[one[0]] = one
                    futures[_hand_out(self._pool, at_work[number][1])] = number
                if not at_work:
                    return
                for future in wait(futures, return_when=FIRST_COMPLETED).done:
                    result = future.result()
                    key, _ = at_work.pop(futures.pop(future))
                    yield key, result
            except BrokenProcessPool:
                # Any task at work may have killed it: a separate process for each finds out which.
                futures.clear()
                self._pool.shutdown()
                for key, task in at_work.values():
                    yield key, _run_alone(task)
                at_work.clear()
                self._pool = _pool(self._processes)


def _pool(processes: int) -> ProcessPoolExecutor:
    with _starting():
        return ProcessPoolExecutor(
            processes, mp_context=multiprocessing.get_context("spawn"), initializer=end_with_parent
        )


def _hand_out(pool: ProcessPoolExecutor, task: Callable[[], T]) -> Future[T]:
    """Submit a task; processes that this starts ignore Ctrl-C, because only the parent answers it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with _starting():
            return pool.submit(task)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _starting() -> Iterator[None]:
    """Raise RedlError for processes that cannot start, which is not the fault of any file."""
    try:
        yield
    except OSError as error:
        why = (error.strerror or type(error).__name__).lower()
        raise RedlError(
            f"no worker process can start ({why}); free some memory, and some room in /dev/shm"
        ) from error


def _make(item: Item) -> Made:
    try:
        images = item.work()
    except DataError as error:
        return error
    count = len(images.images)
    assert count == item.rows, f"{item.name}: {count} images, not {item.rows}"
    return images


def _run_alone(task: Callable[[], T]) -> T | Died:
    with _pool(1) as pool:
        try:
            _hand_out(pool, _idle).result()
        except BrokenProcessPool:
            raise RedlError(
                "no worker process can start: run a file that begins below `if __name__ == '__main__':`"
            ) from None
        try:
            return _hand_out(pool, task).result()
        except BrokenProcessPool:
            return Died()


def _idle() -> None:
    """Do nothing, which any process that can start is able to do."""
