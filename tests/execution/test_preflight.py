"""The preflight: what is refused before the first case, in a process that starts only if there is doubt."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest
from torch import nn

from redl.errors import OptionError
from redl.execution import preflight
from redl.execution.job import RunOptions
from redl.study.case import Model
from redl.study.custom import CustomModel
from redl.study.profile import TINY, Pretraining


def options(*custom, weights=None, **changes):
    models = {model.name: model for model in custom}
    return RunOptions(profile=replace(TINY, **changes), custom_models=models, weights=weights)


def timm(name):
    return CustomModel(name=name, timm=name)


def perceptron(image_size):
    return nn.Sequential(nn.Flatten(), nn.Linear(image_size**2, 1))


def ten_classes(image_size):
    return nn.Sequential(nn.Flatten(), nn.Linear(image_size**2, 10))


def broken(image_size):
    raise KeyError(f"no net for {image_size}\nsecond line")


def deadly(image_size):
    os._exit(1)


@pytest.fixture
def no_process(monkeypatch):
    """Fail where a process would be started."""
    monkeypatch.setattr(preflight, "fork_server", lambda: pytest.fail("a process was started"))


@pytest.mark.usefixtures("no_process")
@pytest.mark.parametrize("pretraining", [Pretraining.NO, Pretraining.TRY])
def test_models_of_the_study_are_not_tried_without_doubt(pretraining):
    preflight.check(options(timm("resnet10t"), pretraining=pretraining), tuple(Model))


@pytest.mark.slow
@pytest.mark.parametrize("custom", [timm("resnet10t"), CustomModel(name="mine", build=perceptron)])
def test_a_custom_model_that_works_passes(custom):
    preflight.check(options(custom), [*Model, custom.name])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("custom", "message"),
    [
        (timm("resnet500"), "model resnet500: timm has no network of that name; did you mean resnet50 or "),
        (timm("densnet"), r"model densnet: timm has no .*; did you mean densenet or "),
        (timm("qqqqqqqq"), r"model qqqqqqqq: timm has no network of that name; see timm\.list_models\(\)"),
        (
            timm("inception_v3"),
            r"model inception_v3: it cannot take images of 32 pixels; .* --redl-image-size",
        ),
        (CustomModel(name="mine", build=ten_classes), r"model mine: it returns the shape \(N, 10\)"),
        (CustomModel(name="mine", build=broken), r"^model mine: KeyError: 'no net for 32\\nsecond line'$"),
    ],
)
def test_a_custom_model_that_no_case_could_train_is_refused_in_one_line(custom, message):
    with pytest.raises(OptionError, match=message) as refused:
        preflight.check(options(custom), [Model.MLP, custom.name])
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("pretraining", [Pretraining.REQUIRE, Pretraining.PUBLISHED])
def test_weights_that_are_needed_and_cannot_be_read_are_refused(tmp_path, pretraining):
    (tmp_path / "densenet121.safetensors").write_bytes(b"no weights")
    with pytest.raises(OptionError, match=r"densenet121\.safetensors: no weights can be read from it"):
        preflight.check(options(weights=tmp_path, pretraining=pretraining), [Model.MLP, Model.DENSENET])


def test_a_batch_size_of_1_is_refused_for_batch_norm():
    preflight.check(options(batch_size=1), [Model.VIT, Model.MLP])
    with pytest.raises(OptionError, match="model densenet121: it has batch norm"):
        preflight.check(options(batch_size=1), [Model.MLP, Model.DENSENET])


def test_a_process_that_dies_refuses_nothing():
    preflight.check(options(CustomModel(name="mine", build=deadly)), ["mine"])


def test_the_parent_imports_neither_torch_nor_timm(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\n"
        "from redl.errors import OptionError\n"
        "from redl.execution.job import RunOptions\n"
        "from redl.execution.preflight import check\n"
        "from redl.study.custom import CustomModel\n"
        "from redl.study.profile import TINY\n"
        "if __name__ == '__main__':\n"
        "    custom = {'resnet500': CustomModel(name='resnet500', timm='resnet500')}\n"
        "    try:\n"
        "        check(RunOptions(profile=TINY, custom_models=custom), ['resnet500'])\n"
        "    except OptionError:\n"
        "        print([name for name in ('torch', 'timm') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True, timeout=300)
    assert "[]\n" == done.stdout
