"""Prepared data sets in a file, to be carried to a machine without network or raw files.

A zip archive of whole cache entries. Whatever else one holds is refused: only the files of an entry are taken
out, under their own names, and their fingerprint is checked as that of any entry.
"""

from __future__ import annotations

import re
import shutil
import stat
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from filelock import FileLock

from redl.data.cache.entry import FILES, META, is_whole, open_prepared
from redl.data.cache.scratch import scratch
from redl.errors import DataError, OptionError, RecordError
from redl.record.strict import parse, read_bytes

_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}-\d{1,5}px-[0-9a-f]{16}")  # of an entry
_META_BYTES = 2**24  # more is no description of data
_MOST_TIMES, _MOST_BESIDE = (
    250,
    2**26,
)  # an archive may unpack to: times its size, bytes beside; images do less

_DAMAGE = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    EOFError,
    NotImplementedError,  # zipfile's, over a compression that it does not know
    zipfile.BadZipFile,
    zlib.error,
    RecordError,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Packed:
    """A prepared data set that was brought: the name of its entry, and the archive or folder it lies in."""

    dataset: str
    entry: str
    place: Path


def pack(entry: Path, file: Path) -> None:
    """Write a whole entry to the new archive `file`, all of it or nothing; raise OptionError if it exists."""
    refuse_existing(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    with scratch(file) as folder:
        draft = folder / file.name
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            for name in FILES:
                if (entry / name).exists():
                    archive.write(entry / name, f"{entry.name}/{name}")
        draft.replace(file)


def refuse_existing(file: Path) -> None:
    """Raise OptionError for a file that exists."""
    if file.exists():
        raise OptionError(f"{file.name}: exists already; name a new file")


def find_packed(place: Path) -> dict[str, Packed]:
    """Return the data sets in an archive, an entry's folder, or a folder of either, by their names.

    Only descriptions are read. Raise OptionError where there is none, or two of one data set.
    """
    if not place.exists():
        raise OptionError(f"{place}: no such file or folder; name what `redl data pack` wrote")
    found: dict[str, Packed] = {}
    for one in _look_in(place):
        if (other := found.setdefault(one.dataset, one)) is not one:
            raise OptionError(
                f"{place.name}: {other.entry} and {one.entry} are both of {one.dataset}; leave one there"
            )
    if not found:
        raise OptionError(f"{place.name}: holds no prepared data set; name what `redl data pack` wrote")
    return found


def unpack(packed: Packed, cache: Path) -> Path:
    """Return the folder of a data set that was brought, taken out of its archive below `cache` if need be.

    Raise DataError for one that is not as it was packed.
    """
    if packed.place.is_dir():
        entry = packed.place
    else:
        entry = cache / f"packed-{packed.entry}"
        if _is_of(packed, entry) and is_whole(entry):  # also in a cache that cannot be written
            return entry
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(entry.with_name(f"{entry.name}.lock")):
            if _is_of(packed, entry) and is_whole(entry):
                return entry
            shutil.rmtree(entry, ignore_errors=True)
            _extract(packed, entry)
    if not is_whole(entry):
        raise DataError(f"{packed.place.name}: {packed.dataset} is not as it was packed; bring it again")
    return entry


def _is_of(packed: Packed, entry: Path) -> bool:
    """Return whether an entry is of this archive, by the description, which has the fingerprint."""
    try:
        with zipfile.ZipFile(packed.place) as archive:
            return _read_meta(archive, packed.entry) == read_bytes(entry / META)
    except _DAMAGE:
        return False


def _look_in(place: Path) -> list[Packed]:
    if place.is_file():
        return _in_archive(place)
    if (place / META).exists():
        return [Packed(dataset=open_prepared(place).origin.dataset, entry=place.name, place=place)]
    if not place.is_dir():
        raise OptionError(f"{place.name}: neither a file nor a folder; name what `redl data pack` wrote")
    inside = sorted(path for path in place.iterdir() if path.name[0] != ".")
    archives = [
        packed for path in inside if path.suffix == ".zip" and path.is_file() for packed in _in_archive(path)
    ]
    return archives + [packed for path in inside if (path / META).exists() for packed in _look_in(path)]


def _in_archive(file: Path) -> list[Packed]:
    try:
        with zipfile.ZipFile(file) as archive:
            entries = sorted({_entry_of(info) for info in archive.infolist()})
            unpacked = sum(info.file_size for info in archive.infolist())
            if len(set(archive.namelist())) < len(archive.namelist()):
                raise ValueError(file)
            if unpacked > _MOST_TIMES * file.stat().st_size + _MOST_BESIDE:
                raise ValueError(file)
            return [Packed(dataset=_dataset_of(archive, entry), entry=entry, place=file) for entry in entries]
    except _DAMAGE:
        raise OptionError(
            f"{file.name}: not an archive that `redl data pack` wrote; bring it again"
        ) from None


def _entry_of(info: zipfile.ZipInfo) -> str:
    """Return the entry that a member belongs to; raise ValueError for what no entry has."""
    path = PurePosixPath(info.filename)
    if stat.S_ISLNK(info.external_attr >> 16):
        raise ValueError(info.filename)
    if len(path.parts) != 2 or not _NAME.fullmatch(path.parts[0]) or path.parts[1] not in FILES:
        raise ValueError(info.filename)
    return path.parts[0]


def _dataset_of(archive: zipfile.ZipFile, entry: str) -> str:
    dataset = parse(_read_meta(archive, entry), META)["dataset"]
    if not isinstance(dataset, str) or not entry.startswith(f"{dataset}-"):
        raise ValueError(entry)
    return dataset


def _read_meta(archive: zipfile.ZipFile, entry: str) -> bytes:
    info = archive.getinfo(f"{entry}/{META}")
    if info.file_size > _META_BYTES:
        raise ValueError(entry)
    return archive.read(info)


def _extract(packed: Packed, entry: Path) -> None:
    try:
        with (
            zipfile.ZipFile(packed.place) as archive,
            scratch(entry) as folder,
        ):
            members = [info for info in archive.infolist() if _entry_of(info) == packed.entry]
            needed, free = sum(info.file_size for info in members), shutil.disk_usage(entry.parent).free
            if needed > free:
                raise OptionError(
                    f"{packed.place.name}: needs {needed / 2**20:.0f} MiB and {free / 2**20:.0f} are free; "
                    "make room or name another --redl-cache"
                )
            whole = folder / entry.name
            whole.mkdir()
            for info in members:
                with (
                    archive.open(info) as source,
                    (whole / PurePosixPath(info.filename).name).open("wb") as to,
                ):
                    shutil.copyfileobj(source, to, 1 << 20)
            whole.replace(entry)
    except _DAMAGE:
        raise DataError(f"{packed.place.name}: is damaged or cut short; bring it again") from None
