"""Wrappers: a network's tensors are found by their names, wherever a file has them."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from redl.training.wrappers import candidates

NAMES = ["stem.weight", "stem.bias", "head.norm.weight"]

word = st.from_regex(r"\A[a-z_]{1,8}\Z")


def tensors(prefix=""):
    return {f"{prefix}{name}": torch.tensor(index) for index, name in enumerate(NAMES)}


@given(st.lists(word, max_size=3), st.lists(word, max_size=3))
def test_any_prefix_in_any_dict_is_found(keys, parts):
    content = tensors("".join(f"{part}." for part in parts))
    for key in reversed(keys):
        content = {"epoch": 3, "momentum": {0: {"buffer": torch.zeros(2)}}, key: content}
    (found,) = candidates(content, NAMES)
    assert tensors() == found.weights
    assert ("/".join([*keys, ".".join(parts)]).strip("/") or "top level") == found.place


def test_what_lies_beside_the_prefix_is_left_out():
    (found,) = candidates({**tensors("net."), "loss.weight": torch.ones(1)}, NAMES)
    assert tensors() == found.weights


def test_what_lies_behind_the_prefix_is_kept_for_the_comparison():
    (found,) = candidates({**tensors("net."), "net.more.weight": torch.ones(1)}, NAMES)
    assert [*NAMES, "more.weight"] == list(found.weights)


def test_a_candidate_does_not_contain_the_one_behind_a_longer_prefix():
    found = candidates({**tensors(), **tensors("ema.")}, NAMES)
    assert {"top level": tensors(), "ema": tensors()} == {one.place: one.weights for one in found}


def test_names_that_repeat_behind_a_prefix_of_the_network_stay_its_own():
    names = ["a.weight", "b.a.weight"]
    content = {name: torch.tensor(0) for name in names}
    assert content in [one.weights for one in candidates(content, names)]


def test_unknown_names_are_returned_with_and_without_their_shared_prefix():
    content = {"module.x.a": torch.tensor(0), "module.y.a": torch.tensor(1), 7: torch.tensor(2)}
    found = candidates({"model": content}, NAMES)
    assert ["model", "model/module"] == [one.place for one in found]
    assert [["module.x.a", "module.y.a"], ["x.a", "y.a"]] == [list(one.weights) for one in found]


def test_an_optimizers_state_is_no_candidate_beside_unknown_names():
    state = {index: {"exp_avg": torch.zeros(2)} for index in range(9)}
    content = {"model": {f"x{index}": torch.zeros(2) for index in range(9)}, "optimizer": {"state": state}}
    assert ["model"] == [one.place for one in candidates(content, NAMES)]
