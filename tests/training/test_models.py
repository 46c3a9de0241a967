"""Models: the published networks, by their published size, and the weights they start from."""

import hashlib
import pickle

import pytest
import timm
import torch
from safetensors.torch import save_file

from redl.errors import ModelError
from redl.study.case import Model
from redl.study.profile import Pretraining
from redl.training import models, weights
from redl.training.models import parameter_count
from redl.training.networks import network_of
from tests.helpers.hub import cut_off_hub


def build(model, *, pretraining, weights=None, reduced=False, image_size=32):
    network = network_of(model, None, image_size=image_size, reduced=reduced)
    return models.build(network, image_size=image_size, pretraining=pretraining, weights=weights)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (Model.DENSENET, 6_948_609),
        (Model.SWIN, 86_890_745),
        (Model.VIT, 116_747_009),
        (Model.EFFICIENTNET, 51_085_019),
        (Model.MLP, 8_388_865),  # 65536 * 128 + 128 + 128 + 1
    ],
)
def test_a_network_has_the_published_number_of_parameters(model, expected):
    with torch.device("meta"):
        module, _ = build(model, pretraining=Pretraining.NO, image_size=256)
    assert expected == parameter_count(module)


@pytest.mark.parametrize("model", Model)
def test_a_reduced_network_answers_one_logit_an_image(model):
    module, _ = build(model, pretraining=Pretraining.NO, reduced=True)
    assert (2, 1) == module(torch.zeros(2, 1, 32, 32)).shape


def test_a_network_that_has_no_published_weights_is_trained_from_scratch_and_says_so():
    with torch.device("meta"):
        _, pretrained = build(Model.VIT, pretraining=Pretraining.PUBLISHED, image_size=256)
    assert (True, False, None) == (pretrained.requested, pretrained.loaded, pretrained.source)


def test_weights_that_were_never_published_are_an_error_where_they_are_required():
    with pytest.raises(ModelError, match="vit_base_patch32_plus_256: timm has no pretrained weights of"):
        build(Model.VIT, pretraining=Pretraining.REQUIRE, image_size=256)


def test_published_weights_that_cannot_be_loaded_are_an_error_in_the_paper_profile(monkeypatch):
    cut_off_hub(monkeypatch)
    with pytest.raises(ModelError, match="weights of densenet121 cannot be loaded"):
        build(Model.DENSENET, pretraining=Pretraining.PUBLISHED)


def test_no_weights_fit_a_reduced_network(tmp_path):
    with pytest.raises(ModelError, match="is reduced in this profile, so no pretrained weights fit it"):
        build(Model.SWIN, pretraining=Pretraining.REQUIRE, reduced=True, weights=tmp_path)
    _, pretrained = build(Model.SWIN, pretraining=Pretraining.TRY, reduced=True, weights=tmp_path)
    assert (True, False) == (pretrained.requested, pretrained.loaded)


def test_the_mlp_has_nothing_to_load():
    _, pretrained = build(Model.MLP, pretraining=Pretraining.REQUIRE)
    assert (False, False) == (pretrained.requested, pretrained.loaded)


def test_a_network_from_scratch_says_so():
    pretrained = build(Model.DENSENET, pretraining=Pretraining.NO)[1]
    assert (False, False, None) == (pretrained.requested, pretrained.loaded, pretrained.source)


def test_weights_that_cannot_be_loaded_are_an_error_that_says_how_to_get_them(monkeypatch):
    def offline(*args, **kwargs):
        raise OSError("no route to host")

    monkeypatch.setattr(timm, "create_model", offline)
    with pytest.raises(
        ModelError, match=r"weights of densenet121 cannot be loaded \(OSError\): connect once"
    ):
        build(Model.DENSENET, pretraining=Pretraining.REQUIRE)


@pytest.fixture(scope="module")
def published():
    """Return weights like timm's own: three channels, a thousand classes."""
    torch.manual_seed(0)
    return timm.create_model("densenet121").state_dict()


@pytest.fixture(params=["safetensors", "pth", "checkpoint"])
def folder(request, tmp_path, published):
    match request.param:
        case "safetensors":
            save_file(published, tmp_path / "densenet121.safetensors")
        case "pth":
            torch.save(published, tmp_path / "densenet121.pth")
        case _:
            torch.save({"state_dict": published, "epoch": 3}, tmp_path / "densenet121.pth")
    return tmp_path


def test_a_file_is_loaded_and_its_input_convolution_summed_to_one_channel(folder, published):
    module, pretrained = build(Model.DENSENET, pretraining=Pretraining.REQUIRE, weights=folder)
    summed = published["features.conv0.weight"].sum(dim=1, keepdim=True)
    assert torch.equal(summed, module.features.conv0.weight)
    assert torch.equal(published["features.norm5.weight"], module.features.norm5.weight)
    assert (1, 1024) == module.classifier.weight.shape
    (file,) = folder.iterdir()
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    assert (True, True, file.name, sha256) == (
        pretrained.requested,
        pretrained.loaded,
        pretrained.source,
        pretrained.sha256,
    )


