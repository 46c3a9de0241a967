"""pylidc: the only module that imports it.

pylidc 0.2.3 wants a home to keep its configuration in, pkg_resources, which setuptools no longer has, and,
for its viewers, matplotlib and scikit-image, which write caches to the home. To read a scan it needs none of
them: stand-ins take their places while it is imported, and the scan's folder is passed at each call. It finds
the scan's files and sorts them; only the slices that are asked for are then decoded, because a whole long
scan takes over a gigabyte.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redl.data.dicom.damage import quiet
from redl.data.lidc.database import Scan, database
from redl.data.lidc.files import UNREADABLE, read_header, read_hounsfield
from redl.errors import DataError

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
_SAME_HEIGHT_MM = 0.01  # files hold a slice's height as decimal text


def import_pylidc() -> ModuleType:
    """Import pylidc for reading scans; whatever in it draws or measures does not work."""
    if "pylidc" not in sys.modules:
        with _stand_ins(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import_module("pylidc")
    return sys.modules["pylidc"]


def read_slices(folder: Path, scan: Scan, places: Sequence[int]) -> NDArray[np.int16]:
    """Read slices in Hounsfield units, int16 (len(places), 512, 512), counted from the scan's lowest.

    `folder` holds the scan's files, and may hold others. The slices equal those of pylidc's `Scan.to_volume`;
    ones that are not asked for may be missing. Raise DataError for what is missing or damaged.
    """
    # `from None`: the messages of pylidc and pydicom quote header values and whole paths.
    try:
        with quiet():
            files = _files_by_height(folder, scan)
            return np.stack([read_hounsfield(_at(files, scan, place)) for place in places])
    except UNREADABLE as error:
        reason = type(error).__name__
        raise DataError(f"{scan.name}: a slice cannot be read ({reason}); download the scan again") from None


def _at(files: list[tuple[float, str]], scan: Scan, place: int) -> str:
    gap, path = min(((abs(height - scan.heights[place]), path) for height, path in files), default=(1.0, ""))
    if gap > _SAME_HEIGHT_MM:
        raise DataError(f"{scan.name}: lacks a slice that shows a nodule; download the scan again")
    return path


def _files_by_height(folder: Path, scan: Scan) -> list[tuple[float, str]]:
    """Return the height and the file of each slice, as pylidc finds and sorts them."""
    pylidc = import_pylidc()
    module: Any = sys.modules["pylidc.Scan"]  # `pylidc.Scan` is the class
    module.dicom = SimpleNamespace(dcmread=read_header)
    module.Scan.get_path_to_dicom_files = lambda _: str(folder)
    try:
        headers = pylidc._session.get(module.Scan, scan.number).load_all_dicom_images(verbose=False)  # noqa: SLF001
    finally:
        pylidc._session.close()  # noqa: SLF001
        pylidc._engine.dispose()  # noqa: SLF001
    return [(float(header.ImagePositionPatient[-1]), header.filename) for header in headers]


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
