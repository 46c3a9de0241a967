"""Deployment in the plugin: which tests there are, in which order, and what of them is kept."""

import json
import re
from pathlib import Path

import numpy as np  # noqa: F401 - here, because inner runs in this process could not import it again
import pytest

from redl.results.store import DEPLOYMENT_KEY
from tests.helpers.deployments import deployment
from tests.helpers.pretended import Pretended

RUNTIMES = ["torch", "torch-bf16", "onnx", "onnx-int8"]  # of a network that is no transformer
NEEDS = "def test_deployment(redl_case, redl_serving): pass"


@pytest.fixture
def collected(pytester):
    pytester.makepyfile(NEEDS)

    def ids(*arguments):
        lines = pytester.runpytest("--collect-only", "-q", *arguments).stdout.lines
        return [line.partition("[")[2].removesuffix("]") for line in lines if "[" in line]

    return ids


def test_every_baseline_has_a_test_for_each_runtime(collected):
    densenet, vit = [f"rsna-{model}-baseline-seed1-" for model in ("densenet", "vit")]
    assert [densenet + one for one in RUNTIMES] == collected("-k", "rsna and densenet")
    assert [vit + one for one in [*RUNTIMES, "onnx-int8-dynamic"]] == collected("-k", "rsna and vit")


def test_a_keyword_finds_a_runtime(collected):
    assert ["rsna-densenet-baseline-seed1-onnx-int8"] == collected("-k", "rsna-densenet and onnx-int8")


def test_seed1_is_not_seed10(collected):
    found = collected("-k", "rsna and mlp and seed1 and int8", "--redl-seeds=1,10")
    assert ["rsna-mlp-baseline-seed1-onnx-int8"] == found


def test_other_settings_are_deployed_if_that_is_asked_for(collected):
    found = collected("-k", "rsna and mlp and int8", "--redl-deploy=amp,half+8bit")
    assert ["rsna-mlp-amp-seed1-onnx-int8", "rsna-mlp-half+8bit-seed1-onnx-int8"] == found


def test_several_numbers_of_threads_are_in_the_ids(collected):
    found = collected("-k", "rsna and mlp and int8", "--redl-threads=1,2")
    assert [f"rsna-mlp-baseline-seed1-onnx-int8-threads{number}" for number in (1, 2)] == found


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--redl-deploy=ampp", "--redl-deploy ampp: no such setting in this run; did you mean amp? *"),
        ("--redl-threads=0", "--redl-threads 0: give whole numbers above 0, each once, e.g. 1,2,4"),
        ("--redl-threads=2,2", "--redl-threads 2,2: give whole numbers above 0, each once, e.g. 1,2,4"),
        ("--redl-threads=all", "--redl-threads all: give whole numbers above 0, each once, e.g. 1,2,4"),
    ],
)
def test_an_option_that_cannot_be_used_is_one_line(argument, message, pytester):
    result = pytester.runpytest(argument)
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines([f"ERROR: {message}"])
    assert 1 == len([line for line in result.stderr.lines if line])


def test_a_folder_that_cannot_be_written_ends_the_run_before_anything_is_trained(suite):
    (suite.folder / "file").touch()
    status, printed = suite.run("--redl-exports=file/kept", chosen=CHOSEN)
    assert pytest.ExitCode.USAGE_ERROR == status
    assert "--redl-exports file/kept: " in printed
    assert [] == suite.lines("trained.txt")


def test_a_setting_that_is_trained_too_can_be_deployed(collected):
    found = collected("-k", "rsna and vit and int8", "--redl-settings=ckpt", "--redl-deploy=ckpt")
    assert "rsna-vit-ckpt-seed1-onnx-int8" in found


TWO = """
def test_deployment(redl_case, redl_serving): pass
def test_training(redl_case): pass
"""


def test_a_network_is_deployed_after_it_was_trained_and_before_the_next_case(pytester):
    pytester.makepyfile(TWO)
    lines = pytester.runpytest(
        "--collect-only", "-q", "-k", "rsna and densenet and (baseline or amp)"
    ).stdout.lines
    found = [
        line.partition("::")[2]
        for line in lines
        if "rsna-densenet-baseline" in line or "rsna-densenet-amp-" in line
    ]
    assert [
        "test_training[rsna-densenet-baseline-seed1]",
        *(f"test_deployment[rsna-densenet-baseline-seed1-{one}]" for one in RUNTIMES),
        "test_training[rsna-densenet-amp-seed1]",
    ] == found  # fmt: skip


def test_cases_that_are_deployed_keep_their_place_in_the_study(pytester):
    pytester.makepyfile(TWO)
    lines = pytester.runpytest("--collect-only", "-q", "-k", "rsna and (swin or vit)").stdout.lines
    models = [line.split("-")[1] for line in lines if "test_training[" in line]
    assert sorted(models) == models


def test_cases_are_not_spread_over_processes(pytester):
    pytester.makepyfile(NEEDS)
    result = pytester.runpytest_subprocess("-n", "2", "-p", "xdist", "-p", "no:cacheprovider")
    assert 0 != result.ret
    result.stderr.fnmatch_lines(["*disturb each other's figures*"])


