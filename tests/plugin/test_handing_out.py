"""Which cases workers are given, with what, and in which order."""

import math
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from redl.data.datasets import DataOptions
from redl.deployment.runtime import Runtime, Serving
from redl.errors import OptionError
from redl.execution.job import Job, RunOptions
from redl.execution.stamp import environment_here
from redl.fleet.local import LocalEngine
from redl.fleet.seat import Seat
from redl.plugin import handing_out
from redl.plugin.handing_out import expected_seconds, tasks_of
from redl.plugin.options.fleet import FleetOptions
from redl.plugin.planning import _machine, _where
from redl.plugin.session import Wanted
from redl.results.forecast.history import this_machine
from redl.study.profile import TINY
from tests.helpers.changes import replace
from tests.helpers.forecasts import timed
from tests.helpers.saved import finished, save

ONE_CORE = Seat(processors=(0,))


def case(seed=1, model="densenet"):
    return finished(seed=seed, model=model).case


def session(*wanted, exports=None):
    return SimpleNamespace(
        wanted={one.case.id: one for one in wanted},
        stamps={one.case.id: SimpleNamespace(data=f"data {one.case.seed}") for one in wanted},
        options=SimpleNamespace(
            data=DataOptions(cache=Path("cache")), deployment=SimpleNamespace(exports=exports)
        ),
    )


def job_of(case):
    return Job(case=case, prepared=Path("p"), options=RunOptions(profile=TINY))


def test_each_case_that_a_test_wants_is_a_task_with_its_data():
    found = tasks_of(session(Wanted(case=case(1)), Wanted(case=case(2))), {}, job_of)
    assert [(case(1), "data 1"), (case(2), "data 2")] == [(one.job.case, one.fingerprint) for one in found]
    assert {(False, Path.cwd())} == {(one.keeps_exports, one.below) for one in found}


def test_what_an_earlier_run_has_is_none():
    found = tasks_of(session(Wanted(case=case(1)), Wanted(case=case(2))), {case(1).id}, job_of)
    assert [case(2).id] == [one.case for one in found]


@pytest.mark.parametrize(("missing", "expected"), [([], ["torch", "onnx"]), (["onnx"], ["torch"])])
def test_runtimes_whose_packages_are_missing_are_left_to_the_tests_to_skip(monkeypatch, missing, expected):
    monkeypatch.setattr("redl.deployment.runtime.missing_packages", lambda: missing)
    servings = [Serving(runtime=Runtime.TORCH), Serving(runtime=Runtime.ONNX)]
    (found,) = tasks_of(session(Wanted(case=case(), servings=servings), exports=Path("e")), {}, job_of)
    assert expected == [one.name for one in found.servings]
    assert found.keeps_exports


def seconds_of(tmp_path, *cases, environment=None):
    options = SimpleNamespace(run=RunOptions(profile=TINY), data=DataOptions(cache=Path("cache")))
    return expected_seconds(cases, options, tmp_path, environment or environment_here())


def test_what_no_run_tells_may_be_long(tmp_path):
    assert {case().id: math.inf} == seconds_of(tmp_path, case())


def test_a_saved_run_of_such_workers_tells_how_long_a_case_takes(tmp_path):
    recipe = replace(timed().recipe, image_size=TINY.image_size, batch_size=TINY.batch_size)
    (tmp_path / "here").mkdir()
    record = timed(profile="tiny", recipe=recipe, environment=this_machine())
    save(tmp_path / "here" / "0001_run.json", record)
    (known,) = seconds_of(tmp_path, record.case).values()
    assert 0 < known < math.inf
    other = environment_here() | {"usable_cores": 10_000}
    assert [math.inf] == list(seconds_of(tmp_path, record.case, environment=other).values())


def test_workers_of_this_machine_have_the_seats_that_were_chosen():
    options = FleetOptions(seats=(ONE_CORE,), dask=None, share=False)
    engine = handing_out._engine(options, lambda event: None)
    assert isinstance(engine, LocalEngine)
    assert 1 == engine.environment()["usable_cores"]
    engine.close()


def test_a_cluster_that_cannot_be_used_is_refused_before_anything_is_handed_out():
    options = FleetOptions(seats=(), dask="tcp://10.0.0.1:8786", share=False)
    with pytest.raises(OptionError, match="whoever reaches this scheduler can run code there"):
        handing_out._engine(options, lambda event: None)
    with pytest.raises(OptionError, match="whoever reaches this scheduler can run code there"):
        _machine(options)


def test_a_plan_is_of_the_machine_that_a_worker_has():
    assert this_machine() == _machine(None)
    assert 1 == _machine(FleetOptions(seats=(ONE_CORE,), dask=None, share=False))["usable_cores"]


def test_steps_are_measured_where_a_worker_would_be(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    with _where(FleetOptions(seats=(ONE_CORE,), dask=None, share=False)):
        assert "1" == os.environ["OMP_NUM_THREADS"]
    with _where(None):
        assert "4" == os.environ["OMP_NUM_THREADS"]
