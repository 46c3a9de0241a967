"""Runtimes: which network is run by what, and how it is called."""

import pytest

from redl.deployment import runtime
from redl.deployment.runtime import Runtime, Serving, check_installed, servings, with_servings
from redl.errors import OptionError
from redl.study.case import Case, Model, Setting


def names(model, *threads):
    return [serving.name for serving in servings(model, threads)]


@pytest.mark.parametrize("model", [Model.DENSENET, Model.EFFICIENTNET, Model.MLP, "resnet18"])
def test_a_network_that_is_no_transformer_has_no_dynamic_ranges(model):
    assert ["torch", "torch-bf16", "onnx", "onnx-int8"] == names(model, 1)


@pytest.mark.parametrize("model", [Model.SWIN, Model.VIT])
def test_a_transformer_has_dynamic_ranges_too(model):
    assert "onnx-int8-dynamic" == names(model, 1)[-1]


def test_a_name_says_the_threads_only_where_there_are_several():
    assert ["torch", "torch-bf16"] == names(Model.MLP, 2)[:2]
    assert ["torch-threads1", "torch-bf16-threads1"] == names(Model.MLP, 1, 2)[:2]
    assert "onnx-int8-threads2" == names(Model.MLP, 1, 2)[-1]


def test_only_cases_of_the_chosen_settings_are_deployed():
    cases = [
        Case(dataset="rsna", model=Model.MLP, setting=setting, seed=1, profile="tiny")
        for setting in (Setting.BASELINE, Setting.AMP)
    ]
    found = with_servings(cases, (Setting.AMP,), (1,))
    assert [cases[1]] * 4 == [case for case, _ in found]
    assert Serving(runtime=Runtime.TORCH) == found[0][1]


@pytest.mark.parametrize(("needs", "expected"), [(Runtime.TORCH_BF16, True), (Runtime.ONNX_INT8, False)])
def test_only_torch_needs_torch(needs, expected):
    assert expected is needs.needs_torch


def test_a_missing_package_is_one_line_that_says_what_to_install(monkeypatch):
    monkeypatch.setattr(runtime, "package_version", lambda name: None if name == "onnx" else "1")
    with pytest.raises(OptionError) as refused:
        check_installed(Runtime.ONNX_INT8)
    assert "onnx-int8: onnx not installed; run pip install 'redl[deploy]'" == str(refused.value)


def test_torch_needs_no_package_of_the_extra(monkeypatch):
    monkeypatch.setattr(runtime, "package_version", lambda _: None)
    check_installed(Runtime.TORCH)