SUITE = """
import json, os
from pathlib import Path
import numpy as np  # noqa: F401 - here, because inner runs in this process could not import it again
import pytest
import redl.deployment.deploying, redl.deployment.runtime
from conftest import note
from msgspec.structs import replace
from redl.record.deployment import Deployment

HERE = Path(__file__).parent

@pytest.fixture(autouse=True)
def made(monkeypatch):
    def measure(self, serving):
        note("measured.txt", f"{self.job.case.id}-{serving.name}")
        note("exports.txt", self.job.exports)
        (self.job.exports / "work").mkdir(parents=True, exist_ok=True)
        for name in ("model.onnx", "work/images.npy"):
            (self.job.exports / name).touch()
        if (HERE / "broken.txt").exists():
            raise redl.deployment.deploying.ModelError("cannot be run")
        found = Deployment.from_json(json.loads((HERE / "deployment.json").read_text()))
        return replace(found, case=self.job.case.id, runtime=serving.runtime)
    monkeypatch.setattr(redl.deployment.deploying.Deployed, "measure", measure)
    if (HERE / "bare.txt").exists():
        monkeypatch.setattr(redl.deployment.runtime, "package_version", lambda _: None)

@pytest.mark.benchmark(group="deployment")
def test_deployment(benchmark, redl_case_process, redl_deploy, redl_keep):
    benchmark.pedantic(redl_deploy, args=(redl_case_process,), rounds=1, iterations=1)
    redl_keep(redl_case_process)
"""
CHOSEN = ("--redl-profile=tiny", "-k", "rsna and mlp and baseline")


@pytest.fixture
def suite(tmp_path):
    """Return a suite whose cases train nothing and whose runtimes answer at once."""
    made = Pretended(tmp_path / "suite")
    (made.folder / "test_suite.py").write_text(SUITE)
    text = (made.folder / "conftest.py").read_text()
    (made.folder / "conftest.py").write_text(
        text.replace("def infer(self)", "def export(self): pass\n    def infer(self)")
    )
    (made.folder / "deployment.json").write_text(json.dumps(deployment().to_json()))
    return made


def saved(suite):
    (path,) = suite.saved
    return [one["extra_info"][DEPLOYMENT_KEY] for one in json.loads(path.read_text())["benchmarks"]]


def test_figures_are_saved_and_shown(suite):
    status, printed = suite.run(chosen=CHOSEN)
    assert 0 == status, printed
    assert RUNTIMES == [one["runtime"] for one in saved(suite)]
    assert "Deployment on the CPU" in printed
    assert "not judged" in printed


def test_exported_files_are_deleted(suite):
    assert 0 == suite.run(chosen=CHOSEN)[0]
    (folder,) = {Path(line) for line in suite.lines("exports.txt")}
    assert "rsna-mlp-baseline-seed1" == folder.name
    assert not folder.exists()


def test_files_are_kept_where_that_is_asked_for_but_no_image_of_a_patient(suite):
    assert 0 == suite.run("--redl-exports=kept", chosen=CHOSEN)[0]
    kept = suite.folder / "kept" / "rsna-mlp-baseline-seed1"
    assert ["model.onnx"] == [path.name for path in kept.iterdir()]


def test_files_of_an_earlier_run_are_not_taken_for_those_of_this_one(suite):
    old = suite.folder / "kept" / "rsna-mlp-baseline-seed1" / "model-int8.onnx"
    old.parent.mkdir(parents=True)
    old.touch()
    assert 0 == suite.run("--redl-exports=kept", chosen=CHOSEN)[0]
    assert not old.exists()


def test_what_was_measured_is_taken_over_by_a_run_that_resumes(suite):
    assert 0 == suite.run(chosen=CHOSEN)[0]
    before = saved(suite)
    suite.forget()
    (suite.folder / "measured.txt").unlink()
    status, printed = suite.run("--redl-resume", chosen=CHOSEN)
    assert 0 == status, printed
    assert [] == suite.lines("measured.txt")
    _, second = suite.saved
    assert before == [
        one["extra_info"][DEPLOYMENT_KEY] for one in json.loads(second.read_text())["benchmarks"]
    ]
    assert "Deployment on the CPU" in printed


def test_without_the_packages_runtimes_of_onnx_are_skipped_by_a_line_that_says_what_to_install(suite):
    (suite.folder / "bare.txt").touch()
    status, printed = suite.run("-rs", chosen=CHOSEN)
    assert 0 == status, printed
    assert "2 passed, 2 skipped" in printed
    assert "onnxruntime, onnx, onnxscript not installed; run pip install 'redl[deploy]'" in printed


def test_a_runtime_that_fails_is_one_line_and_no_traceback(suite):
    (suite.folder / "broken.txt").touch()
    status, printed = suite.run(chosen=CHOSEN)
    assert 1 == status
    assert "cannot be run" in printed
    assert not {"Traceback", "raise", "ModelError"} & set(re.findall(r"\w+", printed))


def test_a_margin_judges_the_runtimes(suite):
    status, printed = suite.run("--redl-verdict=5%", "--redl-seeds=1-3", chosen=CHOSEN)
    assert 0 == status, printed
    assert 2 * 3 == printed.count("non-inferior │")  # in the table of deployments, and in that of verdicts
    assert "verdicts: 3 non-inferior" in printed
