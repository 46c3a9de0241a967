"""The process of a case: what it writes into the record, where the case ran and how long it took."""

from functools import partial
from itertools import count

import pytest

from redl.execution.case_process import CaseProcess
from redl.record import HERE, Status
from tests.helpers import fates
from tests.helpers.changes import replace
from tests.helpers.fates import CASE, case_process, get_killed, live, steps

PLACEMENT = replace(HERE, engine="workers", node="node 2", device="2 processors", attempt=2, neighbours=1)


@pytest.fixture
def begun():
    """Return a function that begins a case there, by a clock that shows 1, 2, 4, 8 ... seconds."""
    running = []

    def begin(fate, **options):
        ticks = (2.0**look for look in count())
        process = CaseProcess(
            CASE,
            partial(steps, fate),
            timeout_s=60.0,
            on_epoch=lambda epoch: None,
            placement=PLACEMENT,
            now=lambda: next(ticks),
            **options,
        )
        running.append(process)
        return process

    yield begin
    for process in running:
        process.close()


def test_a_record_says_where_the_case_ran_and_how_long_its_process_took(begun):
    assert replace(PLACEMENT, process_seconds=1.0) == begun(live).finish().placement


def test_the_time_is_that_of_the_process_which_brought_the_record(begun, tmp_path):
    process = begun(partial(fates.once, tmp_path / "mark", get_killed), retries=1)
    record = process.finish()
    assert [Status.KILLED] == [attempt.status for attempt in record.earlier_attempts]
    assert 4.0 - 2.0 == record.placement.process_seconds


def test_a_broken_case_says_where_it_ran_and_no_time(begun):
    assert PLACEMENT == begun(get_killed).finish().placement


def test_a_case_runs_here_by_default():
    process = case_process(live)
    found = process.finish().placement
    process.close()
    assert replace(HERE, process_seconds=found.process_seconds) == found
