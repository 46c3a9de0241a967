"""The fast path: what is done on a GPU where it can be, and what can be turned off."""

import pytest
import torch

from redl.record import FastPath
from redl.study.case import Model
from redl.training.fast_path import fast_path_of
from redl.training.networks import network_of

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.fixture(autouse=True)
def memory(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (1000, 4000))


def path(model=Model.DENSENET, device=CUDA, images_bytes=250, plain=False):
    network = network_of(model, None, image_size=32, reduced=True)
    return fast_path_of(network, device, images_bytes=images_bytes, plain=plain)


def test_a_gpu_goes_fast_by_default():
    assert FastPath(resident=True, channels_last=True, fused=True) == path()


def test_images_that_would_fill_a_quarter_of_the_free_memory_stay_outside():
    assert not path(images_bytes=251).resident


def test_transformers_keep_their_memory_format():
    assert not path(Model.VIT).channels_last


def test_all_of_it_can_be_turned_off():
    assert FastPath(resident=False, channels_last=False, fused=False) == path(plain=True)


@pytest.mark.parametrize("plain", [False, True])
def test_a_cpu_has_one_way(plain):
    assert FastPath(resident=True, channels_last=False, fused=False) == path(device=CPU, plain=plain)
