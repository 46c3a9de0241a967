"""Measuring: each sort once, and no sort ends the others."""

from redl.results.forecast.history import sort_asked
from redl.results.forecast.measuring import measure
from tests.helpers.changes import replace
from tests.helpers.forecasts import options, timed


def sort(model, setting="baseline", **changes):
    return sort_asked(replace(timed(model=model, setting=setting).case, **changes), options())


def test_each_sort_is_measured_and_told():
    told = []
    wanted = [sort("mlp"), sort("mlp", downsample=4)]
    found = measure(wanted, options(), lambda *done: told.append(done))
    assert (wanted, [(1, 2), (2, 2)]) == (list(found), told)
    assert all(rate.steps > 0 and rate.cases == 0 for rate in found.values())


def test_a_sort_that_cannot_be_measured_says_why_and_the_next_is_measured():
    unusable, usable = sort("mlp", "half"), sort("mlp")
    found = measure([unusable, usable], options(half_dtype="float16"), lambda *_: None)
    assert found[unusable].startswith("mlp with half: could not be measured: ")
    assert found[usable].steps > 0
