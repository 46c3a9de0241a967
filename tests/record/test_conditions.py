"""When figures were taken under foreign load."""

import pytest

from redl.record import Conditions, GpuConditions, PhaseConditions, Record
from tests.helpers.changes import replace
from tests.helpers.samples import GPU_CONDITIONS, PHASE_CONDITIONS, record


def phase(**changes):
    return replace(PHASE_CONDITIONS, **changes)


def gpu(**changes):
    return phase(gpus=(GPU_CONDITIONS, replace(GPU_CONDITIONS, **changes)))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (phase(foreign_cpu_share=0.10), ()),
        (phase(foreign_cpu_share=0.11), ("others used 11% of the processors' time",)),
        (
            phase(foreign_cpu_share=0.04, steal_share=0.07),
            ("others used 4% of the processors' time and the hypervisor withheld 7%",),
        ),
        (phase(foreign_cpu_share=None, steal_share=None), ()),
        (phase(node_processors=8, node_foreign_share=0.9), ()),
        (phase(shared=True), ("cases shared its processors or GPU",)),
        (phase(foreign_cpu_share=0.5, steal_share=None), ("others used 50% of the processors' time",)),
        (gpu(other_processes=2), ("GPU 2 of 2: other processes computed there (2)",)),
        (gpu(other_processes=None, throttle_reasons=None), ()),
        (gpu(throttle_reasons=("sw_power_cap", "applications_clocks_setting")), ()),
        (
            gpu(throttle_reasons=("hw_slowdown", "sw_power_cap", "hw_thermal_slowdown")),
            ("GPU 2 of 2: slowed down (hw_slowdown, hw_thermal_slowdown)",),
        ),
        (
            gpu(throttle_reasons=("hw_power_brake_slowdown",)),
            ("GPU 2 of 2: slowed down (hw_power_brake_slowdown)",),
        ),
        (gpu(throttle_reasons=("sw_thermal_slowdown",)), ("GPU 2 of 2: slowed down (sw_thermal_slowdown)",)),
    ],
)
def test_what_counts_as_foreign_load(found, expected):
    assert expected == found.foreign_load


@pytest.mark.parametrize(("node", "expected"), [(8, True), (2, False), (None, False)])
def test_a_process_is_restricted_if_the_node_has_more_processors_than_it_may_use(node, expected):
    assert expected is phase(processors=2, node_processors=node).restricted


def test_both_phases_are_named():
    busy = phase(foreign_cpu_share=0.5)
    found = Conditions(train=phase(), inference=busy)
    assert ("inference: others used 50% of the processors' time",) == found.foreign_load


def test_a_record_with_conditions_is_read_back():
    conditions = Conditions(train=gpu(), inference=phase())
    found = record(conditions=conditions)
    assert found == Record.from_json(found.to_json())
    assert isinstance(found.conditions.train, PhaseConditions)
    assert isinstance(found.conditions.train.gpus[0], GpuConditions)


def test_an_older_record_has_none():
    plain = record().to_json()
    del plain["conditions"]
    assert Record.from_json(plain).conditions is None
