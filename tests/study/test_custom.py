"""What users bring: functions that another process finds again, and what cannot be handed over."""

import pickle
from pathlib import Path

import pytest

from redl.errors import OptionError
from redl.study.custom import CustomModel, CustomSetting, Function


def build(image_size):
    return image_size


def test_a_function_is_kept_as_its_place():
    kept = CustomModel(name="mine", build=build).build
    assert Function(file=Path(__file__).resolve(), name="build") == kept


def test_a_declaration_can_be_sent_to_another_process():
    sent = pickle.loads(pickle.dumps(CustomSetting(name="mine", configure=build)))  # noqa: S301 - our own
    assert 7 == sent.configure.load()(7)


def test_a_file_is_imported_once(tmp_path):
    (tmp_path / "nets.py").write_text("from beside import NUMBER\n\n\ndef number():\n    return NUMBER\n")
    (tmp_path / "beside.py").write_text("NUMBER = 5\n")
    function = Function.parse("nets.py:number", below=tmp_path)
    assert function.load() is function.load()
    assert 5 == function.load()()


def inner():
    def within(image_size):
        return image_size

    return within


@pytest.mark.parametrize("function", [lambda size: size, inner(), len], ids=["lambda", "inner", "builtin"])
def test_a_function_that_no_other_process_finds_is_refused(function):
    with pytest.raises(OptionError, match="give a function written at the top level of a file"):
        CustomModel(name="mine", build=function)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"name": "my-net", "timm": "resnet18"}, "model 'my-net': begin with a small letter"),
        ({"name": "vit", "timm": "resnet18"}, "model 'vit': .* none of densenet, swin, vit"),
        ({"name": "mine"}, "model mine: give either timm's name or a function"),
        ({"name": "mine", "timm": "resnet18", "build": build}, "model mine: give either"),
    ],
)
def test_a_model_that_cannot_be_used_is_refused(given, message):
    with pytest.raises(OptionError, match=message):
        CustomModel(**given)


def test_a_settings_name_is_not_one_of_the_studys():
    with pytest.raises(OptionError, match=r"setting 'amp': .* none of baseline, amp"):
        CustomSetting(name="amp", configure=build)


@pytest.mark.parametrize("text", ["nets.py", "nets:build", "nets.py:", "nets.py:a b", ""])
def test_another_spelling_is_refused(text, tmp_path):
    with pytest.raises(OptionError, match=r"write it as file\.py:function"):
        Function.parse(text, below=tmp_path)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(OptionError, match=r"there is no nets\.py beside pyproject\.toml"):
        Function.parse("nets.py:build", below=tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", r"nets\.py: holds no function build"),
        ("build = 1", r"nets\.py: holds no function build"),
        ("1 / 0", r"nets\.py: cannot be imported \(division by zero\)"),
    ],
)
def test_a_file_without_the_function_is_one_line(tmp_path, text, message):
    (tmp_path / "nets.py").write_text(text)
    with pytest.raises(OptionError, match=message):
        Function(file=tmp_path / "nets.py", name="build").load()


def test_a_file_that_is_gone_is_one_line(tmp_path):
    with pytest.raises(OptionError, match=r"nets\.py: no Python file"):
        Function(file=tmp_path / "nets.py", name="build").load()
