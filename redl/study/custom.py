"""Custom networks and settings: what users declare, with no change to redl.

A case runs in a process of its own, so a function is handed over as its file and its name.
"""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from redl.errors import OptionError
from redl.study.case import Model, Setting, check_name


@dataclass(frozen=True, kw_only=True, slots=True)
class Function:
    """A function by its place: a file, and a name at the file's top level."""

    file: Path
    name: str

    def __call__(self, *args: Any) -> Any:  # noqa: ANN401 - whatever the user's function takes and returns
        """Call the function; raise OptionError if it cannot be imported."""
        with _importable(self.file.parent):
            return self.load()(*args)

    def load(self) -> Callable[..., Any]:
        """Import the file, once, and return the function; raise OptionError if it cannot be imported."""
        found = getattr(self._module(), self.name, None)
        if not callable(found):
            raise OptionError(f"{self.file.name}: it has no function {self.name}; define it at the top level")
        return found  # type: ignore[no-any-return] # its types are the caller's to check

    def _module(self) -> ModuleType:
        # A digest is the same in every process; hash() is salted.
        name = f"redl_custom_{hashlib.sha256(str(self.file).encode()).hexdigest()[:16]}"
        if name in sys.modules:
            return sys.modules[name]
        spec = importlib.util.spec_from_file_location(name, self.file)
        if spec is None or spec.loader is None or not self.file.is_file():
            raise OptionError(f"{self.file}: no Python file; correct where {self.name} is written")
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        try:
            with _importable(self.file.parent):
                spec.loader.exec_module(module)
        except Exception as error:  # whatever the user wrote there
            del sys.modules[name]
            raise OptionError(f"{self.file.name}: cannot be imported ({error})") from error
        return module

    @classmethod
    def of(cls, function: Callable[..., Any]) -> Function:
        """Return the place of `function`; raise OptionError unless another process could import it there."""
        name, file = getattr(function, "__qualname__", "?"), None
        if inspect.isfunction(function):
            file = inspect.getsourcefile(function)
        if file is None or not name.isidentifier():
            raise OptionError(
                f"{name}: give a function at the top level of a file, which another process can import"
            )
        return cls(file=Path(file).resolve(), name=name)

    @classmethod
    def parse(cls, text: str, *, below: Path) -> Function:
        """Read `file.py:function`, the file relative to `below`; raise OptionError for any other text."""
        file, colon, name = text.rpartition(":")
        if not (colon and file.endswith(".py") and name.isidentifier()):
            raise OptionError(f"{text!r}: write it as file.py:function")
        if not (below / file).is_file():
            raise OptionError(f"{text!r}: there is no {file} beside pyproject.toml")
        return cls(file=(below / file).resolve(), name=name)


@dataclass(frozen=True, kw_only=True, slots=True)
class CustomModel:
    """A custom network `name`: one of timm's, or what `build` makes.

    `build` is a function at the top level of a file. It takes the side of the images in pixels and returns a
    module that turns float images (N, 1, H, W) in [0, 1] into logits (N, 1).

        CustomModel(name="small", timm="resnet18")
        CustomModel(name="mine", build=build_mine)
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
    """A custom setting `name`: what `configure` returns.

    `configure` is a function at the top level of a file. It takes a torch.device and returns a
    `redl.TrainingSetup`: the formats of weights and autocast, the optimizer, and any change to the model.

        CustomSetting(name="frugal", configure=configure_frugal)
    """

    name: str
    configure: Callable[[Any], Any] | Function

    def __post_init__(self) -> None:
        """Raise OptionError for a declaration that cannot be used."""
        check_name(self.name, "setting", Setting)
        _keep_place(self, "configure", self.configure)


def _keep_place(custom: object, field: str, function: Callable[..., Any] | Function | None) -> None:
    """Replace a function by its place, because a function cannot be sent to another process."""
    if function is not None and not isinstance(function, Function):
        object.__setattr__(custom, field, Function.of(function))


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Let what lies in a folder be imported within the block, as if a file there were run."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        with suppress(ValueError):  # the user's file may have removed it
            sys.path.remove(str(folder))
