"""Placement: where a case ran, which has no impossible values, and what it says of time and energy."""

import pytest

from redl.errors import RecordError
from redl.record import HERE, Record
from tests.helpers.changes import replace
from tests.helpers.samples import WHOLE


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"engine": "ray"}, "invalid enum value 'ray'"),
        ({"attempt": 0}, "expected int >= 1"),
        ({"neighbours": -1}, "expected int >= 0"),
        ({"queued_seconds": -0.5}, "a figure is not finite, or below 0; write null and a reason"),
        ({"node": None}, "expected str, got null"),
        ({"shared": None}, "expected bool, got null"),
    ],
)
def test_an_impossible_placement_is_refused_by_name(change, fault):
    plain = replace(WHOLE, placement=HERE).to_json()
    plain["placement"] |= change
    with pytest.raises(RecordError, match=rf"^record\.placement\.{next(iter(change))}: {fault}"):
        Record.from_json(plain)


def test_labels_are_fit_to_be_printed():
    placement = replace(HERE, node="node\x1b[2J 2", device="GPU 1\nof 4")
    assert ("node[2J 2", "GPU 1 of 4") == (placement.node, placement.device)


@pytest.mark.parametrize("phase", [{}, {"inference": True}])
@pytest.mark.parametrize("conditions", [WHOLE.conditions, None])
def test_cases_that_shared_processors_or_a_gpu_ran_under_load(conditions, phase):
    shared = replace(WHOLE, conditions=conditions, placement=replace(HERE, shared=True))
    assert True is shared.under_load(**phase)


def test_a_case_with_neighbours_on_other_processors_did_not_run_under_load():
    beside = replace(WHOLE, placement=replace(HERE, engine="workers", neighbours=3))
    assert (False, False) == (beside.under_load(), beside.under_load(inference=True))
