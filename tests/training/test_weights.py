"""Weights: files as torch, timm's trainer and other people's code write them, loaded exactly or refused."""

from argparse import Namespace
from collections import OrderedDict
from copy import deepcopy
from pathlib import PurePosixPath

import pytest
import timm
import torch
from safetensors.torch import save_file
from timm.utils import CheckpointSaver, ModelEmaV3
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from redl.errors import ModelError
from redl.study.profile import Pretraining
from redl.training import models
from redl.training.networks import Network

NAME = "test_resnet"  # timm's smallest: half a million parameters


@pytest.fixture
def trained():
    """Return a network as someone trained it: colour images, ten classes."""
    torch.manual_seed(0)
    return timm.create_model(NAME, num_classes=10)


@pytest.fixture
def averaged(trained):
    """Return another network of the same kind, as its moving average is."""
    average = deepcopy(trained)
    with torch.no_grad():
        for parameter in average.parameters():
            parameter.mul_(0.5)
    return average


def load(folder, name=NAME, **options):
    """Return the network that redl builds with the file in a folder."""
    module, pretrained = models.build(
        Network(name=name, options=options), image_size=32, pretraining=Pretraining.REQUIRE, weights=folder
    )
    assert pretrained.loaded
    return module


def load_saved(content, folder, suffix="pth"):
    torch.save(content, folder / f"{NAME}.{suffix}")
    return load(folder)


def assert_has_weights_of(trained, module):
    expected = trained.state_dict()
    expected["conv1.0.weight"] = expected["conv1.0.weight"].sum(dim=1, keepdim=True)
    loaded = module.state_dict()
    assert expected.keys() == loaded.keys()
    different = {name for name, tensor in expected.items() if not torch.equal(tensor, loaded[name])}
    assert {"fc.weight", "fc.bias"} == different  # the classifier is new


class Trainer(nn.Module):
    """A module as Lightning's users write it: the network under a name, beside a loss with a tensor."""

    def __init__(self, network):
        super().__init__()
        self.classifier_net = network
        self.criterion = nn.BCEWithLogitsLoss(pos_weight=torch.ones(1))


def lightning(network):
    """Return what Lightning's `Trainer.save_checkpoint` saves."""
    optimizer = torch.optim.AdamW(network.parameters())
    network(torch.zeros(2, 3, 32, 32)).sum().backward()
    optimizer.step()
    return {
        "epoch": 3,
        "global_step": 120,
        "pytorch-lightning_version": "2.5.0",
        "state_dict": Trainer(network).state_dict(),
        "loops": {"fit_loop": {"state_dict": {}, "epoch_progress": {"current": {"ready": 4}}}},
        "callbacks": {"ModelCheckpoint{'monitor': 'valid_loss'}": {"best_model_score": torch.tensor(0.3)}},
        "optimizer_states": [optimizer.state_dict()],
        "lr_schedulers": [],
        "hyper_parameters": {"lr": 1e-3},
    }


WRAPPERS = {
    "data parallel": lambda network: nn.DataParallel(network).state_dict(),
    "compiled": lambda network: torch.compile(network).state_dict(),
    "compiled in data parallel": lambda network: nn.DataParallel(torch.compile(network)).state_dict(),
    "lightning": lightning,
    "weight averaging": lambda network: AveragedModel(network).state_dict(),
    "dict in a dict in a dict": lambda network: {"out": {"of": {"the": network.state_dict()}}},
    "beside its optimizer": lambda network: {
        "net": network.state_dict(),
        "optimizer": torch.optim.SGD(network.parameters(), momentum=0.9).state_dict(),
        "epoch": torch.tensor(3),
    },
    "tensors beside other values": lambda network: {**network.state_dict(), "epoch": 3, "optimizer": {}},
    "only an average": lambda network: {
        "model": None,
        "state_dict_ema": nn.DataParallel(network).state_dict(),
    },
    "a frozen dict of parameters": lambda network: OrderedDict(
        (
            f"encoder.{name}",
            nn.Parameter(tensor, requires_grad=False) if tensor.is_floating_point() else tensor,
        )
        for name, tensor in network.state_dict().items()
    ),
}


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_a_wrapped_state_dict_is_loaded_exactly(tmp_path, trained, wrapper):
    content = WRAPPERS[wrapper](trained)
    assert_has_weights_of(trained, load_saved(content, tmp_path))


