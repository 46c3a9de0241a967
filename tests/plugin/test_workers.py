"""Options of workers are refused before anything runs, and a run on workers saves what any run does."""

import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from redl.errors import OptionError
from redl.plugin.options.fleet import fleet_options
from redl.results.store import load_run
from tests.helpers.cluster import needs_two_cores

SUITE = Path(__file__).parents[2] / "benchmarks" / "test_training.py"
CHOSEN = ("--redl-profile=tiny", "-k", "test_training and rsna and mlp and (baseline or amp)")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--redl-workers=0"], "--redl-workers 0: give a whole number above 0, or auto"),
        (["--redl-workers=many"], "--redl-workers many: give a whole number above 0, or auto"),
        (["--redl-workers=100000"], "--redl-workers 100000: "),
        (["--redl-share"], "--redl-share: there are no workers that could share; add --redl-workers=N"),
        (
            ["--redl-workers=1", "--redl-dask=tcp://127.0.0.1:9"],
            "--redl-workers and --redl-dask: cases run here or on a cluster; leave one out",
        ),
    ],
)
def test_an_option_that_cannot_be_used_is_refused(pytester, options, words):
    result = pytester.runpytest(str(SUITE), "-p", "no:cacheprovider", *CHOSEN, *options)
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines([f"ERROR: {words}*"])


def test_without_dask_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr("redl.plugin.options.fleet.package_version", lambda name: None)
    given = {"redl_dask": "tcp://127.0.0.1:9", "redl_share": False, "redl_workers": None}
    with pytest.raises(OptionError, match=r"distributed is not installed; run pip install 'redl\[dask\]'"):
        fleet_options(SimpleNamespace(getoption=given.__getitem__))


@pytest.mark.slow
def test_a_run_without_a_scheduler_ends_in_one_line(pytester):
    options = [*CHOSEN, "--redl-dask=tcp://127.0.0.1:9", "-p", "no:cacheprovider"]
    result = pytester.runpytest_subprocess(str(SUITE), *options, timeout=120)
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    assert 1 == result.stdout.str().count("--redl-dask tcp://127.0.0.1:9: no scheduler answers")
    assert "Traceback" not in result.stdout.str() + result.stderr.str()


def saved(pytester, name, *options):
    words = [*CHOSEN, f"--redl-cache={pytester.path / 'cache'}", f"--benchmark-json={name}.json", *options]
    result = pytester.runpytest_subprocess(str(SUITE), "-p", "no:cacheprovider", *words, timeout=300)
    assert 0 == result.ret, result.stdout.str()
    return result, load_run(pytester.path / f"{name}.json")


def losses(record):
    return [(epoch.train_loss, epoch.valid_loss, epoch.valid_accuracy) for epoch in record.training.trace]


@pytest.mark.slow
@needs_two_cores
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system pins no process")
def test_two_workers_find_to_the_last_bit_what_one_core_finds(pytester):
    result, by_two = saved(pytester, "two", "--redl-workers=2")
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        _, by_one = saved(pytester, "one")
    finally:
        os.sched_setaffinity(0, before)
    assert by_one.records.keys() == by_two.records.keys()
    for case, record in by_one.records.items():
        other = by_two.records[case]
        assert record.metrics == other.metrics
        assert losses(record) == losses(other)
        assert record.environment["fingerprint"] == other.environment["fingerprint"]
    assert by_one.predictions == by_two.predictions
    assert {("workers", 1)} == {
        (one.placement.engine, one.placement.neighbours) for one in by_two.records.values()
    }
    result.stdout.fnmatch_lines(["*rsna-mlp-*epoch 1  loss *(* of 3 done, * running)*"])
    content = json.loads((pytester.path / "two.json").read_text())
    assert {"worker_clock"} == {one["options"]["timer"] for one in content["benchmarks"]}
    assert min(one["stats"]["min"] for one in content["benchmarks"]) > 0
