"""Settings, memory, energy and outcomes on a real GPU."""

import copy
import time

import pytest
import torch

from redl.execution.approach import set_flags
from redl.metering.gpus import gpu_of, visible_gpus
from redl.metering.memory import MemoryMeter
from redl.metering.meter import EnergyMeter
from redl.record import Status
from redl.study.case import TRANSFORMERS, Setting
from redl.study.profile import TINY
from redl.training.recomputing import recomputing
from tests.helpers.changes import replace
from tests.training.test_recomputing import FAMILIES, network

MIB = 2**20


@pytest.fixture
def meter(cuda):
    return MemoryMeter(cuda)


def test_a_block_is_counted_to_the_byte_and_the_three_figures_are_in_order(meter, cuda):
    with meter.phase() as phase:
        held = torch.ones(64 * MIB // 4, device=cuda)
    peak = phase.peak
    assert held.nbytes <= peak.allocated_bytes <= held.nbytes + 2 * MIB
    assert peak.allocated_bytes <= peak.reserved_bytes
    assert peak.process_bytes is None or peak.reserved_bytes <= peak.process_bytes
    assert peak.process_bytes is not None or peak.reason


def test_a_freed_block_counts_in_its_phase_and_not_in_the_next(meter, cuda):
    with meter.phase() as first:
        torch.ones(64 * MIB // 4, device=cuda)
    with meter.phase() as second:
        pass
    assert first.peak.allocated_bytes >= 64 * MIB > second.peak.allocated_bytes


def _error_of_a_product(cuda):
    generator = torch.Generator().manual_seed(0)
    one, other = (torch.randn(512, 512, generator=generator) for _ in range(2))
    exact = one.double() @ other.double()
    return ((one.to(cuda) @ other.to(cuda)).double().cpu() - exact).abs().max() / exact.abs().max()


def test_float32_is_full_float32_unless_tf32_is_asked_for(cuda):
    set_flags(tf32=True)
    rounded = _error_of_a_product(cuda)
    set_flags()
    assert _error_of_a_product(cuda) < 1e-6 < 1e-5 < rounded


@pytest.mark.parametrize(
    ("setting", "weights", "autocast", "scaler"),
    [
        (Setting.BASELINE, "float32", None, False),
        (Setting.AMP_EIGHT_BIT, "float32", "float16", True),
        (Setting.HALF_EIGHT_BIT, "float16", None, False),
        (Setting.AMP_BF16, "float32", "bfloat16", False),
        ("amp+8bit+ckpt+micro4", "float32", "float16", True),
    ],
)
def test_a_setting_completes_in_its_formats(record_of, setting, weights, autocast, scaler):
    record = record_of(setting)
    assert (Status.COMPLETED, "cuda") == (record.status, record.memory.device), record.reason
    found = record.recipe
    assert (weights, autocast, scaler) == (found.weights_dtype, found.autocast_dtype, found.grad_scaler)


def test_16_bit_weights_with_ordinary_adam_diverge(record_of):
    record = record_of(Setting.HALF, profile=replace(TINY, epochs=2, patience=2))
    assert Status.DIVERGED is record.status


def test_a_setting_saves_memory_and_the_prediction_is_below_the_peak(record_of):
    baseline, eight_bit = record_of(Setting.BASELINE), record_of(Setting.EIGHT_BIT)
    assert eight_bit.memory.train_peak_bytes < baseline.memory.train_peak_bytes
    for record in (baseline, eight_bit):
        assert record.memory.predicted.total < record.memory.train_peak_bytes


def test_the_same_seed_gives_the_identical_losses(record_of):
    def losses(record):
        return [(epoch.train_loss, epoch.valid_loss) for epoch in record.training.trace]

    assert losses(record_of(Setting.BASELINE)) == losses(record_of(Setting.BASELINE))


def test_what_is_done_for_speed_changes_losses_by_rounding_alone(record_of):
    fast, plain = record_of(Setting.BASELINE), record_of(Setting.BASELINE, plain=True)
    assert (True, False) == (fast.recipe.fast_path.channels_last, plain.recipe.fast_path.channels_last)
    # Kernels of another layout add in another order, which the steps of an epoch amplify.
    assert plain.training.trace[0].train_loss == pytest.approx(fast.training.trace[0].train_loss, rel=0.01)


@pytest.mark.parametrize("model", FAMILIES)
def test_activations_that_are_computed_again_change_nothing(model, cuda):
    set_flags()
    plain = network(model).to(cuda)
    again = recomputing(copy.deepcopy(plain))
    expected, found = _trained(plain, cuda), _trained(again, cuda)
    exact = model not in TRANSFORMERS  # whose kernels of attention add in any order
    for one, other in zip(expected, found, strict=True):
        assert torch.equal(one, other) if exact else torch.allclose(one, other, rtol=1e-4, atol=1e-6)


def _trained(module, device, steps=2):
    torch.manual_seed(1)
    images = torch.rand(8, 1, 32, 32, device=device)
    labels = torch.tensor([[0.0], [1.0]] * 4, device=device)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    module.train()
    for _ in range(steps):
        optimizer.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(module(images), labels)
        loss.backward()
        optimizer.step()
    module.eval()
    with torch.no_grad():
        return [
            loss,
            *(parameter.grad for parameter in module.parameters()),
            *module.buffers(),
            module(images),
        ]


def test_a_batch_that_does_not_fit_is_an_outcome_and_the_next_case_is_undisturbed(record_of, monkeypatch):
    monkeypatch.setenv("PYTORCH_CUDA_ALLOC_CONF", "per_process_memory_fraction:0.002")
    record = record_of(Setting.BASELINE)
    assert Status.OOM is record.status, record.reason
    monkeypatch.undo()
    assert Status.COMPLETED is record_of(Setting.BASELINE).status


def test_the_gpu_of_cuda_is_that_of_nvml(cuda):
    uuid = str(torch.cuda.get_device_properties(cuda).uuid)
    assert gpu_of(uuid).name == torch.cuda.get_device_name(cuda)
    assert gpu_of(uuid).uuid in {gpu.uuid for gpu in visible_gpus()}


def test_a_gpu_named_by_its_uuid_is_used(record_of, monkeypatch):
    gpu, *_ = visible_gpus()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", gpu.uuid)
    record = record_of(Setting.BASELINE)
    assert (Status.COMPLETED, "cuda") == (record.status, record.memory.device), record.reason
    assert (gpu.name,) == record.energy.train.components[0].devices


def _load(cuda, seconds):
    one = torch.randn(4096, 4096, device=cuda)
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        one = (one @ one).clamp_(-1, 1)
        torch.cuda.synchronize()


def test_both_meters_agree_on_a_load_of_some_seconds(cuda):
    gpus = [str(torch.cuda.get_device_properties(cuda).uuid)]
    with EnergyMeter(gpus, synchronize=torch.cuda.synchronize) as energy:
        with energy.window():
            _load(cuda, 8)
        (gpu,) = (each for each in energy.reading(images=1).components if each.component == "gpu")
    assert gpu.sensor == "nvml_energy_counter", gpu.warnings
    assert gpu.energy_wh > 8 * 50 / 3600
    assert gpu.ratio == pytest.approx(1, abs=0.15), gpu


def test_more_work_is_more_energy(cuda):
    uuid = [str(torch.cuda.get_device_properties(cuda).uuid)]
    found = []
    for work in (lambda: time.sleep(3), lambda: _load(cuda, 3)):
        with EnergyMeter(uuid, synchronize=torch.cuda.synchronize) as energy:
            with energy.window():
                work()
            found.append(energy.reading(images=1).components[0].energy_wh)
    idle, busy = found
    assert 0 < idle < busy
