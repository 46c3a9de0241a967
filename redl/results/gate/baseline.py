"""Baselines: the saved runs that gates compare with, which only an explicit command replaces.

A baseline is a run that pytest-benchmark saved, `reports/baseline/NAME.json`, with the checksum of its bytes
beside it: a file that was changed by other means is refused.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from redl.errors import OptionError, RecordError
from redl.results.store import Run, load_run

FOLDER = "baseline"  # below reports/

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """Place of a baseline that was set, and how many cases it had before and has now."""

    path: Path
    before: int | None
    after: int


def find_run(text: str, reports: Path) -> Path:
    """Return the path of a saved run.

    `text` is a file, a baseline's name, or the number or name that pytest-benchmark gave the run. Raise
    OptionError if there is no such run, or more than one.
    """
    named = _baseline(reports, text) if _NAME.fullmatch(text) else None
    if named is not None and named.is_file():
        return named
    if Path(text).is_file():
        return Path(text)
    pattern = f"{int(text):04}_*.json" if text.isdigit() else f"*_{text}.json"
    found = sorted(reports.glob(f"*/{pattern}")) if re.fullmatch(r"[\w.+-]+", text) else []
    if not found:
        raise OptionError(
            f"{text}: no such file, baseline or saved run; `redl baseline show` lists baselines"
        )
    if len(found) > 1:
        places = ", ".join(f"{path.parent.name}/{path.name}" for path in found)
        raise OptionError(f"{text}: more than one saved run ({places}); name the file")
    return found[0]


def find_baseline(profile: str, reports: Path) -> Path:
    """Return the path of a profile's baseline; raise OptionError if none was ever set."""
    path = _baseline(reports, profile)
    if not path.is_file():
        raise OptionError(f"no baseline {profile} in {path.parent}; set one by `redl baseline set RUN`")
    return path


def load_base(path: Path) -> Run:
    """Return the run to compare with; raise RecordError for a baseline that was changed since it was set."""
    checksum = _checksum(path)
    if path.parent.name == FOLDER:
        if not checksum.is_file():
            raise RecordError(f"{path}: has no checksum beside it; set it by `redl baseline set RUN`")
        if not path.is_file():  # e.g. a pipe, which would be waited for
            raise RecordError(f"{path}: not a file; set it by `redl baseline set RUN`")
        if checksum.read_text(encoding="utf-8").split()[:1] != [_sha256(path.read_bytes())]:
            raise RecordError(f"{path}: was changed since it was set; set it anew by `redl baseline set RUN`")
    return load_run(path)


def set_baseline(run: Path, reports: Path, name: str | None = None) -> Move:
    """Make a saved run the baseline called `name`, by default that of its profile.

    Raise OptionError or RecordError, and keep the old one, for a run of several profiles or with a case that
    did not finish.
    """
    found = load_run(run)
    profiles = sorted({record.case.profile for record in found.records.values()})
    if len(profiles) > 1:
        raise OptionError(f"{run}: has cases of {' and '.join(profiles)}; save a run of one profile")
    unfinished = [name for name in found.collected if name not in found.records]
    unfinished += [name for name, record in found.records.items() if record.metrics is None]
    if unfinished:
        raise OptionError(f"{run}: {unfinished[0]} did not finish; in a baseline every case has")
    name = name or profiles[0]
    if not _NAME.fullmatch(name) or name.isdigit():
        raise OptionError(
            f"a baseline called {name!r}: use letters, digits, _ . and -, and begin with a letter"
        )
    path = _baseline(reports, name)
    before = len(load_run(path).records) if path.is_file() else None
    content = run.read_bytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    # The checksum goes last: after a crash between the two, the baseline is refused rather than trusted.
    _checksum(path).unlink(missing_ok=True)
    _write(path, content)
    _write(_checksum(path), f"{_sha256(content)}  {path.name}\n".encode())
    return Move(path=path, before=before, after=len(found.records))


def baselines(reports: Path) -> Iterator[Path]:
    """Yield the path of each baseline."""
    yield from sorted((reports / FOLDER).glob("*.json"))


def _baseline(reports: Path, name: str) -> Path:
    return reports / FOLDER / f"{name}.json"


def _checksum(path: Path) -> Path:
    return path.with_suffix(".sha256")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _write(path: Path, content: bytes) -> None:
    partial = path.with_name(f".{path.name}.draft")
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
