"""Which GPUs a process uses, by UUID, whatever CUDA_VISIBLE_DEVICES says and however NVML fails."""

import random

import pynvml
import pytest
from hypothesis import given
from hypothesis import strategies as st

from redl.metering.energy import SensorError
from redl.metering.gpus import Gpu, gpu_of, nvml, open_handle, visible_gpus
from tests.helpers.sensors import FakeClock, ScriptedPower, fake_nvml, gpu_uuid

SLICE = "MIG-aaaaaaaa-1111-2222-3333-444444444444"
OTHER_SLICE = "MIG-bbbbbbbb-1111-2222-3333-444444444444"


@pytest.fixture
def machine(monkeypatch):
    """Four GPUs of one model."""
    return fake_nvml(monkeypatch, [ScriptedPower.constant(300)] * 4, FakeClock())


def visible(monkeypatch, text):
    """Return the positions of the GPUs that CUDA_VISIBLE_DEVICES leaves."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", text)
    every = [gpu_uuid(index) for index in range(4)]
    return [every.index(gpu.uuid) for gpu in visible_gpus()]


@pytest.mark.usefixtures("machine")
def test_all_gpus_are_visible_where_nothing_hides_them():
    assert [gpu_uuid(index) for index in range(4)] == [gpu.uuid for gpu in visible_gpus()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", [0]),
        ("2,1", [2, 1]),
        (" 3 , 0 ", [3, 0]),
        ("1gpu,2ampere", [1, 2]),
        ("0,2,-1,1", [0, 2]),
        ("1,9,2", [1]),
        ("1,none,2", [1]),
        ("1,1", []),
        ("", []),
        (" ", []),
        ("-1", []),
        ("none", []),
        ("NoDevFiles", []),
        (gpu_uuid(2), [2]),
        (f"{gpu_uuid(3)},{gpu_uuid(1)}", [3, 1]),
        ("GPU-22", [2]),
        ("GPU-22,GPU-0", [2, 0]),
        ("GPU-22,GPU-99,GPU-0", [2]),
        ("GPU-", []),  # fits all of them
        ("GPU-22,2", [2]),
        ("GPU-22,GPU-2", []),
        ("1,GPU-22", [1]),
        ("MIG-absent", []),
    ],
)
def test_visible_devices_are_read_as_cuda_reads_them(monkeypatch, machine, text, expected):
    assert expected == visible(monkeypatch, text)


def test_an_empty_entry_is_no_abbreviation(monkeypatch, machine):
    machine.gpus[:] = machine.gpus[:1]
    assert [0] == visible(monkeypatch, "GPU-0,")


@given(st.text(alphabet="0123GPUMI-, x", max_size=20))
def test_no_text_in_visible_devices_breaks_anything(text):
    with pytest.MonkeyPatch.context() as monkeypatch:
        machine = fake_nvml(monkeypatch, [ScriptedPower.constant(300)] * 4, FakeClock())
        found = visible(monkeypatch, text)
    assert len(set(found)) == len(found)
    assert [] == machine.holds


def test_hidden_gpus_are_known_without_nvml(monkeypatch, machine):
    machine.absent = True
    assert [] == visible(monkeypatch, "")


def test_without_a_driver_one_line_says_so(machine):
    machine.absent = True
    with pytest.raises(SensorError, match=r"\ANVML: NVML Shared Library Not Found\Z"):
        visible_gpus()


# MIG.


def test_a_slice_stands_for_its_whole_gpu(monkeypatch, machine):
    machine.gpus[1].slices = (SLICE,)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", SLICE)
    assert (Gpu(uuid=gpu_uuid(1), name="NVIDIA H100", slice=True),) == visible_gpus()


def test_two_slices_of_a_gpu_are_one_gpu(monkeypatch, machine):
    machine.gpus[1].slices = (SLICE, OTHER_SLICE)
    assert [1] == visible(monkeypatch, f"{SLICE},{OTHER_SLICE}")


def test_slices_after_an_unknown_one_are_ignored(monkeypatch, machine):
    machine.gpus[0].slices, machine.gpus[1].slices = (SLICE,), (OTHER_SLICE,)
    assert [0] == visible(monkeypatch, f"{SLICE},MIG-absent,{OTHER_SLICE}")


def test_a_gpu_in_mig_mode_is_used_by_slice_also_if_counted(monkeypatch, machine):
    machine.gpus[:] = machine.gpus[:1]
    machine.gpus[0].slices = (SLICE,)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert [True] == [gpu.slice for gpu in visible_gpus()]


def test_counting_gpus_in_mig_mode_is_refused_where_there_are_several(machine):
    machine.gpus[1].slices = (SLICE,)
    with pytest.raises(SensorError, match="name the slice in CUDA_VISIBLE_DEVICES"):
        visible_gpus()


def test_models_without_mig_are_whole(machine):
    for gpu in machine.gpus:
        gpu.name = "Tesla V100"
    assert [False] * 4 == [gpu.slice for gpu in visible_gpus()]


# CUDA's order and NVML's.


def test_counted_gpus_of_different_models_are_warned_of(monkeypatch, machine):
    machine.gpus[0].name = "NVIDIA T4"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    (gpu,) = visible_gpus()
    assert "set CUDA_DEVICE_ORDER=PCI_BUS_ID" in gpu.warnings[0]


@pytest.mark.parametrize(
    ("chosen", "order", "model"),
    [
        ("1", "PCI_BUS_ID", "NVIDIA T4"),
        ("1", "FASTEST_FIRST", "NVIDIA H100"),
        ("GPU-11", "FASTEST_FIRST", "NVIDIA T4"),
        ("0,1,2,3", "FASTEST_FIRST", "NVIDIA T4"),
    ],
)
def test_nothing_is_warned_of_where_both_orders_choose_the_same(monkeypatch, machine, chosen, order, model):
    machine.gpus[0].name = model
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", chosen)
    monkeypatch.setenv("CUDA_DEVICE_ORDER", order)
    assert set() == {warning for gpu in visible_gpus() for warning in gpu.warnings}


# By UUID.


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize("uuid", [gpu_uuid(2), gpu_uuid(2).removeprefix("GPU-")])
def test_a_gpu_is_found_by_its_uuid_as_torch_and_nvml_write_it(uuid):
    assert Gpu(uuid=gpu_uuid(2), name="NVIDIA H100") == gpu_of(uuid)


@pytest.mark.parametrize("uuid", [SLICE, SLICE.removeprefix("MIG-")])
def test_a_slice_is_found_by_its_uuid_as_torch_and_nvml_write_it(machine, uuid):
    machine.gpus[3].slices = (SLICE,)
    assert Gpu(uuid=gpu_uuid(3), name="NVIDIA H100", slice=True) == gpu_of(uuid)


def test_a_gpu_used_by_slice_is_still_so_when_found_by_its_own_uuid(machine):
    machine.gpus[3].slices = (SLICE,)
    assert gpu_of(SLICE) == gpu_of(gpu_of(SLICE).uuid)


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize("uuid", ["GPU-absent", "absent", ""])
def test_an_unknown_uuid_is_an_error(uuid):
    with pytest.raises(SensorError, match=rf"\ANVML: knows no GPU of UUID {uuid}\Z"):
        gpu_of(uuid)


# Handles.


def test_a_handle_is_that_of_the_gpu(machine):
    with nvml():
        assert machine.gpus[2] is open_handle(gpu_of(gpu_uuid(2))).gpu


@pytest.mark.usefixtures("machine")
def test_a_gpu_that_fell_off_the_bus_is_an_error():
    with nvml(), pytest.raises(SensorError, match=r"\ANVML: Not Found\Z"):
        open_handle(Gpu(uuid="GPU-gone", name="NVIDIA H100"))


def test_nvml_is_held_inside_and_released_after_also_if_the_work_fails(machine):
    held = []

    def fail():
        held.extend(machine.holds)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), nvml():
        fail()
    assert (1, []) == (len(held), machine.holds)


@pytest.mark.usefixtures("machine")
def test_an_nvml_error_inside_is_a_sensor_error():
    with pytest.raises(SensorError, match=r"\ANVML: GPU is lost\Z"), nvml():
        raise pynvml.NVMLError(pynvml.NVML_ERROR_GPU_IS_LOST)


def test_an_nvml_that_cannot_be_released_hides_nothing(machine, monkeypatch):
    def lost():
        raise pynvml.NVMLError(pynvml.NVML_ERROR_UNKNOWN)

    monkeypatch.setattr(pynvml, "nvmlShutdown", lost)
    with pytest.raises(ZeroDivisionError), nvml():
        1 / 0  # noqa: B018


def test_asking_leaves_nvml_as_it_was(machine):
    state = random.getstate()
    for _ in range(20):
        gpu_of(visible_gpus()[0].uuid)
    assert ([], state) == (machine.holds, random.getstate())
