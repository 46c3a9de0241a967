"""The command says what was made or found, refuses in one line, and shows no patient."""

import csv
import re
import shutil
import subprocess
import sys
from dataclasses import fields
from importlib.metadata import version

import numpy as np
import pydicom
import pytest
from PIL import Image

from redl.cli import main, phantom
from redl.cli.display import print_findings, print_left_out, print_table, table_width
from redl.cli.options import data_options_of
from redl.cli.parser import build_parser
from redl.data.cache import pool, preparation
from redl.data.cache.entry import Findings, Named, open_prepared
from redl.data.datasets import DataOptions, prepare_dataset
from redl.data.lidc.description import AnnotationDescription
from redl.data.lidc.phantom import LidcPhantom
from redl.data.options import OPTIONS, data_options
from redl.data.rsna import description
from redl.data.rsna.phantom import Phantom
from redl.errors import RedlError
from redl.study.profile import TINY

FIRST_PATIENT = 777_000_001
PLANTED = ("Planted", "19611124", "777000", "Hospital")


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch):
    for name in ("REDL_CACHE", "REDL_RSNA_ROOT", "REDL_LIDC_ROOT"):
        monkeypatch.delenv(name, raising=False)


class PoolOfOne(pool.Pool):
    """A pool that works in this process; the tests of pools cover its processes."""

    def __init__(self, processes=None):
        pass

    def __exit__(self, *_):
        pass

    def work_through(self, items):
        return ((number, pool._make(item)) for number, item in items)


@pytest.fixture(autouse=True)
def _no_processes(monkeypatch):
    monkeypatch.setattr(preparation, "Pool", PoolOfOne)


@pytest.fixture(scope="module")
def phantom_root(tmp_path_factory):
    root = tmp_path_factory.mktemp("phantom") / "rsna"
    size = ("--rows=48", "--columns=40", "--radius-fraction=0.1")
    assert 0 == main(["data", "phantom", "--dataset=rsna", f"--root={root}", "--subjects=10", *size])
    return root


@pytest.fixture(scope="module")
def planted_root(phantom_root, tmp_path_factory):
    """Return a copy with a patient's name, id and folder planted, one file cut short and one missing."""
    root = tmp_path_factory.mktemp("planted") / "rsna"
    shutil.copytree(phantom_root, root)
    with (root / "train.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = {
        patient: str(FIRST_PATIENT + number)
        for number, patient in enumerate(sorted({row["patient_id"] for row in rows}))
    }
    for patient, name in names.items():
        (root / "train_images" / patient).rename(root / "train_images" / name)
    for row in rows:
        row["patient_id"] = names[row["patient_id"]]
    with (root / "train.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    paths = [
        root / "train_images" / row["patient_id"] / f"{row['image_id']}.dcm"
        for row in rows
        if row["BIRADS"] and row["age"] and float(row["age"]) < 55
    ]
    for path in paths:
        image = pydicom.dcmread(path)
        image.PatientName, image.PatientID = "Planted^Name", path.parent.name
        image.PatientBirthDate, image.InstitutionName = "19611124", "Hospital"
        image.save_as(path)
    cut, missing = paths[:2]
    cut.write_bytes(cut.read_bytes()[:-400])
    missing.unlink()
    return root


def redl(capsys, *argv):
    """Run a command; return its status, output and errors."""
    status = main(["data", *map(str, argv)])
    return (status, *capsys.readouterr())


def refusal(capsys, *argv):
    status, out, err = redl(capsys, *argv)
    assert (2, "") == (status, out)
    assert err.startswith("redl: error: ")
    assert 1 == err.count("\n")
    return err.removeprefix("redl: error: ").rstrip("\n")


def figures(out):
    """Return the named figures of an output."""
    lines = re.findall(r"^  (\S.*?)  +(.*)$", out, re.MULTILINE)
    return dict(reversed(lines))  # the first of a name is the summary's


# phantom


def test_a_phantom_is_summed_up(capsys, tmp_path):
    root = tmp_path / "new"
    status, out, err = redl(
        capsys, "phantom", "--dataset=rsna", "--root", root, "--subjects=8", "--rows=48", "--columns=40"
    )
    shown = figures(out)
    images = len((root / "train.csv").read_text().splitlines()) - 1
    assert 0 == status
    assert ("8", str(root)) == (shown["subjects"], shown["folder"])
    assert f"MB in {images + 2} files" in shown["on disk"]
    assert re.match(r"[01]\.\d{3}, which results can exceed", shown["ideal accuracy"])
    assert f"rsna: writing the phantom  {images}/{images}\n" == err


