"""Settings: what each does to training, on a GPU and on a CPU."""

import pytest
import torch

from redl.study.case import Setting, TrainedPart
from redl.training.optimizers import adafactor, adam, adam_8bit, adam_8bit_stable, lion_8bit, sgd_8bit
from redl.training.settings import TrainingSetup, needs_bitsandbytes, setup_of, with_fused_adam

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
F32, F16, BF16 = torch.float32, torch.float16, torch.bfloat16


@pytest.mark.parametrize(
    ("setting", "on_cuda", "on_cpu", "optimizer"),
    [
        (Setting.BASELINE, (F32, None), (F32, None), adam),
        (Setting.AMP, (F32, F16), (F32, BF16), adam),
        (Setting.EIGHT_BIT, (F32, None), (F32, None), adam_8bit),
        (Setting.AMP_EIGHT_BIT, (F32, F16), (F32, BF16), adam_8bit),
        (Setting.HALF_EIGHT_BIT, (F16, None), (BF16, None), adam_8bit),
        (Setting.HALF, (F16, None), (BF16, None), adam),
        (Setting.STABLE, (F32, None), (F32, None), adam_8bit_stable),
        (Setting.AMP_BF16, (F32, BF16), (F32, BF16), adam),
        (Setting.HALF_BF16, (BF16, None), (BF16, None), adam),
    ],
)
def test_a_setting_states_its_formats_and_its_optimizer(setting, on_cuda, on_cpu, optimizer):
    for device, formats in ((CUDA, on_cuda), (CPU, on_cpu)):
        found = setup_of(setting, device)
        assert (*formats, optimizer) == (found.weights_dtype, found.autocast_dtype, found.optimizer)


@pytest.mark.parametrize("setting", Setting)
def test_a_named_format_is_for_half_weights_that_name_none(setting):
    expected = (
        F16 if setting in {Setting.HALF, Setting.HALF_EIGHT_BIT} else setup_of(setting, CPU).weights_dtype
    )
    assert expected is setup_of(setting, CPU, F16).weights_dtype


def test_the_study_changes_no_model():
    model = torch.nn.Linear(1, 1)
    assert all(model is setup_of(setting, CPU).prepare(model) for setting in Setting)


@pytest.mark.parametrize(
    ("setting", "optimizer", "rate"),
    [
        ("baseline", adam, 1),
        ("half+8bit", adam_8bit, 1),
        ("lion8bit", lion_8bit, 0.2),
        ("adafactor", adafactor, 1),
        ("amp+sgd8bit", sgd_8bit, 100),
        ("head", adam, 10),
        ("lastblock", adam, 1),
        ("8bit+lora", adam_8bit, 10),
        ("lion8bit+lora", lion_8bit, 2),
        ("sgd8bit+head", sgd_8bit, 100),
    ],
)
def test_a_technique_states_its_optimizer_and_its_rate(setting, optimizer, rate):
    found = setup_of(setting, CPU)
    assert (optimizer, rate) == (found.optimizer, found.rate)


def test_a_composition_has_all_its_techniques():
    found = setup_of("half+lora+ckpt+micro4", CPU)
    assert (BF16, TrainedPart.LORA, True, 4) == (
        found.weights_dtype,
        found.trained,
        found.recomputing,
        found.micro_batch,
    )


def test_a_network_is_changed_before_a_part_of_it_is_frozen():
    setup = TrainingSetup(change=lambda model: torch.nn.Sequential(model, torch.nn.Linear(1, 1)))
    inner, outer = TrainingSetup(change=setup.change, trained=TrainedPart.HEAD).prepare(torch.nn.Linear(1, 1))
    assert (False, True) == (inner.weight.requires_grad, outer.weight.requires_grad)


def test_ordinary_adam_of_float32_weights_is_fused():
    optimizer = with_fused_adam(TrainingSetup()).optimizer(torch.nn.Linear(2, 1), 0.1)
    assert optimizer.defaults["fused"]


@pytest.mark.parametrize(
    "setup",
    [TrainingSetup(weights_dtype=F16), TrainingSetup(optimizer=adam_8bit)],
    ids=["float16 weights", "8-bit optimizer"],
)
def test_no_other_optimizer_is_fused(setup):
    assert setup is with_fused_adam(setup)


@pytest.mark.parametrize("setting", [*Setting, "lion8bit", "adafactor", "amp+sgd8bit", "lora"])
def test_bitsandbytes_is_needed_where_state_has_8_bits(setting):
    assert ("8bit" in setting) == needs_bitsandbytes(setup_of(setting, CPU))
