"""Deploying: one trained case, run by torch and by ONNX Runtime in real processes."""

import json
import shutil

import numpy as np
import pytest

pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

from redl.data.cache.entry import open_prepared
from redl.data.datasets import DataOptions, prepare_dataset
from redl.deployment import deploying
from redl.deployment.deploying import Deployed, beats_chance
from redl.deployment.files import Files
from redl.deployment.runtime import Runtime, Serving
from redl.errors import ModelError
from redl.execution.case_process import CaseProcess, start_case
from redl.execution.job import Job, RunOptions
from redl.record import HERE, Divergence, DivergenceKind, Predictions
from redl.record.deployment import Agreement, Deployment
from redl.study.case import Case, Dataset, Model, Setting
from redl.study.profile import TINY
from tests.helpers.changes import replace

LEARNED = Divergence(ever=False, final=False, first_epoch=None, kinds=(), reasons=())
BY_CHANCE = replace(LEARNED, ever=True, final=True, first_epoch=1, kinds=(DivergenceKind.CHANCE,))


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    """Train a perceptron in its process, and let its weights out."""
    cache = tmp_path_factory.mktemp("cache")
    case = Case(dataset=Dataset.RSNA, model=Model.MLP, setting=Setting.BASELINE, seed=1, profile="tiny")
    job = Job(
        case=case,
        prepared=prepare_dataset(Dataset.RSNA, TINY, DataOptions(cache=cache)),
        options=RunOptions(profile=TINY, timeout_s=120.0),
        exports=tmp_path_factory.mktemp("exports"),
    )
    process = CaseProcess(case, start_case(job), timeout_s=120.0, on_epoch=lambda _: None)
    process.export()
    made = Deployed(job=job, record=process.finish(), answered=process.predictions())
    process.close()
    return made


@pytest.fixture(scope="module")
def found(deployed):
    return {
        runtime: deployed.measure(Serving(runtime=runtime))
        for runtime in (Runtime.TORCH, Runtime.ONNX, Runtime.ONNX_INT8)
    }


def test_torch_in_a_fresh_process_answers_as_the_case_did(deployed, found):
    for answers in (found[Runtime.TORCH].answers.probabilities, found[Runtime.TORCH].reference):
        assert deployed.answered.probabilities == pytest.approx(answers, abs=1e-6)


def test_onnx_answers_as_torch_and_int8_nearly_so(found):
    for runtime, most in ((Runtime.ONNX, 1e-5), (Runtime.ONNX_INT8, 0.05)):
        assert found[runtime].reference == pytest.approx(found[runtime].answers.probabilities, abs=most)


def test_answers_are_about_the_test_images(deployed, found):
    assert deployed.answered.labels == found[Runtime.ONNX].answers.labels
    assert deployed.answered.subjects == found[Runtime.ONNX].answers.subjects


def test_a_process_of_onnx_loads_no_torch_and_takes_less_memory(found):
    torch, onnx = found[Runtime.TORCH].process, found[Runtime.ONNX].process
    assert (True, False) == (torch.torch_loaded, onnx.torch_loaded)
    if onnx.peak_bytes is not None:
        assert onnx.peak_bytes < torch.peak_bytes / 2
        assert onnx.peak_bytes <= onnx.batch_peak_bytes


def test_only_static_int8_is_calibrated_and_by_training_images(deployed, found):
    counts = [one.calibration_images for one in found.values()]
    images = np.load(Files(folder=deployed.job.exports).calibration)
    assert [None, None, len(images)] == counts
    data = open_prepared(deployed.job.prepared)
    training = {image.tobytes() for image in data.images[data.split.train]}
    assert {image.tobytes() for image in images} <= training


def test_the_files_are_what_they_are_said_to_be(deployed, found):
    for runtime, one in found.items():
        assert Files(folder=deployed.job.exports).of(runtime).stat().st_size == one.file.bytes


def test_a_record_of_real_figures_comes_back(found):
    for one in found.values():
        assert one == Deployment.from_json(json.loads(json.dumps(one.to_json())))


@pytest.mark.parametrize(
    ("divergence", "ranks"), [(BY_CHANCE, True), (LEARNED, False)], ids=["in training", "on test images"]
)
def test_a_network_that_learned_nothing_has_no_agreement(deployed, divergence, ranks, monkeypatch):
    monkeypatch.setattr(deploying, "beats_chance", lambda *_: ranks)
    by_chance = replace(deployed, record=replace(deployed.record, divergence=divergence))
    found = by_chance.measure(Serving(runtime=Runtime.ONNX))
    assert found.agreement is None
    assert "no better than chance" in found.agreement_reason


def test_a_network_that_learned_has_one(deployed, monkeypatch):
    monkeypatch.setattr(deploying, "beats_chance", lambda *_: True)
    learned = replace(deployed, record=replace(deployed.record, divergence=LEARNED))
    found = learned.measure(Serving(runtime=Runtime.ONNX))
    assert isinstance(found.agreement, Agreement)
    assert found.agreement_reason is None
    assert found.agreement.max_abs_dp < 1e-5


def test_a_case_that_shared_its_device_deploys_under_foreign_load(deployed):
    shared = replace(deployed, job=replace(deployed.job, placement=replace(HERE, shared=True)))
    found = shared.measure(Serving(runtime=Runtime.ONNX))
    assert "cases shared its processors or GPU" == found.conditions.foreign_load[0]


def test_a_file_that_cannot_be_run_is_one_line(deployed, tmp_path):
    shutil.copytree(deployed.job.exports, tmp_path, dirs_exist_ok=True)
    (tmp_path / "model.onnx").write_bytes(b"no network")
    broken = replace(deployed, job=replace(deployed.job, exports=tmp_path))
    with pytest.raises(ModelError, match=r"^rsna-mlp-baseline-seed1: cannot be run by onnx: "):
        broken.measure(Serving(runtime=Runtime.ONNX))


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ((0.1, 0.2, 0.8, 0.9) * 10, True),
        ((0.9, 0.8, 0.2, 0.1) * 10, False),
        ((0.5, 0.5, 0.5, 0.5) * 10, False),
        ((0.1, 0.2, 0.8, None) * 10, False),
    ],
)
def test_chance_is_beaten_by_ranks_that_are_surely_right(answers, expected):
    answered = Predictions(subjects=tuple(range(40)), labels=(0, 0, 1, 1) * 10, probabilities=answers)
    assert expected is beats_chance(answers, answered)