@pytest.mark.parametrize(
    ("options", "last", "drawn"),
    [
        (
            ("--dataset=rsna", "--subjects=8", "--rows=48"),
            "redl.data.rsna.phantom._write_table",
            "redl.data.rsna.phantom_examinations.write_image",
        ),
        (
            ("--dataset=lidc", "--patients=5"),
            "redl.data.lidc.phantom._manifest",
            "redl.data.lidc.phantom.draw_slice",
        ),
    ],
)
def test_an_interrupted_phantom_resumes(capsys, tmp_path, monkeypatch, options, last, drawn):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    argv = ("phantom", "--root", tmp_path / "new", *options)
    monkeypatch.setattr(last, interrupted)
    status, _, err = redl(capsys, *argv)
    assert (130, True) == (status, err.endswith("interrupted; run it again to resume\n"))
    monkeypatch.undo()
    monkeypatch.setattr(drawn, lambda *_, **__: pytest.fail("drawn again"))
    status, out, _ = redl(capsys, *argv)
    assert (0, options[1].split("=")[1]) == (status, figures(out)["subjects"])


def test_a_phantom_of_lidc_is_summed_up(capsys, tmp_path):
    status, out, _ = redl(capsys, "phantom", "--dataset=lidc", "--root", tmp_path / "new", "--patients=5")
    assert (0, "5") == (status, figures(out)["subjects"])


@pytest.mark.parametrize(("choices", "kind"), [(phantom._RSNA, Phantom), (phantom._LIDC, LidcPhantom)])
def test_every_field_of_a_phantom_is_an_option(choices, kind):
    assert {field.name for field in fields(kind)} == set(phantom._SHARED | choices)


@pytest.mark.parametrize(("choices", "kind"), [(phantom._RSNA, Phantom), (phantom._LIDC, LidcPhantom)])
def test_the_help_states_the_defaults_of_a_phantom(choices, kind):
    defaults = {field.name: field.default for field in fields(kind)}
    stated = re.compile(r"default: ([\d.]+)\)")
    for name, (of, words) in (phantom._SHARED | choices).items():
        if of is not bool and name not in {"subjects", "patients", "columns"}:  # these depend on something
            assert defaults[name] == float(stated.search(words)[1]), name


def test_a_folder_that_exists_is_refused(capsys, tmp_path):
    message = refusal(capsys, "phantom", "--dataset=rsna", "--root", tmp_path)
    assert f"{tmp_path}: exists already; name a new folder" == message


def test_a_folder_that_cannot_be_written_is_refused(capsys, tmp_path):
    (tmp_path / "file").touch()
    message = refusal(capsys, "phantom", "--dataset=rsna", "--root", tmp_path / "file" / "new")
    assert message.endswith("; name a folder that can be written, with room")


def test_a_phantom_too_small_is_refused(capsys, tmp_path):
    message = refusal(capsys, "phantom", "--dataset=rsna", "--root", tmp_path / "new", "--subjects=3")
    assert "a phantom of 3 subjects: at least 5 are needed" == message


@pytest.mark.parametrize(
    ("dataset", "option"),
    [("lidc", "--subjects=9"), ("lidc", "--site-leak"), ("rsna", "--patients=9"), ("rsna", "--noise-hu=2")],
)
def test_an_option_of_the_other_phantom_is_refused_by_name(capsys, tmp_path, dataset, option):
    message = refusal(capsys, "phantom", f"--dataset={dataset}", "--root", tmp_path / "new", option)
    name = option.partition("=")[0]
    assert f"{name}: --dataset {dataset} has no such option; leave it out" == message


# prepare


def test_preparing_is_summed_up_and_done_once(capsys, tmp_path, phantom_root):
    argv = ("prepare", "--dataset=rsna", "--root", phantom_root, "--cache", tmp_path, "--image-size=24")
    status, out, err = redl(capsys, *argv)
    shown = figures(out)
    (entry,) = (path for path in tmp_path.iterdir() if path.is_dir())
    images = int(shown["images"].split()[0])
    assert (0, "10", str(entry)) == (status, shown["subjects"], shown["folder"])
    assert f"{images} of 24x24 pixels" == shown["images"]
    assert "images a second" in shown["seconds"]
    assert f"rsna: preparing images  {images}/{images}\n" == err
    _, again, err = redl(capsys, *argv)
    assert ("0, it was there already", "") == (figures(again)["seconds"], err)