def test_a_file_is_left_alone_where_training_starts_from_scratch(folder, published):
    module, pretrained = build(Model.DENSENET, pretraining=Pretraining.NO, weights=folder)
    assert not pretrained.loaded
    assert not torch.equal(
        published["features.conv0.weight"].sum(dim=1, keepdim=True), module.features.conv0.weight
    )


class Canary:
    """Write a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("suffix", ["pth", "pt", "bin", "safetensors"])
def test_a_pickle_with_code_in_it_is_refused_and_never_runs(tmp_path, suffix):
    canary, file = tmp_path / "canary", tmp_path / f"densenet121.{suffix}"
    file.write_bytes(pickle.dumps({"features.conv0.weight": Canary(canary)}))
    with pytest.raises(ModelError, match=rf"densenet121\.{suffix}: no weights can be read from it"):
        build(Model.DENSENET, pretraining=Pretraining.REQUIRE, weights=tmp_path)
    assert not canary.exists()


def test_the_canary_would_have_sung(tmp_path):
    canary = tmp_path / "canary"
    pickle.loads(pickle.dumps(Canary(canary))).close()  # noqa: S301 - our own
    assert canary.exists()


@pytest.mark.parametrize("content", [b"", b"x" * 99], ids=["empty", "rubbish"])
@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_a_damaged_file_is_one_line(tmp_path, content, suffix):
    (tmp_path / f"densenet121.{suffix}").write_bytes(content)
    with pytest.raises(ModelError, match="no weights can be read from it"):
        build(Model.DENSENET, pretraining=Pretraining.REQUIRE, weights=tmp_path)


@pytest.mark.parametrize("content", [[1, 2], {"a": 1}, {"state_dict": 7}], ids=str)
def test_a_file_of_something_else_is_one_line(tmp_path, content):
    torch.save(content, tmp_path / "densenet121.pth")
    with pytest.raises(ModelError, match="not a state dict"):
        build(Model.DENSENET, pretraining=Pretraining.REQUIRE, weights=tmp_path)


def test_weights_of_another_network_are_one_line(tmp_path):
    save_file(timm.create_model("resnet10t").state_dict(), tmp_path / "densenet121.safetensors")
    with pytest.raises(ModelError, match="these are not the weights of densenet121"):
        build(Model.DENSENET, pretraining=Pretraining.REQUIRE, weights=tmp_path)


def test_weights_of_which_a_part_is_missing_are_one_line(tmp_path, published):
    part = {name: tensor for name, tensor in published.items() if "denseblock3" not in name}
    save_file(part, tmp_path / "densenet121.safetensors")
    with pytest.raises(ModelError, match="these are not the weights of densenet121"):
        build(Model.DENSENET, pretraining=Pretraining.REQUIRE, weights=tmp_path)


def test_weights_that_are_tried_and_cannot_be_loaded_are_reported(monkeypatch):
    cut_off_hub(monkeypatch)
    module, pretrained = build(Model.DENSENET, pretraining=Pretraining.TRY)
    assert (True, False, None) == (pretrained.requested, pretrained.loaded, pretrained.source)
    assert 6_948_609 == parameter_count(module)


def test_a_folder_without_the_networks_file_leaves_it_to_the_hub(monkeypatch, tmp_path):
    cut_off_hub(monkeypatch)
    (tmp_path / "resnet50.safetensors").touch()
    with pytest.raises(ModelError, match=r"put densenet121\.safetensors into a folder"):
        build(Model.DENSENET, pretraining=Pretraining.REQUIRE, weights=tmp_path)


def test_weights_from_the_hub_are_recorded_by_name_and_checksum(monkeypatch, tmp_path):
    create = timm.create_model
    monkeypatch.setattr(timm, "create_model", lambda name, *, pretrained, **options: create(name, **options))
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    monkeypatch.setattr(
        weights, "try_to_load_from_cache", lambda _, name: str(tmp_path / name) if "safe" in name else None
    )
    _, pretrained = build(Model.DENSENET, pretraining=Pretraining.REQUIRE)
    assert timm.get_pretrained_cfg_value("densenet121", "hf_hub_id") == pretrained.source
    assert hashlib.sha256(b"weights").hexdigest() == pretrained.sha256


def test_weights_whose_file_is_not_in_the_hubs_cache_have_no_checksum():
    assert weights.hub_checksum("nobody/has-this") is None
    assert weights.hub_checksum("no hub name at all!") is None
