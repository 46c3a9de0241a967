"""The stamp of a case: all that decides what it will find out, known before it runs.

Two cases with equal stamps need not both run. It is made where no torch is imported, so it names software and
devices only as far as they are known there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from redl.execution.job import RunOptions
from redl.metering.energy import SensorError
from redl.metering.gpus import visible_gpus
from redl.metering.machine import machine, package_version
from redl.study.case import Case
from redl.study.custom import Function
from redl.study.profile import JUDGING

Value = str | int | float | bool | None

_PACKAGES = ("redl", "torch", "timm", "bitsandbytes", "carbontracker", "numpy")
_NO_SIZE = JUDGING | {"name", "schedules"}


class Stamp(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of a case, the fingerprint of its data, and the machine and software that it runs on."""

    settings: dict[str, Value]
    data: str
    environment: dict[str, Value]

    def difference(self, other: Stamp) -> str | None:
        """Return in words what first differs from another stamp; None if they are equal."""
        for mine, theirs in ((self.settings, other.settings), (self.environment, other.environment)):
            for name in sorted(mine.keys() | theirs.keys()):
                if mine.get(name) != theirs.get(name):
                    return f"{name} differs"
        return None if self.data == other.data else "the data differ"


@cache
def environment_here() -> dict[str, Value]:
    """Return the machine that this process runs on, and its software."""
    try:
        gpus = " ".join(gpu.name for gpu in visible_gpus())
    except SensorError:
        gpus = ""
    return {
        **{package: package_version(package) for package in _PACKAGES},
        **machine(),
        "gpus": gpus,
    }


def stamp_of(
    case: Case,
    options: RunOptions,
    data_fingerprint: str,
    environment: Callable[[], Mapping[str, Value]] = environment_here,
) -> Stamp:
    """Return the stamp of a case that would be run like this on data of this fingerprint.

    `environment` returns the machine and software that it would be run on.
    """
    return Stamp(settings=_settings(case, options), data=data_fingerprint, environment=dict(environment()))


def _settings(case: Case, options: RunOptions) -> dict[str, Value]:
    sizes = options.profile.of(case.model)
    model, setting = options.custom_models.get(case.model), options.custom_settings.get(case.setting)
    assumed = asdict(options.assumptions)
    return {
        **{f.name: _plain(getattr(sizes, f.name)) for f in fields(sizes) if f.name not in _NO_SIZE},
        "model": None if model is None else model.timm or _code(model.build),
        "setting": None if setting is None else _code(setting.configure),
        "half_dtype": options.half_dtype,
        "weights": None if options.weights is None else _listing(options.weights),
        "plain": options.plain,
        "tf32": options.tf32,
        "settle_s": options.settle_s,
        **{name: assumed[name] for name in sorted(assumed)},
    }


def _plain(value: Any) -> Value:  # noqa: ANN401 - a field of a profile
    return value if isinstance(value, bool | int | float | None) else str(value)


def _code(function: Callable[..., Any] | Function | None) -> str:
    """Return a function's name and a digest of its file; what the file imports is not part of it."""
    assert isinstance(function, Function), "a declared function is kept as its place"
    return f"{function.name} {_digest(function.file.read_bytes())}"


def _listing(folder: Path) -> str:
    """Return a digest of the names, sizes and times of the files of a folder of weights."""
    files = sorted((path.name, path.stat()) for path in folder.iterdir() if path.is_file())
    return _digest(repr([(name, stat.st_size, stat.st_mtime_ns) for name, stat in files]).encode())


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
