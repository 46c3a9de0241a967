"""The face for notebooks: light to import, and each method says what the command line says."""

import doctest
import importlib
import json
import subprocess
import sys
from dataclasses import asdict

import pandas as pd
import pytest

import redl
from redl.cli import main
from redl.errors import OptionError, RecordError
from tests.helpers.savings import run_of, save

HEAVY = ("torch", "numpy", "pandas", "scipy", "timm", "pydicom", "matplotlib", "msgspec", "pytest")


@pytest.fixture
def saved(tmp_path):
    """Save a run of five seeds in which amp is as good as its baseline and 8bit is worse."""
    return save(
        tmp_path / "run.json",
        *run_of(baseline={}, amp={"memory": 300_000_000, "wh": 3.0}, eight_bit={"lost": 12}),
    )


def test_the_import_loads_no_library():
    code = f"import sys, redl; print(sorted(set({HEAVY}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "[]" == done.stdout.strip()


@pytest.mark.parametrize("name", sorted(set(redl.__all__) - {"__version__"}))
def test_each_public_name_is_found_and_documented(name):
    assert getattr(redl, name).__doc__
    assert name in dir(redl)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'load_runs'"):
        _ = redl.load_runs


@pytest.mark.parametrize("module", ["redl", "redl.notebook"])
def test_the_examples_of_docstrings_run(module, saved):
    found = doctest.testmod(importlib.import_module(module), extraglobs={"saved": saved})
    assert 0 == found.failed
    assert found.attempted


def test_a_frame_has_one_row_a_case_and_the_records_figures(saved):
    run = redl.load_run(saved)
    frame = run.to_frame()
    assert list(run.records) == frame.index.tolist()
    for case, record in run.records.items():
        row = frame.loc[case]
        assert record.metrics.test.accuracy == row["test_accuracy"]
        assert record.memory.train_peak_bytes == row["train_peak_bytes"]
        assert record.energy.train.energy_wh == row["train_energy_wh"]
        assert (record.case.setting, record.case.seed) == (row["setting"], row["seed"])


def test_what_was_not_measured_is_missing_in_a_frame(tmp_path):
    run = redl.load_run(save(tmp_path / "run.json", *run_of(seeds=(1,), baseline={"wh": None})))
    assert pd.isna(run.to_frame()["train_energy_wh"].iloc[0])


@pytest.mark.parametrize(("given", "options"), [({}, []), ({"pool_seeds": True}, ["--pool-seeds"])])
def test_verdicts_are_those_of_the_command(saved, capsys, given, options):
    found = redl.load_run(saved).verdicts(margin=0.02, **given)
    main(["verdict", str(saved), "--margin=0.02", "--format=json", *options])
    told = json.loads(capsys.readouterr().out)
    assert [(one["setting"], one["outcome"], one["pooling"]) for one in told] == [
        (one.setting, str(one.outcome), None if one.pooling is None else asdict(one.pooling)) for one in found
    ]


def test_a_tradeoff_prints_the_tables_of_the_command(saved, capsys):
    found = redl.load_run(saved).tradeoff(margin=0.02)
    main(["tradeoff", str(saved), "--margin=0.02"])
    assert capsys.readouterr().out == str(found)
    (sentence,) = found.recommendations
    assert "amp" in sentence


def test_runs_compare_by_rules(saved, tmp_path):
    worse = save(tmp_path / "worse.json", *run_of(baseline={}, amp={"memory": 900_000_000}, eight_bit={}))
    comparison = redl.load_run(saved).compare(redl.load_run(worse), rules=["peak_memory:5%"])
    assert ["rsna-densenet-amp"] == [one.cell for one in comparison.changes if one.regressed]


@pytest.mark.parametrize("analysis", ["verdicts", "tradeoff"])
def test_a_margin_that_nothing_can_miss_is_refused(saved, analysis):
    with pytest.raises(OptionError, match="margin"):
        getattr(redl.load_run(saved), analysis)(margin=2)


def test_an_unknown_metric_is_refused_with_the_nearest_name(saved):
    with pytest.raises(OptionError, match=r"metric acuracy: unknown; did you mean accuracy\?"):
        redl.load_run(saved).verdicts(margin=0.02, metric="acuracy")


def test_a_file_that_is_no_run_is_refused(tmp_path):
    path = tmp_path / "run.json"
    path.write_text("{}")
    with pytest.raises(RecordError, match=r"run\.json"):
        redl.load_run(path)