def test_without_a_root_the_profiles_phantom_is_prepared(capsys, tmp_path):
    argv = ("prepare", "--dataset=rsna", "--cache", tmp_path, "--profile=tiny")
    _, out, err = redl(capsys, *argv)
    assert ("24", True) == (figures(out)["subjects"], "rsna: writing the phantom" in err)


def test_the_environment_names_root_and_cache(capsys, tmp_path, phantom_root, monkeypatch):
    monkeypatch.setenv("REDL_CACHE", str(tmp_path))
    monkeypatch.setenv("REDL_RSNA_ROOT", str(phantom_root))
    _, out, _ = redl(capsys, "prepare", "--dataset=rsna")
    assert figures(out)["folder"].startswith(str(tmp_path))
    assert "10" == figures(out)["subjects"]


def test_rules_reach_the_data(capsys, tmp_path, phantom_root):
    argv = ("prepare", "--dataset=rsna", "--root", phantom_root, "--cache", tmp_path)
    message = refusal(capsys, *argv, "--max-age=20", "--site=1")
    assert "younger than 20, with a BIRADS, of site 1" in message
    _, out, _ = redl(capsys, *argv, "--max-age=none", "--crop=no")
    assert int(figures(out)["subjects"]) > 10


@pytest.mark.parametrize("option", ["--min-raters=3", "--max-cluster=4", "--spacing-mm=1", "--window-hu=0,9"])
def test_a_rule_of_lidc_is_refused_for_rsna(capsys, tmp_path, option):
    message = refusal(capsys, "prepare", "--dataset=rsna", "--cache", tmp_path, *option.split())
    assert "--dataset rsna has no such option; leave it out" in message


@pytest.mark.parametrize("option", ["--site=1", "--max-age=40", "--crop=no"])
def test_a_rule_of_rsna_is_refused_for_lidc(capsys, tmp_path, option):
    message = refusal(capsys, "prepare", "--dataset=lidc", "--cache", tmp_path, option)
    assert "--dataset lidc has no such option; leave it out" in message


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--image-size=0", "argument --image-size: 0: give 1 or more"),
        ("--processes=-1", "argument --processes: -1: give 1 or more"),
        ("--max-age=old", "--max-age old: give years, or none"),
        ("--max-age=-1", "a cohort younger than -1.0: give an age above 0"),
        ("--max-unreadable=2", "a share of 2.0 unreadable files: give one from 0 to 1"),
        ("--crop=maybe", "--crop maybe: use one of yes, no"),
        ("--nonsense", "unrecognized arguments: --nonsense"),
        ("--proc=1", "unrecognized arguments: --proc=1"),
    ],
)
def test_an_option_that_cannot_be_used_is_refused(capsys, tmp_path, option, message):
    assert refusal(capsys, "prepare", "--dataset=rsna", "--cache", tmp_path, option).startswith(message)


def test_a_cache_that_cannot_be_written_is_refused(capsys, tmp_path, phantom_root):
    (tmp_path / "file").touch()
    cache = tmp_path / "file" / "cache"
    message = refusal(capsys, "prepare", "--dataset=rsna", "--root", phantom_root, "--cache", cache)
    assert f"{cache}: Not a directory; name a folder that can be written, with room" == message


def test_too_many_unreadable_files_are_refused(capsys, tmp_path, planted_root):
    message = refusal(capsys, "prepare", "--dataset=rsna", "--root", planted_root, "--cache", tmp_path)
    assert "cannot be read, more than 1.0%; the first is" in message


# describe


def test_a_cohort_is_described_from_only_its_table(capsys, tmp_path, phantom_root):
    shutil.copy(phantom_root / "train.csv", tmp_path)
    status, out, err = redl(capsys, "describe", "--dataset=rsna", "--root", tmp_path)
    shown = figures(out)
    assert (0, "", "10") == (status, err, shown["subjects"])
    assert "5 (50.0%), majority accuracy 0.500" == shown["positive subjects"]
    assert "From only the site, without an image: accuracy" in out
    assert "Counts that differ from the published" in out
    assert re.search(r"^  images +\d+ +11856$", out, re.MULTILINE)


