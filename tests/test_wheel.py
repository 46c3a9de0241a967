"""The wheel: installed by itself, it holds the suite, the reference and the printed tables."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.slow


def run(*command, cwd, **environment):
    # Without what this run's own environment says of paths, pytest or coverage.
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST", "COV"))
    }
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=kept | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """Install the wheel into an environment of its own; the libraries are this one's, which need no copy."""
    folder = tmp_path_factory.mktemp("wheel")
    built = run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    assert 0 == built.returncode, built.stderr
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "env", with_pip=True)
    python = folder / "env" / "bin" / "python"
    installed = run(python, "-m", "pip", "install", "--no-deps", "--no-index", wheel, cwd=folder)
    assert 0 == installed.returncode, installed.stderr
    (site,) = (folder / "env").glob("lib/python*/site-packages")
    # A path in a .pth file is not searched for further ones, so the checkout stays out.
    site.joinpath("libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def test_the_package_is_the_wheels(python, tmp_path):
    found = run(python, "-c", "import redl; print(redl.__file__)", cwd=tmp_path)
    assert str(python.parents[1]) in found.stdout, found.stderr


def test_the_page_has_its_template_and_scripts(python, tmp_path):
    saved = ROOT / "reports" / "example" / "run.json"
    found = run(python, "-m", "redl", "report", saved, "-o", "out", cwd=tmp_path)
    assert 0 == found.returncode, found.stderr
    assert (tmp_path / "out" / "report.html").stat().st_size > 1_000_000


def test_the_suite_runs_in_an_empty_folder_and_saves_below_it(python, tmp_path):
    words = "mlp and rsna and baseline and not deployment"
    chosen = ["-k", words, "--redl-profile=tiny", f"--redl-cache={tmp_path / 'cache'}"]
    folder = tmp_path / "empty"
    folder.mkdir()
    result = run(python, "-m", "pytest", "--pyargs", "redl.suite", *chosen, cwd=folder)
    assert 0 == result.returncode, result.stdout
    assert "2 passed" in result.stdout
    (saved,) = folder.glob("reports/*/*.json")
    cases = {one["extra_info"]["redl"]["case"]["id"] for one in json.loads(saved.read_text())["benchmarks"]}
    assert {"rsna-mlp-baseline-seed1"} == cases
    shown = run(python, "-m", "redl", "tradeoff", saved, cwd=folder)
    assert "Traceback" not in shown.stderr


def test_the_reference_and_the_printed_tables_come_with_it(python, tmp_path):
    code = (
        "from pathlib import Path; from redl.results.reference import find_reference, load_reference; "
        "from redl.results.printed import printed_rows; "
        "reference = load_reference(find_reference('smoke', Path('reports'))); "
        "print(len(reference.bands) > 0, len(printed_rows()) > 0)"
    )
    assert "True True" == run(python, "-c", code, cwd=tmp_path).stdout.strip()


def test_cases_of_an_installed_suite_are_selected_as_in_a_checkout(python, tmp_path):
    chosen = ["--collect-only", "-q", "-k", "densenet and rsna"]

    def cases(*arguments, cwd):
        lines = run(python, "-m", "pytest", *arguments, *chosen, cwd=cwd).stdout.splitlines()
        return [line.partition("::")[2] for line in lines if "::" in line]

    installed = cases("--pyargs", "redl.suite", cwd=tmp_path)
    # Training and inference of each setting, four runtimes of the baseline, three downsampled ones.
    assert 2 * 6 + 4 + 3 == len(installed)
    names = ["test_training", "test_deployment", "test_downsampling", "test_fast_path"]
    assert installed == cases(*(f"benchmarks/{name}.py" for name in names), cwd=ROOT)
