"""The sharing of a node: what of a component's energy is that of the case, and what is everybody's."""

import pytest

from redl.metering.sharing import apart
from redl.record import HERE, EnergyKind
from tests.helpers.changes import replace
from tests.helpers.samples import PHASE_CONDITIONS, component

ALONE = replace(HERE, engine="workers")
CONDITIONS = replace(PHASE_CONDITIONS, processors=2, node_processors=8, node_foreign_share=0.05)
CPU = replace(
    component("cpu", 2.0, "measured", "rapl_powercap"),
    scope="the whole node",
    counter_wh=2.0,
    ratio=1.0,
    windows=1,
    short_windows=0,
    warnings=("a warning",),
)
GPU = component("gpu", 5.0, "measured", "nvml_energy_counter")
ESTIMATE = component("cpu", 1.0, "estimated", "tdp_model")


def reason(component, *, placement=ALONE, **conditions):
    """Return why a component has no figure; it must then have none at all."""
    found = apart(component, placement, replace(CONDITIONS, **conditions))
    if found == component:
        return None
    assert (None, EnergyKind.UNAVAILABLE, None) == (found.energy_wh, found.kind, found.counter_wh)
    assert (None, None) == (found.carbontracker.energy_wh_raw, found.carbontracker.energy_wh_corrected)
    assert (None, None, None, None, None) == (
        found.sensor,
        found.scope,
        found.ratio,
        found.windows,
        found.short_windows,
    )
    return found.reason_unavailable


@pytest.mark.parametrize(("neighbours", "words"), [(1, "1 other worker"), (3, "3 other workers")])
def test_processors_that_other_workers_used_have_no_figure(neighbours, words):
    placement = replace(ALONE, neighbours=neighbours)
    assert f"the node's processors were shared with {words} of this run" == reason(CPU, placement=placement)


def test_a_gpu_keeps_its_figure_beside_other_workers():
    assert reason(GPU, placement=replace(ALONE, neighbours=3), node_foreign_share=0.9) is None


def test_a_sensor_of_the_whole_node_counts_nobody_who_was_kept_to_some_of_its_processors_and_not_alone():
    expected = "rapl_powercap counts the whole node, of whose busy processor time others used 11%"
    assert expected == reason(CPU, node_foreign_share=0.11)


@pytest.mark.parametrize("share", [0.0, 0.10, None])
def test_up_to_a_tenth_of_others_is_no_reason_nor_is_what_is_not_known(share):
    assert reason(CPU, node_foreign_share=share) is None


@pytest.mark.parametrize("node_processors", [2, None])
def test_a_process_that_may_use_all_processors_keeps_its_figure(node_processors):
    assert reason(CPU, node_processors=node_processors, node_foreign_share=0.9) is None


def test_an_estimate_by_the_own_time_counts_neither_strangers_nor_other_workers():
    assert reason(ESTIMATE, node_foreign_share=0.9) is None
    assert reason(ESTIMATE, placement=replace(ALONE, neighbours=3)) is None