def test_an_odd_table_is_described_by_what_it_has(capsys, tmp_path):
    rows = [f"{number},{number},40,{number % 2}" for number in range(9)]
    (tmp_path / "train.csv").write_text("\n".join(["patient_id,image_id,age,BIRADS", *rows]))
    _, out, _ = redl(capsys, "describe", "--dataset=rsna", "--root", tmp_path)
    assert "site_id, machine_id, view, laterality, implant" == figures(out)["not in the table"]


@pytest.mark.parametrize("task", ["describe", "check"])
def test_a_missing_root_is_refused(capsys, task):
    assert refusal(capsys, task, "--dataset=rsna").startswith("--root is missing: name the data's folder")


def test_a_figure_needs_images(capsys, tmp_path):
    message = refusal(capsys, "describe", "--dataset=lidc", "--figure", tmp_path / "figure.png")
    assert message.startswith("--root is missing")


def test_a_figure_of_another_format_is_refused_before_anything_is_read(capsys, tmp_path):
    message = refusal(capsys, "describe", "--dataset=rsna", "--root=nowhere", "--figure=figure.jpg")
    assert "figure.jpg: not a figure's name; end it in .png or .pdf" == message


def test_figure_1_is_drawn(capsys, tmp_path, phantom_root):
    path = tmp_path / "figure.png"
    redl(capsys, "describe", "--dataset=rsna", "--root", phantom_root, "--figure", path)
    assert path.read_bytes().startswith(b"\x89PNG")


# LIDC-IDRI


@pytest.fixture(scope="module")
def scans_root(tmp_path_factory):
    root = tmp_path_factory.mktemp("scans") / "lidc"
    assert 0 == main(["data", "phantom", "--dataset=lidc", f"--root={root}", "--patients=5"])
    return root


@pytest.fixture
def _few_annotations(monkeypatch):
    """Replace a count that takes a quarter of a minute."""
    counts = {field.name: 7 for field in fields(AnnotationDescription)}
    counts |= {"patches_by_raters": (1, 2, 0, 4), "positive_fraction": 0.25, "majority_accuracy": 0.75}
    whole = AnnotationDescription(**counts)
    monkeypatch.setattr("redl.data.lidc.description.describe_annotations", lambda rules: whole)


@pytest.mark.usefixtures("_few_annotations")
def test_annotations_are_described_with_nothing_on_disk(capsys):
    status, out, err = redl(capsys, "describe", "--dataset=lidc")
    shown = figures(out)
    assert (0, "1: 1, 2: 2, 4 or more: 4") == (status, shown["patches by raters"])
    assert "25.0%, majority accuracy 0.750" == shown["positive patches"]
    assert "lidc: counting the annotations takes a quarter of a minute\n" == err


@pytest.mark.slow
def test_the_whole_set_is_described_as_it_is_known(capsys):
    _, out, _ = redl(capsys, "describe", "--dataset=lidc")
    shown = figures(out)
    assert ("1018", "15743") == (shown["scans"], shown["patches"])
    assert "1: 4861, 2: 2842, 3: 2810, 4 or more: 5230" == shown["patches by raters"]
    assert "69.1%, majority accuracy 0.691" == shown["positive patches"]


def part_of_the_real_set(scans_root, folder):
    """Return a copy of a phantom without its manifest, which passes for patients."""
    root = shutil.copytree(scans_root, folder / "part")
    (root / "manifest.json").unlink()
    return root


@pytest.mark.usefixtures("_few_annotations")
def test_scans_on_disk_are_counted_beside_those_that_are_not_and_drawn(capsys, tmp_path, scans_root):
    path = tmp_path / "figure.png"
    root = part_of_the_real_set(scans_root, tmp_path)
    _, out, _ = redl(capsys, "describe", "--dataset=lidc", "--root", root, "--figure", path)
    assert re.search(r"^On disk\n  scans with nodules  +\d, 87\d not there$", out, re.MULTILINE)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_a_scan_that_is_there_is_checked_and_a_missing_one_is_no_fault(capsys, tmp_path, scans_root):
    root = part_of_the_real_set(scans_root, tmp_path)
    status, out, _ = redl(capsys, "check", "--dataset=lidc", "--root", root)
    assert (0, "0") == (status, figures(out)["unreadable"])
    assert figures(out)["not there, left out"].startswith("87")


