"""Your own data sets, models and settings, as pyproject.toml declares them under [tool.redl]."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redl.data.datasets import OwnData
from redl.data.folder import Folder
from redl.data.medmnist import MedMnist
from redl.errors import OptionError
from redl.nearest import one_of
from redl.pyproject import declared_tables
from redl.study.custom import CustomModel, CustomSetting, Function

_KNOWN = ("datasets", "models", "settings", "gate")
_FOLDER_KEYS = {
    "images": "a string",
    "table": "a string",
    "crop": "true or false",
    "positive": "a string or a list of strings",
    "subject": "a string, a pattern with one group",
    "columns": "a table of strings",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Declared:
    """Your own data sets, models and settings."""

    folders: tuple[OwnData, ...] = ()
    models: tuple[CustomModel, ...] = ()
    settings: tuple[CustomSetting, ...] = ()

    def __post_init__(self) -> None:
        """Raise OptionError for a name that is declared twice."""
        for what, owns in (("model", self.models), ("setting", self.settings)):
            names = [own.name for own in owns]
            if repeated := {name for name in names if names.count(name) > 1}:
                raise OptionError(f"{what} {repeated.pop()} is declared twice; rename one")

    def __add__(self, other: Declared) -> Declared:
        """Return what two places declare together."""
        return Declared(
            folders=self.folders + other.folders,
            models=self.models + other.models,
            settings=self.settings + other.settings,
        )


def declared_in(pyproject: Path) -> Declared:
    """Read [tool.redl.datasets.NAME], [tool.redl.models.NAME] and [tool.redl.settings.NAME].

    Paths are relative to pyproject.toml. Raise OptionError for a table that cannot be understood.
    """
    ours = declared_tables(pyproject)
    for name in ours:
        if name not in _KNOWN:
            raise OptionError(f"{pyproject.name}: [tool.redl.{name}] is not read; {one_of(name, _KNOWN)}")
    tables = {kind: _tables(ours, kind, pyproject) for kind in ("datasets", "models", "settings")}
    return Declared(
        folders=tuple(_data(name, table, pyproject) for name, table in tables["datasets"].items()),
        models=tuple(_model(name, table, pyproject) for name, table in tables["models"].items()),
        settings=tuple(_setting(name, table, pyproject) for name, table in tables["settings"].items()),
    )


def _tables(ours: dict[str, Any], kind: str, pyproject: Path) -> dict[str, Any]:
    tables = ours.get(kind, {})
    if not isinstance(tables, dict):
        raise OptionError(f"{pyproject.name}: [tool.redl.{kind}] must be tables, one for each name")
    return tables


def _data(name: str, table: object, pyproject: Path) -> OwnData:
    where, below = f"{pyproject.name}: [tool.redl.datasets.{name}]", pyproject.parent
    if not isinstance(table, dict):
        raise OptionError(f"{where} must be a table; it needs images and table, or npz")
    if unknown := [key for key in table if key not in (*_FOLDER_KEYS, "npz")]:
        raise OptionError(f"{where} does not know {unknown[0]}; {one_of(unknown[0], (*_FOLDER_KEYS, 'npz'))}")
    match table:
        case {"npz": str(npz), **rest} if not rest:
            return MedMnist(name=name, npz=below / npz)
        case {"npz": _}:
            raise OptionError(f"{where} needs npz, as a string, and nothing else")
        case {"images": str(images)}:
            return Folder(name=name, images=below / images, **_folder_options(table, where, below))
        case _:
            raise OptionError(f"{where} needs images, as a string, or npz")


def _folder_options(table: dict[str, Any], where: str, below: Path) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for key, value in table.items():
        match key, value:
            case "images", _:
                continue
            case "table", str(text):
                options[key] = below / text
            case ("crop", bool()) | ("subject", str()):
                options[key] = value
            case "positive", str(text):
                options[key] = (text,)
            case "positive", list(texts) if texts and all(isinstance(text, str) for text in texts):
                options[key] = tuple(texts)
            case "columns", dict(names) if all(isinstance(name, str) for name in names.values()):
                options[key] = names
            case _:
                raise OptionError(f"{where}: {key} must be {_FOLDER_KEYS[key]}")
    return options


def _model(name: str, table: object, pyproject: Path) -> CustomModel:
    match table:
        case {"timm": str(timm), **rest} if not rest:
            return CustomModel(name=name, timm=timm)
        case {"build": str(build), **rest} if not rest:
            return CustomModel(name=name, build=_function(f"models.{name}", build, pyproject))
        case _:
            raise OptionError(
                f"{pyproject.name}: [tool.redl.models.{name}] needs timm, a network's name, or build, as "
                "file.py:function"
            )


def _setting(name: str, table: object, pyproject: Path) -> CustomSetting:
    match table:
        case {"configure": str(configure), **rest} if not rest:
            return CustomSetting(name=name, configure=_function(f"settings.{name}", configure, pyproject))
        case _:
            raise OptionError(
                f"{pyproject.name}: [tool.redl.settings.{name}] needs configure, as file.py:function"
            )


def _function(table: str, text: str, pyproject: Path) -> Function:
    try:
        return Function.parse(text, below=pyproject.parent)
    except OptionError as error:
        raise OptionError(f"{pyproject.name}: [tool.redl.{table}]: {error}") from error
