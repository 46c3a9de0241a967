"""Models: the published networks, by their published size."""

import pytest
import timm
import torch

from redl.case import Model
from redl.errors import ModelError
from redl.training.models import build, parameter_count


def test_densenet_has_the_published_number_of_parameters():
    assert 6_948_609 == parameter_count(build(Model.DENSENET, pretrained=False)[0])


def test_densenet_answers_one_logit_an_image():
    assert (2, 1) == build(Model.DENSENET, pretrained=False)[0](torch.zeros(2, 1, 32, 32)).shape


def test_a_network_from_scratch_says_so():
    pretrained = build(Model.DENSENET, pretrained=False)[1]
    assert (False, False, None) == (pretrained.requested, pretrained.loaded, pretrained.source)


def test_weights_that_cannot_be_had_are_an_error_that_says_how_to_get_them(monkeypatch):
    def offline(*args, **kwargs):
        raise OSError("no route to host")

    monkeypatch.setattr(timm, "create_model", offline)
    with pytest.raises(ModelError, match=r"weights of densenet121 cannot be had \(OSError\): connect once"):
        build(Model.DENSENET, pretrained=True)
