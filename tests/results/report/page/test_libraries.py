"""Libraries of the page, and what the tests bring of others: unchanged, and each with its licence."""

import hashlib
import json
import subprocess
import sys
import zipfile
from importlib.resources import files
from pathlib import Path

import pytest

from redl.results.report.page.libraries import LIST, libraries
from tests.helpers.changes import replace

ROOT = Path(__file__).parents[4]
FOLDERS = (Path(str(files("redl.results.report.page"))) / "vendor", Path(__file__).parent / "vendor")
ENTRIES = [(folder, entry) for folder in FOLDERS for entry in json.loads((folder / LIST).read_text())]


@pytest.mark.parametrize(("folder", "entry"), ENTRIES, ids=[entry["name"] for _, entry in ENTRIES])
def test_each_file_has_its_checksum(folder, entry):
    for name, checksum in (("file", "sha256"), ("licence_file", "licence_sha256")):
        assert entry[checksum] == hashlib.sha256((folder / entry[name]).read_bytes()).hexdigest()


@pytest.mark.parametrize("folder", FOLDERS, ids=["page", "tests"])
def test_no_file_is_there_without_a_checksum(folder):
    listed = {entry[name] for place, entry in ENTRIES if place == folder for name in ("file", "licence_file")}
    assert listed | {LIST} == {path.name for path in folder.iterdir()}


def test_a_script_that_was_changed_is_refused():
    changed = replace(libraries()[0], sha256="0" * 64)
    with pytest.raises(ValueError, match=r"vega\.min\.js is not the file"):
        _ = changed.script


def test_a_licence_that_was_changed_is_refused():
    changed = replace(libraries()[0], licence_sha256="0" * 64)
    with pytest.raises(ValueError, match=r"vega\.LICENSE is not the file"):
        _ = changed.licence_text


def test_the_licences_let_the_page_be_passed_on():
    assert {"BSD-3-Clause", "MIT"} == {library.licence for library in libraries()}


@pytest.mark.parametrize("library", libraries(), ids=lambda library: library.name)
def test_no_script_ends_its_own_element(library):
    assert "</script" not in library.script.lower()
    assert "<!--" not in library.script


@pytest.mark.slow
def test_the_wheel_has_every_file_of_the_page(tmp_path):
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    folder = ROOT / "redl" / "results" / "report" / "page"
    wanted = {
        path.relative_to(ROOT).as_posix()
        for name in ("vendor", "template")
        for path in (folder / name).iterdir()
    }
    assert set() == wanted - set(zipfile.ZipFile(wheel).namelist())
