"""Machines: which records come from one, whatever their model, data and commit, and by what others differ."""

import pytest

from redl.results.machine import apart_words, machine_of, machines_of, same_machine
from tests.helpers.changes import replace
from tests.helpers.samples import ELSEWHERE, WHOLE, broken

HERE = {"fingerprint": "0" * 16, "cpu": "a", "usable_cores": 2, "git_commit": None, "memory_bytes": 7}


def on(**changes):
    return replace(WHOLE, environment=HERE | changes)


@pytest.mark.parametrize("change", [{"cpu": "b"}, {"usable_cores": 1}, {"torch": "2.0"}])
def test_another_processor_number_of_cores_or_library_is_another_machine(change):
    assert not same_machine(on(), on(**change))


@pytest.mark.parametrize("change", [{"fingerprint": "1" * 16}, {"git_commit": "f"}, {"memory_bytes": 8}])
def test_what_differs_between_cases_and_commits_is_the_same_machine(change):
    assert same_machine(on(), on(**change))


def test_the_order_of_entries_does_not_matter():
    assert machine_of(on()) == machine_of(replace(WHOLE, environment=dict(reversed(HERE.items()))))


def test_a_record_that_ended_early_is_of_no_machine():
    assert frozenset() == machines_of([broken()])


def test_machines_are_told_apart_by_the_names_of_what_differs():
    assert "cpu, usable_cores" == apart_words([on(), on(cpu="b", usable_cores=4), broken()])
    assert "" == apart_words([on(), on()])
    assert "cpu" == apart_words([WHOLE, replace(WHOLE, environment=ELSEWHERE)])