def test_a_damaged_scan_is_listed_by_its_number(capsys, tmp_path, scans_root):
    root = tmp_path / "lidc"
    shutil.copytree(scans_root, root)
    for path in min(root.rglob("*.dcm")).parent.iterdir():
        path.write_bytes(path.read_bytes()[:300])
    status, out, _ = redl(capsys, "check", "--dataset=lidc", "--root", root)
    assert (1, "1") == (status, figures(out)["unreadable"])
    assert re.search(r"^  scan \d+: \S", out, re.MULTILINE)
    assert "LIDC-IDRI-0" not in out


def test_scans_that_are_left_out_are_listed_in_runs(capsys):
    print_left_out(["scan 1", "scan 2", "scan 3", "scan 7"])
    expected = "Scans that are not there and are left out\n  1 to 3, 7\n"
    assert expected == capsys.readouterr().out


# check


def test_a_whole_phantom_passes_the_check(capsys, phantom_root):
    status, out, _ = redl(capsys, "check", "--dataset=rsna", "--root", phantom_root)
    assert (0, "0") == (status, figures(out)["unreadable"])


def test_a_check_that_finds_faults_lists_them_and_returns_1(capsys, planted_root):
    status, out, _ = redl(capsys, "check", "--dataset=rsna", "--root", planted_root)
    assert (1, "2") == (status, figures(out)["unreadable"])
    assert 2 == len(re.findall(r"^  \d{6}\.dcm: \S", out, re.MULTILINE))


def test_counts_that_are_not_the_published_ones_fail_the_check(capsys, tmp_path, phantom_root):
    root = tmp_path / "rsna"
    shutil.copytree(phantom_root, root)
    (root / "manifest.json").unlink()
    status, out, _ = redl(capsys, "check", "--dataset=rsna", "--root", root)
    assert (1, "0") == (status, figures(out)["unreadable"])
    assert "Counts that differ from the published" in out


def test_counts_of_another_cohort_do_not_fail_the_check(capsys, tmp_path, phantom_root):
    root = tmp_path / "rsna"
    shutil.copytree(phantom_root, root)
    (root / "manifest.json").unlink()
    assert 0 == redl(capsys, "check", "--dataset=rsna", "--root", root, "--max-age=54")[0]


# No patient


def test_no_patient_is_in_any_output_or_cache(capsys, tmp_path, planted_root):
    cache, data = tmp_path / "cache", ("--dataset=rsna", "--root", planted_root)
    shown = [
        redl(capsys, "prepare", *data, "--cache", cache, "--max-unreadable=0.9")[1:],
        redl(capsys, "prepare", *data, "--cache", cache)[1:],
        redl(capsys, "check", *data)[1:],
        redl(capsys, "describe", *data, "--figure", tmp_path / "figure.pdf")[1:],
    ]
    kept = [str(path).encode() + path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    everything = "".join(map("".join, shown)).encode() + b"".join(kept)
    assert b".dcm: " in everything
    assert [] == [word for word in PLANTED if word.encode() in everything]


# The command itself


@pytest.mark.parametrize(
    "argv", [["data"], ["nonsense"], ["data", "prepare"], ["data", "prepare", "--dataset", "x", "y"]]
)
def test_an_unknown_command_is_refused_in_one_line(capsys, argv):
    assert 2 == main(argv)
    out, err = capsys.readouterr()
    assert ("", 1) == (out, err.count("\n"))
    assert err.endswith(" --help\n")


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("prepare", "redl: interrupted; run it again to resume\n"),
        ("check", "redl: interrupted; nothing was saved; run it again to start over\n"),
    ],
)
def test_ctrl_c_ends_in_one_line_that_says_what_is_left(
    capsys, tmp_path, phantom_root, monkeypatch, task, message
):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(preparation, "Pool", interrupted)
    argv = ["--dataset=rsna", "--root", phantom_root] + (["--cache", tmp_path] if task == "prepare" else [])
    assert (130, "", message) == redl(capsys, task, *argv)


