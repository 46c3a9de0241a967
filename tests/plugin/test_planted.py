"""Identifiers planted in DICOM headers and tables are in nothing that a run writes or prints."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import ExplicitVRLittleEndian

from tests.helpers.otherencoders import write_dicom

pytestmark = pytest.mark.slow  # starts pytest with the whole suite several times

SUITE = Path(__file__).parents[2] / "benchmarks"
IMAGES = 24
HEADER = {
    "PatientName": "Zyxname^Zyxgiven",
    "PatientID": "ZYXID",
    "PatientBirthDate": "19310203",
    "PatientAddress": "Zyxstreet 1",
    "InstitutionName": "Zyxhospital",
    "StationName": "ZYXSTATION",
    "ReferringPhysicianName": "Zyxphysician^Zyxdoctor",
    "StudyDescription": "Zyxstudy",
    "AccessionNumber": "ZYXACC",
}
DECLARED = """
[tool.redl.datasets.clinic]
images = "images"
table = "clinic.csv"
"""


@pytest.fixture
def project(pytester, monkeypatch):
    """Write a data set whose headers and table name people."""
    monkeypatch.setenv("PYTHONPATH", str(pytester.path), prepend=os.pathsep)
    pytester.makepyprojecttoml(DECLARED)
    images, rows = pytester.mkdir("images"), ["image,subject,label"]
    draw = np.random.default_rng(1)
    for number in range(IMAGES):
        pixels = draw.integers(0, 200, (40, 40)).astype(np.uint16)
        pixels[5:15, 5:15] += 800 * (number % 2)
        write_dicom(
            images / f"{number}.dcm",
            pixels,
            pixels.tobytes(),
            ExplicitVRLittleEndian,
            BitsStored=12,
            **HEADER,
        )
        rows.append(f"{number}.dcm,ZYXSUBJECT{number},{number % 2}")
    pytester.path.joinpath("clinic.csv").write_text("\n".join(rows))
    return pytester


def planted_in(text):
    words = {part for value in HEADER.values() for part in value.split("^")} | {"ZYXSUBJECT"}
    return sorted(word for word in words if word.lower() in text.lower())


def run(project, *arguments):
    """Run one case with all that pytest can show; return its status and which planted words were seen."""
    result = project.runpytest_subprocess(
        *("-p", "no:cacheprovider", str(SUITE / "test_training.py"), "--redl-profile=tiny"),
        *("--redl-cache=cache", "-k", "clinic and mlp and baseline", "--tb=long", "-l", "-v"),
        *("--junit-xml=junit.xml", "--benchmark-json=run.json", "--benchmark-save=run", *arguments),
        timeout=300,
    )
    written = [
        path
        for path in project.path.rglob("*")
        if path.is_file() and not {"images", "clinic.csv"} & {*path.relative_to(project.path).parts}
    ]
    texts = [result.stdout.str(), result.stderr.str()]
    texts += [path.read_bytes().decode("utf-8", "replace") for path in written]
    texts += [path.name for path in written]
    return result, planted_in("\n".join(texts))


def test_the_words_are_found_where_they_are(project):
    header = planted_in((project.path / "images" / "0.dcm").read_bytes().decode("latin-1"))
    assert {part for value in HEADER.values() for part in value.split("^")} == set(header)
    assert ["ZYXSUBJECT"] == planted_in((project.path / "clinic.csv").read_text())


def test_a_run_names_nobody(project):
    result, planted = run(project)
    result.assert_outcomes(passed=2)
    assert [] == planted


def cut(project):
    for number in range(0, IMAGES, 2):
        path = project.path / "images" / f"{number}.dcm"
        path.write_bytes(path.read_bytes()[:-900])


def nul(project):
    path = project.path / "clinic.csv"
    path.write_text(path.read_text() + "\n99.dcm,ZYXSUBJECT\0,1")


def twice(project):
    path = project.path / "clinic.csv"
    path.write_text(path.read_text() + "\n0.dcm,ZYXSUBJECT99,1")


def label(project):
    path = project.path / "clinic.csv"
    path.write_text(path.read_text() + "\n1.dcm,ZYXSUBJECT1,ZYXSUBJECT")


def gone(project):
    for number in range(IMAGES):
        (project.path / "images" / f"{number}.dcm").unlink()


def bug(project):
    """Let redl itself fail where it has the table and a header in its hands."""
    project.makepyfile(
        planted_bug="import redl.data.folder as folder, pydicom\n"
        "read = folder.read_rows\n"
        "def broken(*words, **named):\n"
        "    rows = read(*words, **named)\n"
        "    raise AssertionError(f'a bug: {rows[0]}')\n"
        "folder.read_rows = broken\n"
    )


@pytest.mark.parametrize("fault", [cut, nul, twice, label, gone, bug])
def test_a_run_that_fails_names_nobody(project, fault):
    fault(project)
    result, planted = run(project, *(("-p", "planted_bug") if fault is bug else ()))
    assert 0 != result.ret, result.stdout.str()
    assert [] == planted


@pytest.mark.parametrize("fault", [cut, nul, twice, label, gone])
def test_a_command_that_fails_names_nobody(project, fault):
    fault(project)
    for words in (("check", "--dataset=clinic"), ("prepare", "--dataset=clinic", "--profile=tiny")):
        result = project.run(sys.executable, "-m", "redl", "data", *words)
        assert 0 != result.ret
        assert [] == planted_in(result.stdout.str() + result.stderr.str())
