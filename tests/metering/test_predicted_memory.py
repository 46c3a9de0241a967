"""Predicted memory: known answers, what both optimizers really allocate, and why little is saved."""

from dataclasses import dataclass

import pytest
import timm
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from redl.metering.predicted_memory import explanation, predicted_memory
from redl.study.case import TRANSFORMERS, Model, Setting
from redl.study.profile import Pretraining
from redl.training.models import build
from redl.training.networks import network_of
from redl.training.optimizers import (
    adafactor,
    adam,
    adam_8bit,
    lion_8bit,
    sgd_8bit,
    state_elements,
    state_width,
)
from redl.training.settings import needs_bitsandbytes, setup_of

LARGE = 4096 * 256  # elements in whole blocks


@dataclass
class Sized:
    """A parameter with a size alone."""

    count: int
    bytes_each: int = 4
    requires_grad: bool = True

    def numel(self):
        return self.count

    def element_size(self):
        return self.bytes_each


def width(*, eight_bit):
    """Return how wide state is, as both optimizers keep it."""
    if eight_bit:
        return lambda parameter: 8 if parameter.numel() >= 4096 else 32
    return lambda parameter: 8 * parameter.element_size()


def stepped(shapes, *, make, dtype=torch.float32):
    model = torch.nn.ParameterList(torch.nn.Parameter(torch.ones(shape, dtype=dtype)) for shape in shapes)
    optimizer = make(model, 0.1)
    for parameter in model:
        parameter.grad = torch.full_like(parameter, 0.5)
    optimizer.step()
    return list(model), optimizer


def allocated(optimizer):
    """Count the bytes of its own tensors; `qmap` is one table shared by all, the rest one number each."""
    moments = {"exp_avg", "exp_avg_sq", "exp_avg_sq_row", "exp_avg_sq_col"}
    moments |= {"state1", "state2", "absmax1", "absmax2"}
    return sum(state[name].nbytes for state in optimizer.state.values() for name in moments & state.keys())


@pytest.mark.parametrize(
    ("bytes_a_parameter", "bytes_each", "eight_bit"),
    [(16, 4, False), (10.03125, 4, True), (6.03125, 2, True), (8, 2, False)],
    ids=["Adam and AMP", "8-bit Adam", "half and 8-bit Adam", "half"],
)
def test_bytes_a_parameter_are_as_known(bytes_a_parameter, bytes_each, eight_bit):
    predicted = predicted_memory([Sized(LARGE, bytes_each)], state_width=width(eight_bit=eight_bit))
    assert bytes_a_parameter == predicted.total / LARGE


def test_the_parts_are_reported_and_summed():
    predicted = predicted_memory([Sized(1000, 2)], state_width=width(eight_bit=False))
    assert (2000, 2000, 4000) == (predicted.weights, predicted.gradients, predicted.optimizer_state)
    assert 8000 == predicted.total


@pytest.mark.parametrize("eight_bit", [False, True])
def test_frozen_weights_have_neither_gradients_nor_state(eight_bit):
    predicted = predicted_memory([Sized(5000, requires_grad=False)], state_width=width(eight_bit=eight_bit))
    assert (20_000, 0, 0) == (predicted.weights, predicted.gradients, predicted.optimizer_state)


def test_no_parameters_take_nothing():
    assert 0 == predicted_memory([], state_width=width(eight_bit=True)).total


@pytest.mark.parametrize(("count", "state"), [(4095, 8 * 4095), (4096, 2 * (4096 + 4 * 16))])
def test_tensors_from_4096_elements_on_have_8_bit_state(count, state):
    assert state == predicted_memory([Sized(count)], state_width=width(eight_bit=True)).optimizer_state


def test_a_last_incomplete_block_has_scales_too():
    assert (
        2 * (4097 + 4 * 17)
        == predicted_memory([Sized(4097)], state_width=width(eight_bit=True)).optimizer_state
    )


