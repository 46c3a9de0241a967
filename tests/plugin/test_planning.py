"""What a plan is told from: the saved runs that were asked for, of the machine that would run the cases."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from redl.data.datasets import DataOptions
from redl.errors import OptionError, RecordError
from redl.execution.job import RunOptions
from redl.plugin.options.fleet import FleetOptions
from redl.plugin.options.planning import PlanOptions, plan_options
from redl.plugin.planning import plan
from redl.results.forecast.history import this_machine
from redl.study.profile import TINY
from tests.helpers.changes import replace
from tests.helpers.forecasts import timed
from tests.helpers.saved import save

RECIPE = replace(timed().recipe, image_size=TINY.image_size, batch_size=TINY.batch_size)
RECORD = timed(profile="tiny", recipe=RECIPE, environment=this_machine())


def options(tmp_path, *runs, fleet=None, **asked):
    return SimpleNamespace(
        plan=PlanOptions(runs=runs, named=True, **asked),
        fleet=fleet,
        run=RunOptions(profile=TINY),
        data=DataOptions(cache=tmp_path / "cache"),
    )


def test_without_a_case_there_is_nothing_to_plan(tmp_path):
    assert "no case is selected, so there is nothing to plan\n" == plan([], options(tmp_path), width=120)


def test_a_saved_run_tells_what_a_case_takes(tmp_path):
    save(tmp_path / "run.json", RECORD)
    words = plan([RECORD.case], options(tmp_path, tmp_path / "run.json"), width=120)
    (line,) = (line for line in words.splitlines() if "densenet" in line and "│" in line)
    assert ["densenet", "1", "1"] == [cell.strip() for cell in line.strip("│").split("│")][:3]


def test_a_named_run_that_is_damaged_is_refused(tmp_path):
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(RecordError, match="not a run saved by pytest-benchmark"):
        plan([RECORD.case], options(tmp_path, tmp_path / "run.json"), width=120)


def test_a_cluster_is_not_measured_from_here(tmp_path):
    fleet = FleetOptions(seats=(), dask="tcp://127.0.0.1:9", share=False)
    with pytest.raises(OptionError, match="a cluster's machines are not measured from here"):
        plan([RECORD.case], options(tmp_path, fleet=fleet, measures=True), width=120)


def configured(tmp_path, asked):
    given = {"redl_plan": asked, "benchmark_storage": None}
    return SimpleNamespace(
        getoption=lambda name, default=None: given.get(name, default),
        rootpath=tmp_path,
        invocation_params=SimpleNamespace(dir=tmp_path),
    )


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (None, None),
        ("", (["0001_one.json", "0002_two.json"], False, False)),
        ("measure", (["0001_one.json", "0002_two.json"], False, True)),
        ("two", (["0002_two.json"], True, False)),
    ],
)
def test_all_saved_runs_tell_unless_some_are_named(tmp_path, monkeypatch, asked, expected):
    monkeypatch.chdir(tmp_path)
    folder = Path("reports") / "here"
    folder.mkdir(parents=True)
    for name in ("0001_one.json", "0002_two.json", "notes.json"):
        save(folder / name, RECORD)
    monkeypatch.setattr("redl.plugin.options.planning.reports_of", lambda config: Path("reports"))
    found = plan_options(configured(tmp_path, asked))
    assert expected == (found and ([run.name for run in found.runs], found.named, found.measures))
