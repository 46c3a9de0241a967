"""What a reader must know of a recipe, and nothing where there is nothing to say."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from redl.execution.recipe_warnings import recipe_warnings
from redl.record import Pretrained
from redl.training.settings import setup_of

NOT_ASKED_FOR = Pretrained(requested=False, loaded=False, source=None, sha256=None)
LOADED = Pretrained(requested=True, loaded=True, source="a.safetensors", sha256="0" * 64)
WITH_BATCH_NORM = nn.Sequential(nn.BatchNorm2d(1), nn.Flatten(), nn.Linear(64, 1))


def warnings_of(setting, pretrained, model=WITH_BATCH_NORM):
    plan = SimpleNamespace(
        widened=False,
        setup=setup_of(setting, torch.device("cpu")),
        profile=SimpleNamespace(batch_size=16),
        network=SimpleNamespace(name="resnet18"),
    )
    return list(recipe_warnings(plan, model, pretrained))


def test_a_baseline_from_scratch_needs_no_word():
    assert [] == warnings_of("baseline", NOT_ASKED_FOR)


@pytest.mark.parametrize("part", ["head", "lastblock", "lora"])
def test_a_part_of_a_random_network_is_said_to_show_nothing(part):
    (warning,) = warnings_of(f"amp+{part}", NOT_ASKED_FOR)
    assert warning.startswith(f"recipe: {part} trains a part of the network, and no pretrained weights were")


@pytest.mark.parametrize("part", ["head", "lastblock", "lora"])
def test_a_part_of_a_pretrained_network_needs_no_word(part):
    assert [] == warnings_of(part, LOADED)


def test_weights_that_were_asked_for_and_not_loaded_are_said_beside_it():
    missing = Pretrained(requested=True, loaded=False, source=None, sha256=None)
    first, second = warnings_of("head", missing)
    assert (
        "recipe: no pretrained weights of resnet18 could be loaded, so it was trained from scratch" == first
    )
    assert second.startswith("recipe: head trains a part")


@pytest.mark.parametrize(
    ("setting", "count"), [("micro4", 1), ("lastblock+micro4", 1), ("head+micro4", 0), ("micro16", 0)]
)
def test_batch_norm_is_another_in_pieces_unless_it_is_frozen(setting, count):
    assert count == sum("batch norm saw pieces of 4" in one for one in warnings_of(setting, LOADED))


def test_pieces_matter_only_to_batch_norm():
    assert [] == warnings_of("micro4", LOADED, nn.Linear(1, 1))


def test_weights_without_a_checksum_are_said_to_have_none():
    (warning,) = warnings_of("baseline", Pretrained(requested=True, loaded=True, source="a", sha256=None))
    assert warning.startswith("recipe.pretrained.sha256: ")