def test_small_half_tensors_have_32_bit_state_under_8_bit_adam():
    assert 8 * 100 == predicted_memory([Sized(100, 2)], state_width=width(eight_bit=True)).optimizer_state


def predicted_of(parameters, optimizer):
    return predicted_memory(
        parameters, state_width=state_width(optimizer), state_elements=state_elements(optimizer)
    )


@settings(deadline=None, max_examples=25)
@given(
    shapes=st.lists(
        st.one_of(
            st.lists(st.integers(1, 24), min_size=1, max_size=4),
            st.integers(4000, 9000).map(lambda count: [count]),
        ),
        min_size=1,
        max_size=4,
    ),
    make=st.sampled_from([adam, adam_8bit, lion_8bit, sgd_8bit, adafactor]),
    dtype=st.sampled_from([torch.float32, torch.bfloat16]),
)
def test_predicted_state_is_what_the_optimizer_allocates(shapes, make, dtype):
    parameters, optimizer = stepped(shapes, make=make, dtype=dtype)
    predicted = predicted_of(parameters, optimizer)
    assert allocated(optimizer) == predicted.optimizer_state
    assert sum(parameter.nbytes for parameter in parameters) == predicted.weights
    assert sum(parameter.grad.nbytes for parameter in parameters) == predicted.gradients


FAMILIES = [model for model in Model if model is not Model.MLP]
TECHNIQUES = [
    (model, setting)
    for model in FAMILIES
    for setting in ("head", "lastblock", "lion8bit", "adafactor", "sgd8bit", "8bit+lastblock")
]
TECHNIQUES += [(model, setting) for model in TRANSFORMERS for setting in ("lora", "half+lion8bit+lora")]


@pytest.mark.parametrize(("model", "setting"), TECHNIQUES)
def test_of_each_technique_and_network_it_is_what_is_really_held(model, setting):
    module, _ = build(
        network_of(model, None, image_size=32, reduced=True), image_size=32, pretraining=Pretraining.NO
    )
    setup = setup_of(setting, torch.device("cpu"))
    module = setup.prepare(module).to(setup.weights_dtype)
    optimizer = setup.optimizer(module, 1e-3)
    module.train()
    module(torch.rand(4, 1, 32, 32, dtype=setup.weights_dtype)).sum().backward()
    optimizer.step()
    held = list(module.parameters())
    predicted = predicted_of(held, optimizer)
    assert allocated(optimizer) == predicted.optimizer_state
    assert sum(parameter.nbytes for parameter in held) == predicted.weights
    assert sum(one.grad.nbytes for one in held if one.grad is not None) == predicted.gradients


@pytest.mark.parametrize(
    ("name", "saved_mb"),
    [
        ("densenet121", 41),
        ("efficientnetv2_rw_m", 303),
        ("swinv2_base_window8_256", 518),
        ("vit_base_patch32_plus_256", 696),
    ],
)
def test_8_bit_adam_saves_as_much_as_the_networks_large_tensors_allow(name, saved_mb):
    with torch.device("meta"):
        model = timm.create_model(name, in_chans=1, num_classes=1)
    ordinary, narrow = (
        predicted_memory(model.parameters(), state_width=width(eight_bit=eight_bit))
        for eight_bit in (False, True)
    )
    assert saved_mb == round((ordinary.total - narrow.total) / 1e6)


@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("densenet121", 0.031),
        ("efficientnetv2_rw_m", 0.026),
        ("swinv2_base_window8_256", 0.006),
        ("vit_base_patch32_plus_256", 0.003),
    ],
)
def test_adafactor_keeps_few_elements_for_each_parameter(name, share):
    with torch.device("meta"):
        model = timm.create_model(name, in_chans=1, num_classes=1)
    count = state_elements(adafactor(model, 0.1))
    elements = sum(count(parameter) for parameter in model.parameters())
    assert share == round(elements / sum(parameter.numel() for parameter in model.parameters()), 3)


