"""Data sets as people have them are trained on: a PACS export, JPEGs stored as colours, a MedMNIST file."""

import shutil
import sys
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import Image, ImageFilter
from pydicom.uid import JPEG2000Lossless

from redl.results.store import load_run
from tests.data.test_medmnist import write_npz
from tests.helpers.otherencoders import write_dicom

pytestmark = pytest.mark.slow  # trains three times

SUITE = Path(__file__).parents[2] / "benchmarks"
SUBJECTS = 24
DECLARED = """
[tool.redl.datasets.pacs]
images = "pacs"
table = "pacs.csv"
columns = { image = "SOP Instance UID", subject = "Patient" , label = "Finding" }
positive = "mass"

[tool.redl.datasets.mri]
images = "mri"
positive = "yes"
subject = "(P[0-9]+)_"

[tool.redl.datasets.pneumonia]
npz = "pneumoniamnist.npz"
"""


def texture(number, *, bright):
    """Draw smooth noise, with a bright disc or without."""
    noise = np.random.default_rng(number).integers(40, 160, (16, 16)).astype(np.uint8)
    image = Image.fromarray(noise).resize((96, 80), Image.Resampling.BICUBIC)
    pixels = np.asarray(image.filter(ImageFilter.GaussianBlur(1))).copy()
    if bright:
        pixels[30:50, 30:60] = 250
    return pixels


@pytest.fixture
def project(pytester):
    """Write the files of three data sets as other software writes them, and declare them."""
    pytester.makepyprojecttoml(DECLARED)
    pacs, mri = pytester.mkdir("pacs"), pytester.mkdir("mri")
    rows = ["Patient;SOP Instance UID;Finding"]
    for number in range(SUBJECTS):
        pixels = texture(number, bright=number % 2 == 0)
        name = f"1.2.840.113619.2.55.3.{number}"
        options = {"level": 0, "codecformat": "JP2", "reversible": True, "bitspersample": 12}
        stored = pixels.astype(np.uint16) * 16
        stream = bytes(imagecodecs.jpeg2k_encode(stored, **options)) + b"\xff"
        write_dicom(pacs / name, stored, stream, JPEG2000Lossless, BitsStored=12)
        rows.append(f"DOE_JANE_{number};{name};{'mass' if number % 2 == 0 else 'none'}")
        folder = mri / ("yes" if number % 2 == 0 else "no")
        folder.mkdir(exist_ok=True)
        picture = Image.fromarray(texture(100 + number, bright=number % 2 == 0)).convert("RGB")
        picture.save(folder / f"P{number}_DOE_JANE.jpg", quality=85)
    pytester.path.joinpath("pacs.csv").write_text("\n".join(rows), encoding="cp1252")
    write_npz(pytester.path / "pneumoniamnist.npz")
    return pytester


def test_all_of_them_are_trained_on_and_no_patient_is_named(project):
    result = project.runpytest_subprocess(
        *("-p", "no:cacheprovider", str(SUITE), "--redl-profile=tiny", "--redl-cache=cache"),
        *("-k", "test_training and mlp and baseline and not rsna and not lidc", "--benchmark-json=run.json"),
        timeout=300,
    )
    result.assert_outcomes(passed=6)
    saved = project.path / "run.json"
    assert "DOE_JANE" not in result.stdout.str() + result.stderr.str() + saved.read_text()
    data = {record.case.dataset: record.data for record in load_run(saved).records.values()}
    assert ["mri", "pacs", "pneumonia"] == sorted(data)
    assert "its own" == data["pneumonia"].split
    assert SUBJECTS == sum(getattr(data["pacs"].subjects, part) for part in ("train", "valid", "test"))


def test_a_data_set_that_was_packed_is_trained_on_where_its_files_are_not(project):
    pack = ["data", "pack", "pacs.zip", "--dataset=pacs", "--profile=tiny", "--cache=first"]
    assert 0 == project.run(sys.executable, "-m", "redl", *pack).ret
    elsewhere = project.mkdir("elsewhere")
    project.path.joinpath("pyproject.toml").unlink()
    shutil.rmtree(project.path / "pacs")
    result = project.runpytest_subprocess(
        *("-p", "no:cacheprovider", str(SUITE), "--redl-profile=tiny", f"--redl-cache={elsewhere / 'cache'}"),
        *("--redl-prepared=pacs.zip", "-k", "test_training and mlp and baseline and pacs"),
        timeout=300,
    )
    result.assert_outcomes(passed=2)
