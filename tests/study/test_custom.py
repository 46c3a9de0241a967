"""Custom networks and settings: functions that another process imports, and what cannot be handed over."""

import multiprocessing
import pickle
import sys
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


@pytest.fixture
def number(tmp_path):
    """Return a function of a file that imports another one beside it, at once and when it is called."""
    (tmp_path / "nets.py").write_text(
        "from beside import NUMBER\n\n\n"
        "def number(plus):\n    from late import ONE\n\n    return NUMBER + ONE * plus\n"
    )
    (tmp_path / "beside.py").write_text("NUMBER = 5\n")
    (tmp_path / "late.py").write_text("ONE = 1\n")
    yield Function.parse("nets.py:number", below=tmp_path)
    for name in ("beside", "late"):
        sys.modules.pop(name, None)


def test_a_file_is_imported_once(number):
    assert number.load() is number.load()


def test_a_file_imports_what_lies_beside_it(number):
    assert 7 == number(2)


def test_a_file_imports_what_lies_beside_it_in_another_process(number):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert 7 == pool.apply(number, (2,))


def test_a_call_leaves_the_path_as_it_was(number):
    before = list(sys.path)
    number(2)
    assert before == sys.path


def test_a_file_that_fails_leaves_path_and_modules_as_they_were(tmp_path):
    (tmp_path / "nets.py").write_text("1 / 0")
    before = list(sys.path), set(sys.modules)
    with pytest.raises(OptionError):
        Function(file=tmp_path / "nets.py", name="build").load()
    assert before == (list(sys.path), set(sys.modules))


def test_a_file_may_change_the_path_itself(tmp_path):
    (tmp_path / "nets.py").write_text(
        f"import sys\n\nsys.path.remove({str(tmp_path)!r})\n\n\ndef build(size):\n    return size\n"
    )
    before = list(sys.path)
    assert 3 == Function(file=tmp_path / "nets.py", name="build")(3)
    assert before == sys.path


def module_name(function):
    return function.load().__module__


def test_a_file_has_the_same_module_name_in_every_process(number):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert number.load().__module__ == pool.apply(module_name, (number,))


def inner():
    def within(image_size):
        return image_size

    return within


@pytest.mark.parametrize("function", [lambda size: size, inner(), len], ids=["lambda", "inner", "builtin"])
def test_a_function_that_no_other_process_finds_is_refused(function):
    with pytest.raises(OptionError, match="give a function at the top level of a file"):
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
        ("x = 1", r"nets\.py: it has no function build"),
        ("build = 1", r"nets\.py: it has no function build"),
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