NETWORK = [Sized(1_000_000), Sized(1000)]
HALF_NETWORK = [Sized(parameter.count, 2) for parameter in NETWORK]


def traits(setting):
    setup = setup_of(setting, torch.device("cpu"))
    return {
        "half": setup.weights_dtype != torch.float32,
        "autocast": setup.autocast_dtype is not None,
        "state_width": width(eight_bit=needs_bitsandbytes(setup)),
    }


def explained(setting, peak=1_000_000_000, parameters=None):
    given = traits(setting)
    held = parameters or (HALF_NETWORK if given["half"] else NETWORK)
    return explanation(held, **given, train_peak_bytes=peak)


def test_an_optimizer_of_ones_own_is_neither_predicted_nor_explained():
    predicted = predicted_memory([Sized(1000)], state_width=None)
    assert (4000, 4000, None, None) == (
        predicted.weights,
        predicted.gradients,
        predicted.optimizer_state,
        predicted.total,
    )
    nothing = {"half": True, "autocast": True, "state_width": None}
    assert explanation([Sized(1000)], **nothing, train_peak_bytes=1) is None


def test_wide_state_of_large_tensors_is_laid_to_embeddings_and_norms():
    wide = [Sized(1_000_000), Sized(5000)]
    text = explanation(
        wide,
        half=False,
        autocast=False,
        state_width=lambda parameter: 8 if parameter.numel() > 5000 else 32,
        train_peak_bytes=1_000_000_000,
    )
    assert "5000 of 1005000 parameters, tensors under 4096 elements, and embeddings and norms, keep" in text


def test_the_baseline_needs_no_explanation():
    assert explained(Setting.BASELINE) is None


@pytest.mark.parametrize("setting", Setting)
def test_an_unmeasured_peak_is_not_explained(setting):
    assert explained(setting, peak=None) is None


def test_a_small_8_bit_saving_says_where_the_memory_is():
    assert (
        "with 8-bit optimizer state, weights, gradients and optimizer state should take 6 MB less than the "
        "baseline's 16 MB, which is 0.6% of the training peak: activations and work space take the rest; "
        "1000 of 1001000 parameters, tensors under 4096 elements, keep their state in 32 bits"
    ) == explained(Setting.EIGHT_BIT)


def test_amp_is_said_to_keep_float32_state():
    assert (
        "autocast keeps weights, gradients and optimizer state in float32, only activations shrink"
    ) == explained(Setting.AMP)


def test_amp_with_8_bit_adam_is_explained_by_both():
    text = explained(Setting.AMP_EIGHT_BIT)
    assert text.startswith("with 8-bit optimizer state, ")
    assert text.endswith("; autocast keeps weights and gradients in float32, only activations shrink")


def test_half_weights_are_compared_with_float32_ones():
    assert "with 16-bit weights, weights, gradients and optimizer state should take 8 MB less" in explained(
        Setting.HALF
    )


def test_half_weights_with_8_bit_adam_are_explained_together():
    assert "with 16-bit weights and 8-bit optimizer state, " in explained(Setting.HALF_EIGHT_BIT)


@pytest.mark.parametrize("setting", [Setting.EIGHT_BIT, Setting.HALF, Setting.HALF_EIGHT_BIT])
def test_a_saving_of_a_tenth_of_the_peak_needs_no_explanation(setting):
    held = [Sized(LARGE, 2 if traits(setting)["half"] else 4)]
    saved = 16 * LARGE - predicted_memory(held, state_width=traits(setting)["state_width"]).total
    assert explained(setting, peak=10 * saved, parameters=held) is None
    assert explained(setting, peak=10 * saved + 1, parameters=held) is not None


def test_frozen_weights_do_not_count_as_saved():
    held = [Sized(1_000_000, requires_grad=False)]
    assert "0 MB less than the baseline's 4 MB" in explained(Setting.EIGHT_BIT, parameters=held)