def test_a_bug_of_redl_is_not_reported_as_a_users_error(monkeypatch, phantom_root):
    def faulty(*_):
        raise ValueError

    monkeypatch.setattr(description, "describe_cohort", faulty)
    with pytest.raises(ValueError, match=r"^$"):
        main(["data", "describe", "--dataset=rsna", f"--root={phantom_root}"])


def test_the_help_imports_nothing_heavy():
    code = "import sys; from redl.cli.parser import build_parser; build_parser(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"numpy", "pandas", "torch", "rich", "pydicom", "pylidc", "scipy", "matplotlib", "pytest"}
    assert set() == heavy & set(done.stdout.split())


def test_the_whole_command_runs_in_a_new_process_without_torch(tmp_path, phantom_root):
    script = tmp_path / "redl"
    script.write_text(
        "import sys\nfrom redl.cli import main\nif __name__ == '__main__':\n"
        "    status = main()\n    assert 'torch' not in sys.modules\n    sys.exit(status)\n"
    )
    argv = ["data", "prepare", "--dataset=rsna", "--root", phantom_root, "--cache", tmp_path / "cache"]
    done = subprocess.run(
        [sys.executable, script, *argv, "--processes=1"], capture_output=True, text=True, check=False
    )
    assert (0, "10") == (done.returncode, figures(done.stdout)["subjects"])


# Display


def test_columns_are_aligned(capsys):
    print_table("Parts", ("", "images"), [("train", "5"), ("test", "12345")])
    assert "Parts\n         images\n  train       5\n  test    12345\n" == capsys.readouterr().out


def test_a_line_stays_whole_however_long(capsys):
    print_table("Parts", ("", "images"), [("x" * 300, "[1]")])
    assert f"  {'x' * 300}     [1]\n" in capsys.readouterr().out


@pytest.mark.parametrize(("columns", "expected"), [("80", 120), ("200", 200)])
def test_a_table_is_as_wide_as_the_terminal_but_never_too_narrow_for_its_figures(
    monkeypatch, columns, expected
):
    monkeypatch.setenv("COLUMNS", columns)
    assert expected == table_width()


def test_no_command_shows_how_cases_are_run(capsys):
    assert 2 == main([])
    shown = capsys.readouterr().err
    assert 'pytest --pyargs redl.suite -k "densenet and rsna"' in shown
    assert "prepare, describe and check data sets" in shown


def test_the_version_is_the_installed_one(capsys):
    assert 0 == main(["--version"])
    assert f"redl {version('redl')}\n" == capsys.readouterr().out


