"""The journal: what each test of a case found, on the disk as soon as it is known.

One line of JSON a test, with its own checksum; the first line says what else a saved run says of itself.
A line that was cut is healed before the next one is appended, and a damaged one is named and never trusted.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from filelock import FileLock, Timeout

from redl.errors import RecordError
from redl.results.saving import save_new, save_numbered, sync_folder, why
from redl.results.store import KEY

SUFFIX = ".journal"
SCHEMA = 1

_MOST_BYTES = 4 * 2**30
_WAIT_S = 60.0
_LEAST_LINES = 2  # of a journal that holds anything


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What a saved run says besides its benchmarks, and the name that it will be saved under."""

    journal: int = SCHEMA
    name: str
    run: dict[str, Any]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One test of one case, as pytest-benchmark saves it: redl's record is in its `extra_info`."""

    case: str
    benchmark: dict[str, Any]

    @property
    def test(self) -> str:
        """Return the full name of the test; "" for a benchmark without one."""
        return str(self.benchmark.get("fullname", ""))


@dataclass(frozen=True, kw_only=True)
class Journal:
    """Journal of one run; whoever writes it holds its lock, so that others leave it alone."""

    path: Path
    lock: FileLock

    @classmethod
    def at(cls, path: Path) -> Journal:
        """Return the journal at a path."""
        return cls(path=path, lock=FileLock(f"{path}.lock", timeout=_WAIT_S))

    @classmethod
    def create(cls, folder: Path, header: Header, entries: Iterable[Entry] = ()) -> Journal:
        """Begin a journal in a folder, with what was taken over from another; raise OSError."""
        moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
        journal = cls.at(folder / f"{moment}-{secrets.token_hex(4)}{SUFFIX}")
        journal.lock.acquire()
        save_new(folder, journal.path, b"".join([_line(header), *map(_line, entries)]))
        return journal

    def add(self, entry: Entry) -> None:
        """Commit an entry: it is on the disk when this returns; raise OSError if it cannot be."""
        line = _line(entry)
        with self.lock, self.path.open("r+b", buffering=0) as file:
            _heal(file)
            _write(file, line)
            os.fsync(file.fileno())

    def close(self) -> None:
        """Let go of the journal, for others to recover."""
        self.lock.release(force=True)

    def remove(self) -> None:
        """Delete the journal, once a saved run has all of it."""
        self.path.unlink(missing_ok=True)
        sync_folder(self.path.parent)
        Path(self.lock.lock_file).unlink(missing_ok=True)
        self.close()


@dataclass(frozen=True, kw_only=True)
class Content:
    """Content of a journal: the last entry of each test, and what is wrong with other lines.

    It is `intact` if nothing is wrong but a last line that was cut while it was written.
    """

    header: Header | None
    entries: tuple[Entry, ...]
    faults: tuple[str, ...]
    intact: bool


@dataclass(frozen=True, kw_only=True)
class Recovered:
    """A run that was saved from a journal, and what of the journal is not in it."""

    path: Path
    entries: tuple[Entry, ...]
    faults: tuple[str, ...]
    removed: bool


def read_journal(path: Path) -> Content:
    """Read a journal; raise RecordError for what cannot be read or has no valid line of a test."""
    header: Header | None = None
    entries: dict[tuple[str, str], Entry] = {}
    faults, damaged = [], 0
    for number, line in enumerate(_lines(path), 1):
        found = _parse(line)
        match found:
            case Header():
                header = found
            case Entry():
                entries[found.case, found.test] = found
            case fault:
                whole = line.endswith(b"\n")
                damaged += whole
                faults.append(f"line {number}: {fault if whole else 'was cut while it was written'}")
    if not entries:
        fault = faults[0] if faults else "no case had finished"
        raise RecordError(f"{path}: nothing to recover ({fault})")
    if header is None:
        faults.append("no valid first line: the machine and the cases that were to run are not known")
    return Content(
        header=header,
        entries=tuple(entries.values()),
        faults=tuple(faults),
        intact=header is not None and not damaged,
    )


