"""Benchmark what resource-saving tricks save, and what they cost, in critical medical imaging models.

`import redl` loads none of the libraries behind these names; each is imported when it is first used.

>>> import redl
>>> redl.Folder.__module__
'redl.data.folder'
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # type checkers take it for true; importing typing would be most of this import's time

if TYPE_CHECKING:
    from redl.data.folder import Folder
    from redl.data.medmnist import MedMnist
    from redl.notebook import Run, load_run
    from redl.record import Record
    from redl.study.custom import CustomModel, CustomSetting
    from redl.training.settings import TrainingSetup

    __version__: str

__all__ = [
    "CustomModel",
    "CustomSetting",
    "Folder",
    "MedMnist",
    "Record",
    "Run",
    "TrainingSetup",
    "__version__",
    "load_run",
]

_HOMES = {
    "CustomModel": "redl.study.custom",
    "CustomSetting": "redl.study.custom",
    "Folder": "redl.data.folder",
    "MedMnist": "redl.data.medmnist",
    "Record": "redl.record",
    "Run": "redl.notebook",
    "TrainingSetup": "redl.training.settings",
    "load_run": "redl.notebook",
}


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("redl")
    if name not in _HOMES:
        raise AttributeError(f"module 'redl' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
