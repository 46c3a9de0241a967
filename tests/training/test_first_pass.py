"""The first pass: which networks can be trained on which images and batches, and what is said of others."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from redl.errors import ModelError
from redl.study.case import Model
from redl.study.custom import CustomModel
from redl.study.profile import TINY, Pretraining
from redl.training.first_pass import check_batch_size, first_pass, try_model
from redl.training.precision import Precision
from redl.training.settings import TrainingSetup
from tests.helpers.hub import cut_off_hub

FLOAT32 = Precision.of(TrainingSetup(), torch.device("cpu"))


def passed(model, side=8, images=3):
    blank = torch.zeros((images, 1, side, side), dtype=torch.uint8)
    first_pass("mine", model, blank, precision=FLOAT32, batch_size=2)


class Failing(nn.Module):
    def __init__(self, error):
        super().__init__()
        self.error = error

    def forward(self, images):
        raise self.error


def test_a_network_that_returns_a_logit_per_image_passes():
    passed(nn.Sequential(nn.Flatten(), nn.Linear(64, 1)))


def test_a_first_pass_leaves_the_network_and_the_random_stream_as_they_were():
    model = nn.Sequential(nn.BatchNorm2d(1), nn.Flatten(), nn.Dropout(0.5), nn.Linear(64, 1))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    torch.manual_seed(1)
    passed(model)
    following = torch.rand(1)
    torch.manual_seed(1)
    assert torch.rand(1) == following
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize(
    "model",
    [
        nn.Sequential(nn.Conv2d(1, 1, 9), nn.Flatten(), nn.LazyLinear(1)),
        nn.Sequential(nn.Flatten(), nn.Linear(49, 1)),
    ],
    ids=["kernel", "linear"],
)
def test_images_of_a_size_that_does_not_fit_are_refused_with_the_option(model):
    with pytest.raises(
        ModelError, match=r"mine: it cannot take images of 8 pixels; .* --redl-image-size.*\(.+\)$"
    ):
        passed(model)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory at this size"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
        ValueError("a size that the network itself refuses"),
    ],
)
def test_another_fault_stays_as_it_is(error):
    with pytest.raises(type(error)) as raised:
        passed(Failing(error))
    assert error is raised.value


@pytest.mark.parametrize(
    ("last", "shape"),
    [(nn.Linear(64, 2), r"\(N, 2\)"), (nn.Sequential(nn.Linear(64, 1), nn.Flatten(0)), r"\(N\)")],
)
def test_other_answers_than_a_logit_per_image_are_refused(last, shape):
    with pytest.raises(
        ModelError, match=rf"model mine: it returns the shape {shape}; return one logit per image"
    ):
        passed(nn.Sequential(nn.Flatten(), last))


@pytest.mark.parametrize("norm", [nn.BatchNorm1d(4), nn.BatchNorm2d(4), nn.SyncBatchNorm(4)])
def test_batch_norm_needs_more_than_one_image(norm):
    with pytest.raises(
        ModelError,
        match=r"model mine: it has batch norm, .* --redl-batch-size, or pieces of it, of 2 or more",
    ):
        check_batch_size("mine", nn.Sequential(norm), 1)
    check_batch_size("mine", nn.Sequential(norm), 2)


@pytest.mark.parametrize("norm", [nn.LayerNorm(4), nn.GroupNorm(2, 4), nn.InstanceNorm2d(4, affine=True)])
def test_other_normalisations_take_single_images(norm):
    check_batch_size("mine", nn.Sequential(norm), 1)


def tried(model, custom=None, weights=None, **changes):
    try_model(model, custom, profile=replace(TINY, **changes), weights=weights)


@pytest.mark.parametrize("model", [Model.VIT, Model.MLP])
def test_a_network_of_the_study_passes(model):
    tried(model, batch_size=1)


def test_a_network_of_the_study_with_batch_norm_takes_no_single_images():
    with pytest.raises(ModelError, match="model densenet121: it has batch norm"):
        tried(Model.DENSENET, batch_size=1)


def test_a_network_that_needs_larger_images_is_refused():
    with pytest.raises(ModelError, match="model inception_v3: it cannot take images of 32 pixels"):
        tried("inception_v3", CustomModel(name="inception_v3", timm="inception_v3"))


def test_weights_that_are_required_and_cannot_be_loaded_are_refused(monkeypatch):
    cut_off_hub(monkeypatch)
    with pytest.raises(ModelError, match="weights of densenet121 cannot be loaded"):
        tried(Model.DENSENET, pretraining=Pretraining.REQUIRE)
