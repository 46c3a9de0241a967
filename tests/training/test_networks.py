"""Networks: which are reduced, and what size of image each is given."""

import pytest

from redl.errors import ModelError
from redl.study.case import Model
from redl.study.custom import CustomModel
from redl.training.networks import network_of


def network(model, custom=None, *, reduced=False):
    return network_of(model, custom, image_size=256, reduced=reduced)


def timm_network(name):
    return network("mine", CustomModel(name="mine", timm=name))


@pytest.mark.parametrize("model", sorted(set(Model) - {Model.DENSENET}))
def test_all_but_densenet_are_reduced_on_a_laptop(model):
    assert (False, True) == (network(model).reduced, network(model, reduced=True).reduced)


def test_densenet_is_never_reduced():
    assert not network(Model.DENSENET, reduced=True).reduced


@pytest.mark.parametrize(("downsample", "expected"), [(1, 256), (2, 128), (4, 64), (8, 32), (16, 32)])
def test_a_convolutional_network_takes_smaller_images_down_to_its_least(downsample, expected):
    assert expected == network(Model.DENSENET).input_size(256, downsample)


@pytest.mark.parametrize("model", [Model.SWIN, Model.VIT, Model.MLP])
def test_a_network_of_a_fixed_size_takes_no_smaller_images(model):
    assert 256 == network(model).input_size(256, 8)


def test_images_that_are_smaller_than_the_least_are_not_enlarged_beyond_their_size():
    assert 16 == network(Model.DENSENET).input_size(16, 1)


@pytest.mark.parametrize(("name", "fixed"), [("resnet18", False), ("vit_tiny_patch16_224", True)])
def test_any_network_of_timm_is_taken(name, fixed):
    found = timm_network(name)
    assert (name, fixed, True) == (found.name, found.fixed_size, found.pretrainable)


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("resnet5000", "did you mean resnet50 or "),
        ("densnet", "did you mean densenet or densenet"),
        ("qqqqqqqq", r"see timm\.list_models\(\)"),
    ],
)
def test_a_name_unknown_to_timm_is_refused_with_the_nearest(name, remedy):
    with pytest.raises(ModelError, match=rf"model {name}: timm has no network of that name; {remedy}"):
        timm_network(name)