def test_the_package_runs_as_a_module():
    command = [sys.executable, "-m", "redl", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f"redl {version('redl')}\n" == done.stdout


@pytest.mark.parametrize(
    "size",
    [
        ["--rows=64"],
        *(pytest.param(one, marks=pytest.mark.slow) for one in (["--rows=512"], ["--rows=300"], [])),
    ],
    ids=str,
)
def test_a_phantom_of_any_height_has_a_default_width(capsys, tmp_path, size):
    status, *_ = redl(capsys, "phantom", "--dataset=rsna", "--root", tmp_path / "new", "--subjects=5", *size)
    assert 0 == status


# Both faces read one table of options


TEXTS = {
    "rsna_max_age": ("none", "40", "young"),
    "rsna_site": ("none", "1", "north"),
    "crop": ("yes", "no", "maybe"),
    "lidc_min_raters": ("3", "two", "9"),
    "lidc_max_cluster": ("none", "4", "all"),
    "lidc_spacing_mm": ("none", "0.7", "fine"),
    "lidc_window_hu": ("-1000,400", "400,-1000", "wide", "1"),
    "max_unreadable": ("0.5", "2", "few"),
    "max_duplicates": ("0.5", "2", "few"),
}


@pytest.mark.parametrize(("name", "text"), [(name, text) for name in TEXTS for text in TEXTS[name]])
def test_an_option_means_the_same_to_pytest_and_to_the_command(capsys, pytester, tmp_path, name, text):
    option = next(one for one in OPTIONS if one.suite_name == name)
    dataset = option.dataset or "rsna"
    parser = build_parser()
    flags = ["data", "prepare", f"--dataset={dataset}", f"--cache={tmp_path}", f"{option.flag}={text}"]
    try:
        command = data_options_of(parser.parse_args(flags), spacing_mm=1.5)
    except RedlError as error:
        command = str(error).replace(option.flag, option.suite_flag)
    try:
        suite = data_options({name: text, "cache": str(tmp_path)}, {name: option.suite_flag}, spacing_mm=1.5)
    except RedlError as error:
        suite = str(error)
    assert suite == command


def test_every_option_of_the_table_is_tried():
    places = {"rsna_root", "lidc_root", "cache", "prepared"}
    assert {one.suite_name for one in OPTIONS} == TEXTS.keys() | places


# Your own data


@pytest.fixture
def clinic(tmp_path, monkeypatch):
    """Declare a data set of PNG files, which Pillow writes, where the command is called."""
    rows = ["image,subject,label"]
    for number in range(20):
        Image.fromarray(np.full((40, 40), number * 10, np.uint8)).save(tmp_path / f"{number}.png")
        rows.append(f"{number}.png,{number // 2},{number // 2 % 2}")
    (tmp_path / "table.csv").write_text("\n".join(rows))
    (tmp_path / "pyproject.toml").write_text(
        '[tool.redl.datasets.clinic]\nimages = "."\ntable = "table.csv"\n'
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_your_own_data_are_described(capsys, clinic):
    status, out, _ = redl(capsys, "describe", "--dataset=clinic")
    assert (0, "20", "10") == (status, figures(out)["images"], figures(out)["subjects"])


def test_your_own_data_are_checked(capsys, clinic):
    (clinic / "3.png").write_text("not an image")
    status, out, _ = redl(capsys, "check", "--dataset=clinic")
    assert (1, "1") == (status, figures(out)["unreadable"])


def test_your_own_data_are_prepared(capsys, clinic):
    status, out, _ = redl(capsys, "prepare", "--dataset=clinic", "--cache", clinic / "cache")
    assert (0, "20 of 32x32 pixels") == (status, figures(out)["images"])


def test_an_unknown_data_set_is_refused_with_the_nearest_name(capsys, clinic):
    message = refusal(capsys, "describe", "--dataset=clinik")
    assert message.startswith(
        "--dataset clinik: no such data set; did you mean clinic? use one of rsna, lidc, clinic, or declare"
    )


def test_an_option_of_another_data_set_is_refused_for_your_own(capsys, clinic):
    message = refusal(capsys, "prepare", "--dataset=clinic", "--crop=no")
    assert "--crop: --dataset clinic has no such option; leave it out" == message


# pack


def test_what_is_packed_can_be_brought_without_any_other_file(capsys, tmp_path, clinic):
    file = tmp_path / "packed" / "clinic.zip"
    status, out, _ = redl(
        capsys, "pack", file, "--dataset=clinic", "--image-size=32", "--cache", tmp_path / "a"
    )
    facts = figures(out)
    assert (0, "20 of 32x32 pixels", str(file)) == (status, facts["images"], facts["file"])
    options = DataOptions(cache=tmp_path / "b", prepared=file)
    assert "clinic" in options.datasets
    brought = open_prepared(prepare_dataset("clinic", TINY, options))
    assert facts["fingerprint"] == brought.fingerprint


@pytest.mark.usefixtures("clinic")
def test_a_file_that_exists_is_refused_before_anything_is_decoded(capsys, tmp_path):
    file = tmp_path / "clinic.zip"
    file.touch()
    status, _, error = redl(capsys, "pack", file, "--dataset=clinic", "--cache", tmp_path / "cache")
    assert (2, "redl: error: clinic.zip: exists already; name a new file\n") == (status, error)
    assert not (tmp_path / "cache").exists()


@pytest.mark.usefixtures("clinic")
def test_at_most_as_many_images_as_are_asked_for_are_prepared(capsys, tmp_path):
    command = ("prepare", "--dataset=clinic", "--image-size=32", "--images=15", "--cache", tmp_path / "cache")
    _, out, _ = redl(capsys, *command)
    assert "14 of 32x32 pixels" == figures(out)["images"]


def test_remarks_are_listed_by_what_they_say(capsys):
    remarks = tuple(Named(name=f"row {number}", reason="fewer than 10 grey levels") for number in (3, 8))
    print_findings(Findings(unreadable=(), remarks=remarks, duplicates=()))
    expected = "Files, fewer than 10 grey levels (2)\n  row 3, row 8\n"
    assert expected == capsys.readouterr().out
