"""The epochs of a case, kept on the disk: a case that was killed goes on after its last whole epoch.

A file an epoch, whole or not at all, named by its own checksum. The one before stays until the next is whole,
and so does that of the best epoch, whose weights the case may end with. A lock keeps a second run of the same
case away; the second run trains without.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
from filelock import Timeout

from redl.execution.epoch_folder import lock_of
from redl.metering.stretch import Stretch
from redl.training.course import Course
from redl.training.state_file import State, UnreadableError, UnsavableError, read_state, write_state

_NAME = re.compile(r"epoch-(\d{6})-([0-9a-f]{64})\.safetensors")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Kept:
    path: Path
    epoch: int
    sha256: str


class KeptEpochs:
    """The kept epochs of one case; without a folder, nothing is kept.

    `faults` say in words why an epoch could not be kept, or not be read again.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._needed: set[int] = set()
        self.faults: list[str] = []

    def resume(self, course: Course) -> Stretch | None:
        """Let a course go on after the newest epoch that is whole; return what was measured until then."""
        for kept in sorted(self._found(), key=lambda one: one.epoch, reverse=True):
            try:
                state = _read(kept)
                stretch = msgspec.convert(state["stretch"], Stretch)
                best = state["course"]["best_epoch"]
                best_model = state["course"]["model"] if best in {None, kept.epoch} else self._model_of(best)
                course.resume(state["course"], best_model)
            except (UnreadableError, KeyError, TypeError, ValueError) as error:
                self.faults.append(f"epoch {kept.epoch} was kept and cannot be gone on from: {error}")
                continue
            self._needed = {kept.epoch, best or kept.epoch}
            return stretch
        return None

    def keep(self, course: Course, measured: Callable[[], Stretch]) -> None:
        """Keep the last epoch of a course and what was measured until then; a fault stops no training."""
        if self._folder is None:
            return
        epoch, best = len(course.trace), course.best_epoch
        try:
            self._write(epoch, {"course": course.state(), "stretch": msgspec.to_builtins(measured())})
        except (UnsavableError, OSError) as error:
            why = (error.strerror if isinstance(error, OSError) else None) or str(error)
            self.faults.append(f"epoch {epoch} could not be kept: {why}")
            return
        needed = {epoch, best or epoch}
        for kept in self._found():
            if kept.epoch not in needed | self._needed:
                kept.path.unlink(missing_ok=True)
        self._needed = needed

    def _write(self, epoch: int, state: State) -> None:
        assert self._folder is not None, "there is one"
        draft = self._folder / f".epoch-{epoch:06}.draft"
        try:
            write_state(draft, state)
            with draft.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            draft.replace(self._folder / f"epoch-{epoch:06}-{digest}.safetensors")
        finally:
            draft.unlink(missing_ok=True)

    def _found(self) -> Iterator[_Kept]:
        for path in () if self._folder is None else sorted(self._folder.glob("epoch-*")):
            if match := _NAME.fullmatch(path.name):
                yield _Kept(path=path, epoch=int(match[1]), sha256=match[2])

    def _model_of(self, epoch: int) -> State:
        faults = []
        for kept in self._found():
            if kept.epoch == epoch:
                try:
                    model: State = _read(kept)["course"]["model"]
                except UnreadableError as error:
                    faults.append(str(error))
                else:
                    return model
        raise UnreadableError(f"its best epoch is {epoch}: {'; '.join(faults) or 'it is gone'}")


@contextmanager
def open_epochs(folder: Path | None) -> Iterator[KeptEpochs]:
    """Yield the kept epochs of a case, which no other process can change meanwhile.

    Nothing is kept without a folder, or if a process trains the same case now.
    """
    if folder is None:
        yield KeptEpochs(None)
        return
    lock = lock_of(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        yield _without("another process trains the same case")
        return
    except (OSError, NotImplementedError) as error:  # the latter where a file system has no locks
        yield _without((error.strerror if isinstance(error, OSError) else None) or str(error))
        return
    try:
        for draft in folder.glob(".epoch-*.draft"):  # of a process that was killed
            draft.unlink(missing_ok=True)
        yield KeptEpochs(folder)
    finally:
        lock.release()


def _without(why: str) -> KeptEpochs:
    kept = KeptEpochs(None)
    kept.faults.append(f"no epoch can be kept: {why}")
    return kept


def _read(kept: _Kept) -> State:
    if not kept.path.is_file():  # e.g. a pipe, which would be waited for
        raise UnreadableError("no file")
    try:
        with kept.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UnreadableError((error.strerror or type(error).__name__).lower()) from error
    if digest != kept.sha256:
        raise UnreadableError("its checksum does not fit")
    return read_state(kept.path)