@pytest.mark.parametrize("suffix", ["ckpt", "pth.tar", "pt", "bin"])
def test_a_checkpoint_keeps_its_trainers_suffix(tmp_path, trained, suffix):
    assert_has_weights_of(trained, load_saved({"state_dict": trained.state_dict()}, tmp_path, suffix))


def test_a_prefix_is_stripped_in_safetensors_too(tmp_path, trained):
    save_file(nn.DataParallel(trained).state_dict(), tmp_path / f"{NAME}.safetensors")
    assert_has_weights_of(trained, load(tmp_path))


def test_a_checkpoint_of_timms_own_trainer_is_loaded(tmp_path, trained):
    optimizer = torch.optim.SGD(trained.parameters(), lr=0.1)
    arguments = Namespace(model=NAME, lr=0.1)
    CheckpointSaver(trained, optimizer, args=arguments, checkpoint_dir=str(tmp_path)).save_checkpoint(0, 0.5)
    (tmp_path / "model_best.pth.tar").rename(tmp_path / f"{NAME}.pth")
    assert_has_weights_of(trained, load(tmp_path))


def timm_checkpoint(folder, trained, average):
    optimizer = torch.optim.SGD(trained.parameters(), lr=0.1)
    ema = ModelEmaV3(average)
    CheckpointSaver(trained, optimizer, model_ema=ema, checkpoint_dir=str(folder)).save_checkpoint(0, 0.5)
    (folder / "model_best.pth.tar").rename(folder / f"{NAME}.pth")


def test_a_model_and_its_average_in_timms_checkpoint_are_not_chosen_between(tmp_path, trained, averaged):
    timm_checkpoint(tmp_path, trained, averaged)
    with pytest.raises(
        ModelError, match="`state_dict` and `state_dict_ema` both fit test_resnet and differ; save the one"
    ):
        load(tmp_path)


def test_the_average_saved_by_itself_is_loaded(tmp_path, trained, averaged):
    timm_checkpoint(tmp_path, trained, averaged)
    content = torch.load(tmp_path / f"{NAME}.pth")["state_dict_ema"]
    assert_has_weights_of(averaged, load_saved(content, tmp_path))


def test_an_average_that_is_the_model_leaves_nothing_to_choose(tmp_path, trained):
    timm_checkpoint(tmp_path, trained, trained)
    assert_has_weights_of(trained, load(tmp_path))


def test_a_student_and_a_teacher_under_prefixes_are_not_chosen_between(tmp_path, trained, averaged):
    both = nn.ModuleDict({"student": nn.DataParallel(trained), "teacher": averaged})
    with pytest.raises(ModelError, match=r"`student\.module` and `teacher` both fit"):
        load_saved(both.state_dict(), tmp_path)


