"""Torch: what a process that serves a trained case loads, converts and answers."""

import pickle

import numpy as np
import pytest
import torch

from redl.data.cache.entry import open_prepared
from redl.data.datasets import DataOptions, prepare_dataset
from redl.deployment.conversion import CALIBRATION_IMAGES, convert
from redl.deployment.files import Files
from redl.deployment.runtime import Runtime
from redl.deployment.torch_serving import load, network_in, plan_in
from redl.execution.job import Job, RunOptions
from redl.execution.run import open_case
from redl.study.case import Case, Dataset, Model, Setting
from redl.study.profile import TINY
from redl.training.trained import save_trained, trained_file


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Train a perceptron, let its weights out, and return its job and what it answered."""
    job = Job(
        case=Case(dataset=Dataset.RSNA, model=Model.MLP, setting=Setting.BASELINE, seed=1, profile="tiny"),
        prepared=prepare_dataset(Dataset.RSNA, TINY, DataOptions(cache=tmp_path_factory.mktemp("cache"))),
        options=RunOptions(profile=TINY),
        exports=tmp_path_factory.mktemp("exports"),
    )
    with open_case(job) as run:
        run.warm_up()
        run.train()
        run.finish()
        answered = np.array(run.predictions().probabilities)
        run.export()
    files = Files(folder=job.exports)
    files.work.mkdir()
    files.job.write_bytes(pickle.dumps(job))
    return job, answered


@pytest.fixture(scope="module")
def converted(trained):
    """Convert the trained case, but for ONNX."""
    job, _ = trained
    convert(job.exports, onnx=False)
    return Files(folder=job.exports)


def served(trained, file, runtime):
    """Return the logits that a served network answers, here and not in a process of its own."""
    images, before = np.load(Files(folder=trained[0].exports).images), torch.get_num_threads()
    try:
        return load(trained[0].exports, file, runtime=runtime, threads=1)(images)
    finally:
        torch.set_num_threads(before)


def probabilities(logits):
    return 1 / (1 + np.exp(-logits))


def test_the_network_is_the_one_that_was_trained(trained, converted):
    answers = served(trained, converted.weights, Runtime.TORCH)
    assert trained[1] == pytest.approx(probabilities(answers), abs=1e-6)


def test_in_16_bits_it_answers_nearly_the_same_by_numbers_of_16_bits(trained, converted):
    answers = served(trained, converted.half, Runtime.TORCH_BF16)
    assert trained[1] == pytest.approx(probabilities(answers), abs=0.02)
    assert np.array_equal(torch.from_numpy(answers).bfloat16().double().numpy(), answers)


def test_the_file_in_16_bits_has_half_the_bytes(converted):
    sizes = [file.stat().st_size for file in (converted.half, converted.weights)]
    assert 0.5 == pytest.approx(sizes[0] / sizes[1], rel=0.05)


def test_a_served_network_is_in_evaluation_mode(trained):
    plan = plan_in(trained[0].exports)
    assert not network_in(plan, trained_file(trained[0].exports, plan.network.name)).training


def test_the_test_images_lie_there_as_they_were_prepared(trained, converted):
    data = open_prepared(trained[0].prepared)
    assert np.array_equal(data.images[data.split.test], np.load(converted.images)[:, 0])


def test_the_images_that_calibrate_are_of_the_training_part(trained, converted):
    data = open_prepared(trained[0].prepared)
    training = {image.tobytes() for image in data.images[data.split.train]}
    found = {image.tobytes() for image in np.load(converted.calibration)}
    assert found <= training
    assert min(CALIBRATION_IMAGES, len(training)) == len(found)


def test_the_reference_is_what_the_case_answered(trained, converted):
    assert trained[1] == pytest.approx(probabilities(np.load(converted.reference)), abs=1e-6)


def test_what_was_converted_before_is_left_as_it_is(trained, converted):
    content = converted.reference.read_bytes()
    converted.reference.write_bytes(b"of an earlier process")
    try:
        convert(trained[0].exports, onnx=False)
        assert b"of an earlier process" == converted.reference.read_bytes()
    finally:
        converted.reference.write_bytes(content)


def test_weights_of_another_network_are_refused(trained, converted, tmp_path):
    plan = plan_in(trained[0].exports)
    save_trained(torch.nn.Linear(2, 1), tmp_path, plan.network.name)
    with pytest.raises(RuntimeError, match=r"size mismatch|Missing key"):
        network_in(plan, trained_file(tmp_path, plan.network.name))