def recover(path: Path) -> Recovered:
    """Make a saved run of a journal, beside it, and delete the journal if it is intact.

    Raise RecordError for a journal that is in use, unreadable or without a valid line.
    """
    journal = Journal.at(path)
    content = read_journal(path)
    try:
        journal.lock.acquire(timeout=0)
    except Timeout:
        raise RecordError(f"{path}: a run is still writing it; wait for its end") from None
    except OSError as error:
        raise RecordError(f"{path}: {why(error)}") from error
    try:
        name = content.header.name if content.header else path.stem
        saved = save_numbered(path.parent, name, as_saved(content.header, content.entries))
        if content.intact:
            journal.remove()
    except OSError as error:
        raise RecordError(f"{path.parent}: {why(error)}; the journal is kept") from error
    finally:
        journal.close()
    return Recovered(path=saved, entries=content.entries, faults=content.faults, removed=content.intact)


def as_saved(header: Header | None, entries: Sequence[Entry]) -> bytes:
    """Return a saved run as pytest-benchmark would write it."""
    run: Mapping[str, Any] = {"machine_info": {}, "commit_info": {}} if header is None else header.run
    content = {"benchmarks": [entry.benchmark for entry in entries], **run}
    return json.dumps(content, indent=4, allow_nan=False).encode()


def remove_empty(folder: Path) -> None:
    """Delete the journals of runs that were killed before any case had finished."""
    for path in folder.glob(f"*{SUFFIX}"):
        with suppress(OSError):  # taken away just now
            if not path.is_file():  # e.g. a pipe, which would be waited for
                continue
            with path.open("rb") as file:
                said = sum(1 for _ in islice(file, _LEAST_LINES))
            if said < _LEAST_LINES and not is_in_use(path):
                Journal.at(path).remove()


def is_in_use(path: Path) -> bool:
    """Return whether a run is still writing a journal."""
    lock = FileLock(f"{path}.lock", timeout=0)
    try:
        with lock:
            return False
    except Timeout:
        return True


def _line(content: Header | Entry) -> bytes:
    text = msgspec.json.encode(content)
    return b'{"sha256":"%s","entry":%s}\n' % (hashlib.sha256(text).hexdigest().encode(), text)


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    sha256: str
    entry: msgspec.Raw


class _Version(msgspec.Struct):
    journal: int | None = None


def _parse(line: bytes) -> Header | Entry | str:
    """Return what a line holds, or what is wrong with it."""
    try:
        found = msgspec.json.decode(line, type=_Line)
        text = bytes(found.entry)
        if hashlib.sha256(text).hexdigest() != found.sha256:
            return "its checksum does not fit"
        version = msgspec.json.decode(text, type=_Version).journal
        if version is None:
            return _checked(msgspec.json.decode(text, type=Entry))
        if version > SCHEMA:
            return f"journal of schema {version}, and this redl reads up to {SCHEMA}; update redl"
        return msgspec.json.decode(text, type=Header)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "no line of a journal"


def _checked(entry: Entry) -> Entry | str:
    """Return an entry whose record and case are each other's, or what is wrong with it."""
    match entry.benchmark.get("extra_info"):
        case {"redl": {"case": {"id": entry.case}}}:
            return entry
        case _:
            return f"its `{KEY}` is no record of the case"


def _lines(path: Path) -> list[bytes]:
    try:
        if not path.is_file():
            raise RecordError(f"{path}: no such journal; `ls reports/*/*{SUFFIX}` lists them")
        if path.stat().st_size > _MOST_BYTES:
            raise RecordError(f"{path}: larger than {_MOST_BYTES >> 30} GB; no run writes such a journal")
        content = path.read_bytes()
    except OSError as error:
        raise RecordError(f"{path}: cannot be read ({why(error)})") from error
    *whole, cut = content.split(b"\n")
    return [*(line + b"\n" for line in whole), *([cut] if cut else [])]


def _heal(file: BinaryIO) -> None:
    """Let the file end with a line's end: complete the last line if only that is missing, or cut it off."""
    end = file.seek(0, os.SEEK_END)
    start = _start_of_last_line(file, end)
    if start == end:
        return
    file.seek(start)
    if isinstance(_parse(file.read(end - start)), str):
        file.truncate(start)
        file.seek(start)
    else:
        file.seek(end)
        _write(file, b"\n")


def _start_of_last_line(file: BinaryIO, end: int) -> int:
    """Return where the line that has no end begins; `end` if the last line is whole."""
    while end:
        begin = max(0, end - 65536)
        file.seek(begin)
        place = file.read(end - begin).rfind(b"\n")
        if place >= 0:
            return begin + place + 1
        end = begin
    return 0


def _write(file: BinaryIO, content: bytes) -> None:
    """Write all of it: the system may take less at once, e.g. up to the end of the disk."""
    rest = memoryview(content)
    while rest:
        rest = rest[file.write(rest) :]