def test_a_model_and_an_average_inside_it_are_not_chosen_between(tmp_path, trained, averaged):
    trained.average = AveragedModel(averaged, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    with pytest.raises(ModelError, match=r"`top level` and `average\.module` both fit"):
        load_saved(
            {name: one for name, one in trained.state_dict().items() if "n_avera" not in name}, tmp_path
        )


def test_batches_that_were_not_counted_before_torch_0_4_are_not_missed(tmp_path, trained):
    content = {
        f"module.{name}": one for name, one in trained.state_dict().items() if "num_batches" not in name
    }
    assert_has_weights_of(trained, load_saved({"state_dict": content}, tmp_path))


def test_names_of_another_convention_are_translated_by_timm_behind_a_prefix(tmp_path):
    torch.manual_seed(0)
    small = {"block_config": (2, 2, 2, 2), "growth_rate": 8}
    trained = timm.create_model("densenet121", **small).state_dict()
    old = {  # torchvision's names: norm.1 and conv.2
        name.replace(".norm1.", ".norm.1.").replace(".norm2.", ".norm.2.")
        .replace(".conv1.", ".conv.1.").replace(".conv2.", ".conv.2."): tensor
        for name, tensor in trained.items()
    }  # fmt: skip
    torch.save(
        {"state_dict": {f"module.{name}": one for name, one in old.items()}}, tmp_path / "densenet121.pth"
    )
    loaded = load(tmp_path, "densenet121", **small).state_dict()
    name = "features.denseblock4.denselayer2.conv2.weight"
    assert torch.equal(trained[name], loaded[name])


def test_a_wrapper_leaves_the_random_numbers_as_a_plain_file_does(tmp_path, trained):
    drawn = []
    for content in (
        trained.state_dict(),
        {"a": trained.state_dict(), "b": nn.DataParallel(trained).state_dict()},
    ):
        torch.manual_seed(1)
        drawn.append((load_saved(content, tmp_path).fc.weight, torch.rand(3)))
    assert torch.equal(drawn[0][0], drawn[1][0])
    assert torch.equal(drawn[0][1], drawn[1][1])


def test_a_tensor_of_another_shape_is_named_with_both_shapes(tmp_path, trained):
    content = nn.DataParallel(trained).state_dict()
    name = "layer1.0.conv2.weight"
    wanted = tuple(content[f"module.{name}"].shape)
    content[f"module.{name}"] = torch.zeros(2, 3)
    with pytest.raises(ModelError) as error:
        load_saved({"state_dict": content}, tmp_path)
    expected = (
        f"{NAME}.pth: these are not the weights of {NAME}, `{name}` is (2, 3) in the file and {wanted} in "
        "the network; save those of this network"
    )
    assert expected == str(error.value)


def test_a_missing_tensor_is_named_as_the_network_names_it(tmp_path, trained):
    content = lightning(trained)
    del content["state_dict"]["classifier_net.layer2.0.bn1.running_var"]
    with pytest.raises(
        ModelError, match=r"the weights of test_resnet, `layer2\.0\.bn1\.running_var` is missing"
    ):
        load_saved(content, tmp_path)


def test_a_deeper_network_of_which_a_part_would_fit_is_refused(tmp_path):
    save_file(timm.create_model("resnet34").state_dict(), tmp_path / "resnet18.safetensors")
    with pytest.raises(ModelError, match=r"resnet18, `layer1\.2\.\w+\.\w+` is not one of its tensors"):
        load(tmp_path, "resnet18")


def test_a_pickled_module_is_refused_with_the_remedy(tmp_path, trained):
    with pytest.raises(
        ModelError,
        match=r"it holds timm\.models\.resnet\.ResNet, and only tensors are safe to unpickle\); "
        r"save `model\.state_dict\(\)`",
    ):
        load_saved({"model": trained}, tmp_path)


def test_an_object_beside_the_weights_is_refused_with_the_remedy(tmp_path, trained):
    with pytest.raises(ModelError, match=r"it holds pathlib\.PurePosixPath"):
        load_saved({"state_dict": trained.state_dict(), "data": PurePosixPath("here")}, tmp_path)


def test_a_dict_that_contains_itself_ends(tmp_path, trained):
    content = {"model": trained.state_dict()}
    content["self"] = content
    assert_has_weights_of(trained, load_saved(content, tmp_path))


@pytest.mark.parametrize("content", [{}, {"state_dict": {}}, {"a": {"b": [1]}}, torch.zeros(3)], ids=str)
def test_a_file_without_named_tensors_is_one_line(tmp_path, content):
    with pytest.raises(ModelError, match="not a state dict, tensors by their names"):
        load_saved(content, tmp_path)
