"""What users bring: networks and settings of their own, with no change to redl.

A case runs in a process of its own, so a function is handed over as its file and its name.
"""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redl.errors import OptionError
from redl.study.case import Model, Setting, check_name


@dataclass(frozen=True, kw_only=True, slots=True)
class Function:
    """Hold where a function is written: its file, and its name at the file's top level."""

    file: Path
    name: str

    def load(self) -> Callable[..., Any]:
        """Import the file, once, and return the function; raise OptionError if it cannot be had."""
        module = f"redl_own_{abs(hash(self.file))}"
        if module not in sys.modules:
            spec = importlib.util.spec_from_file_location(module, self.file)
            if spec is None or spec.loader is None or not self.file.is_file():
                raise OptionError(f"{self.file}: no Python file; correct where {self.name} is written")
            sys.path.append(str(self.file.parent))  # for what the file imports from beside itself
            sys.modules[module] = importlib.util.module_from_spec(spec)
            try:
                spec.loader.exec_module(sys.modules[module])
            except Exception as error:  # whatever the user wrote there
                del sys.modules[module]
                raise OptionError(f"{self.file.name}: cannot be imported ({error})") from error
        found = getattr(sys.modules[module], self.name, None)
        if not callable(found):
            raise OptionError(f"{self.file.name}: holds no function {self.name}")
        return found  # type: ignore[no-any-return] # what it is is the caller's to know

    @classmethod
    def of(cls, function: Callable[..., Any]) -> Function:
        """Tell where `function` is written; raise OptionError unless another process could find it there."""
        name, file = getattr(function, "__qualname__", "?"), None
        if inspect.isfunction(function):
            file = inspect.getsourcefile(function)
        if file is None or not name.isidentifier():
            raise OptionError(
                f"{name}: give a function written at the top level of a file, where another process finds it"
            )
        return cls(file=Path(file).resolve(), name=name)

    @classmethod
    def parse(cls, text: str, *, below: Path) -> Function:
        """Read `file.py:function`, the file below a folder; raise OptionError for another spelling."""
        file, colon, name = text.rpartition(":")
        if not (colon and file.endswith(".py") and name.isidentifier()):
            raise OptionError(f"{text!r}: write it as file.py:function")
        if not (below / file).is_file():
            raise OptionError(f"{text!r}: there is no {file} beside pyproject.toml")
        return cls(file=(below / file).resolve(), name=name)


@dataclass(frozen=True, kw_only=True, slots=True)
class CustomModel:
    """Declare a network `name`: one of timm's, or what `build` makes.

    `build` is a function, at the top level of a file, from the images' side in pixels to a module that turns
    float images (N, 1, H, W) in [0, 1] into logits (N, 1).
    """

    name: str
    timm: str | None = None
    build: Callable[[int], Any] | Function | None = None

    def __post_init__(self) -> None:
        """Raise OptionError for a declaration that cannot be used."""
        check_name(self.name, "model", Model)
        if (self.timm is None) == (self.build is None):
            raise OptionError(f"model {self.name}: give either timm's name or a function that builds it")
        _keep_place(self, "build", self.build)


@dataclass(frozen=True, kw_only=True, slots=True)
class CustomSetting:
    """Declare a setting `name`: what `configure` returns.

    `configure` is a function at the top level of a file that takes a torch.device and returns a
    `redl.training.settings.TrainingSetup`: formats of weights and autocast, optimizer, any change to the
    model.
    """

    name: str
    configure: Callable[[Any], Any] | Function

    def __post_init__(self) -> None:
        """Raise OptionError for a declaration that cannot be used."""
        check_name(self.name, "setting", Setting)
        _keep_place(self, "configure", self.configure)


def _keep_place(own: object, field: str, function: Callable[..., Any] | Function | None) -> None:
    """Keep where a function is written in place of the function, which no other process could be sent."""
    if function is not None and not isinstance(function, Function):
        object.__setattr__(own, field, Function.of(function))
