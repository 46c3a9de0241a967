"""The seat: the processors and the GPU that one worker has to itself, so that no case disturbs another."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import accumulate, chain
from pathlib import Path

from redl.errors import OptionError, RedlError
from redl.execution.stamp import Value, environment_here
from redl.metering.conditions.cpu import own_processors
from redl.metering.energy import SensorError
from redl.metering.gpus import Gpu, visible_gpus
from redl.processors import usable_processors

AUTO = "auto"
VISIBLE = "CUDA_VISIBLE_DEVICES"

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_SIBLINGS = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"
_BYTES_OF_WORKER = 4 * 2**30  # what a case of the profile smoke takes at most, with its libraries


class SeatError(RedlError):
    """A process does not have the seat that it was given."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seat:
    """The numbers of some processors, and the UUID of a GPU; None without one."""

    processors: tuple[int, ...]
    gpu: str | None = None

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables that show a process only this GPU, and bound its threads.

        Without a bound it has as many threads as processors.
        """
        most = len(self.processors)
        threads = {name: str(most) for name in _THREADS if _above(os.environ.get(name), most)}
        return threads if self.gpu is None else {**threads, VISIBLE: self.gpu}


def own_seat() -> Seat:
    """Return what this process may use; raise SeatError if that is several GPUs."""
    gpus = _gpus()
    if len(gpus) > 1:
        raise SeatError(f"{len(gpus)} GPUs for one worker: start one for each, with {VISIBLE} set")
    return Seat(processors=own_processors(), gpu=gpus[0].uuid if gpus else None)


def first_gpu() -> str | None:
    """Return the UUID of the GPU that a case of this process computes on; None without one."""
    return next((gpu.uuid for gpu in _gpus()), None)


def count_of(text: str) -> int | str:
    """Return a number of workers, or AUTO; raise ValueError for what is neither."""
    if text == AUTO:
        return text
    if (count := int(text)) < 1:
        raise ValueError(text)
    return count


def seats(
    asked: int | str, *, share: bool, option: str = "--redl-workers", leave: str = "--redl-share"
) -> tuple[Seat, ...]:
    """Divide what this process may use among so many workers, or among as many as there is room for.

    Each has a GPU, if there is one, and whole cores, both of them its own unless they are allowed to `share`,
    by the option `leave`. Raise OptionError for more than there is room for.
    """
    gpus, cores = _gpus(), _within_quota(_cores(own_processors()))
    room = min(len(gpus) or len(cores), len(cores))
    count = _auto(room, with_gpus=bool(gpus)) if asked == AUTO else int(asked)
    if count > 1 and any(gpu.slice for gpu in gpus):
        raise OptionError(f"{option} {count}: a GPU in MIG mode is measured as a whole; use one worker on it")
    if count > room and not share:
        what = f"{len(gpus)} GPUs and {len(cores)} usable cores" if gpus else f"{len(cores)} usable cores"
        raise OptionError(
            f"{option} {count}: {what} have room for {room}; "
            f"cases that share them disturb each other's figures, which {leave} allows"
        )
    return tuple(
        Seat(processors=_share(cores, place, count), gpu=_gpu_of(gpus, place)) for place in range(count)
    )


@contextmanager
def seated(seat: Seat) -> Iterator[None]:
    """Keep this thread, and what it starts, on a seat within the block."""
    variables = seat.environment
    before = {name: os.environ.get(name) for name in variables}
    processors = own_processors()
    os.environ.update(variables)
    keep_to(seat.processors)
    try:
        yield
    finally:
        keep_to(processors)
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def keep_to(processors: Sequence[int]) -> None:
    """Keep this thread, and what it starts, on some processors."""
    with suppress(AttributeError):  # macOS has no such call
        os.sched_setaffinity(0, processors)


def check_seat(seat: Seat) -> None:
    """Raise SeatError if this process sees other processors or another GPU than it was given.

    A fork server, for one, shows its children the GPU that its parent had when the server was started.
    """
    found = own_seat()
    if found.gpu != seat.gpu:
        raise SeatError(f"this process sees {found.gpu or 'no GPU'}, and was given {seat.gpu or 'none'}")
    if found.processors != seat.processors:
        theirs, given = _numbers(found.processors), _numbers(seat.processors)
        raise SeatError(f"this process may use processors {theirs}, and was given {given}")


def device_words(seat: Seat, all_seats: Sequence[Seat]) -> str:
    """Return in words what a worker has, e.g. `GPU 2 of 4`, without any number that names a device."""
    gpus = list(dict.fromkeys(one.gpu for one in all_seats if one.gpu is not None))
    if seat.gpu is not None:
        return f"GPU {gpus.index(seat.gpu) + 1} of {len(gpus)}"
    return f"processors {_numbers(seat.processors)}"


def environment_on(seat: Seat) -> dict[str, Value]:
    """Return this machine and its software as a worker on a seat sees them."""
    gpu = next((gpu.name for gpu in _gpus() if gpu.uuid == seat.gpu), "")
    return {**environment_here(), "usable_cores": len(seat.processors), "gpus": gpu}


def overlap(one: Seat, other: Seat) -> bool:
    """Return whether two seats of one machine have a GPU or a processor in common."""
    return (one.gpu is not None and one.gpu == other.gpu) or bool({*one.processors} & {*other.processors})


def _gpus() -> tuple[Gpu, ...]:
    try:
        return visible_gpus()
    except SensorError:
        return ()


def _above(text: str | None, most: int) -> bool:
    return text is not None and text.isdecimal() and int(text) > most


def _cores(processors: Sequence[int]) -> list[tuple[int, ...]]:
    """Return the processors by cores: two threads of one core would disturb each other."""
    cores = {number: _siblings(number) & {*processors} for number in processors}
    return sorted({tuple(sorted(core)) for core in cores.values()})


def _within_quota(cores: Sequence[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Return as many of the cores as a quota of processor time can keep busy, at least one.

    More would be held back together, as if their cases shared them.
    """
    busy = accumulate(len(core) for core in cores)
    usable = usable_processors()
    return [core for core, count in zip(cores, busy, strict=True) if count <= usable] or list(cores[:1])


def _siblings(number: int) -> set[int]:
    try:
        text = Path(_SIBLINGS.format(number)).read_text()
    except OSError:
        return {number}
    ranges = re.findall(r"(\d+)(?:-(\d+))?", text)
    return {number, *chain.from_iterable(range(int(low), int(high or low) + 1) for low, high in ranges)}


def _auto(room: int, *, with_gpus: bool) -> int:
    """Return how many workers there is room for; on processors, memory for their cases counts too."""
    if with_gpus:
        return room
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(room, memory // _BYTES_OF_WORKER))


def _share(cores: Sequence[tuple[int, ...]], place: int, count: int) -> tuple[int, ...]:
    """Return the processors of one of `count` workers: as many cores for each, none of them shared if so."""
    each = len(cores) // count
    if each == 0:
        return cores[place % len(cores)]
    return tuple(sorted(chain.from_iterable(cores[place * each : (place + 1) * each])))


def _gpu_of(gpus: Sequence[Gpu], place: int) -> str | None:
    return gpus[place % len(gpus)].uuid if gpus else None


def _numbers(processors: Sequence[int]) -> str:
    """Return numbers as a list of ranges, e.g. `0-3,8`."""
    words, start = [], None
    for number in sorted(processors):
        start = number if start is None else start
        if number + 1 not in processors:
            words.append(str(start) if start == number else f"{start}-{number}")
            start = None
    return ",".join(words)
