"""A plan: it runs nothing, prepares nothing, saves nothing, and says what saved runs tell."""

import pytest

from redl.fleet.seat import seats
from redl.results.forecast.history import this_machine
from redl.study.profile import TINY
from tests.helpers.changes import replace
from tests.helpers.forecasts import timed
from tests.helpers.saved import save

SUITE = """
    def test_training(benchmark, redl_case_process, redl_keep):
        open("ran", "w").close()
        benchmark.pedantic(redl_case_process.train, rounds=1, iterations=1)
        redl_keep(redl_case_process)
"""
CHOSEN = ("--redl-profile=tiny", "-k", "rsna and densenet and baseline")


def plan(pytester, *options, expression=CHOSEN):
    pytester.makepyfile(SUITE)
    cache = f"--redl-cache={pytester.path / 'cache'}"
    return pytester.runpytest_subprocess(*expression, *(options or ["--redl-plan"]), cache)


def own_record(*, cores=None, **changes):
    """Return the record of a tiny case that this machine could have run, or a worker with so many cores."""
    recipe = replace(timed().recipe, image_size=TINY.image_size, batch_size=TINY.batch_size)
    environment = this_machine() | ({} if cores is None else {"usable_cores": cores})
    return timed(profile="tiny", recipe=recipe, environment=environment, **changes)


def test_a_plan_runs_nothing_and_leaves_nothing(pytester):
    result = plan(pytester, "--redl-plan", "--benchmark-autosave", "--redl-report=report")
    assert pytest.ExitCode.OK == result.ret
    left = [path.name for path in pytester.path.iterdir() if path.name in {"ran", "cache", "report"}]
    assert [] == left + list(pytester.path.rglob("*.json"))


def test_what_no_run_tells_is_unknown(pytester):
    plan(pytester).stdout.fnmatch_lines(["*unknown: 1 case (densenet: a setting that was never*)*"])


def test_a_saved_run_of_this_machine_tells_what_a_case_takes(pytester):
    save(pytester.path / "reports" / "here" / "0001_run.json", own_record())
    # 54 images at 10 a second; 34 answers for validation, 42 of one pass and two rounds, at 100 a second; 3
    # passes of one image at 0.02 s: 6.23 s.
    plan(pytester).stdout.fnmatch_lines(["*densenet*1*1*0.00173*unknown*unknown*512*"])


def test_with_workers_a_run_of_such_workers_tells_it(pytester):
    cores = this_machine()["usable_cores"] * 100
    save(pytester.path / "reports" / "here" / "0001_run.json", own_record(per_s=1.0, cores=cores))
    workers = len(seats(2, share=True)[0].processors)
    save(pytester.path / "reports" / "here" / "0002_run.json", own_record(cores=workers))
    asked = ("--redl-plan", "--redl-workers=2", "--redl-share")
    plan(pytester, *asked).stdout.fnmatch_lines(["*densenet*1*1*0.00173*"])


def test_a_cluster_is_not_measured_from_here(pytester):
    result = plan(pytester, "--redl-plan=measure", "--redl-dask=tcp://127.0.0.1:9")
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    message = (
        "--redl-plan: a cluster's machines are not measured from here; measure on one, by --redl-workers"
    )
    result.stderr.fnmatch_lines([f"ERROR: {message}"])


def test_a_run_can_be_named(pytester):
    save(pytester.path / "reports" / "here" / "0001_run.json", own_record(per_s=1.0))
    save(pytester.path / "reports" / "here" / "0002_run.json", own_record())
    plan(pytester, "--redl-plan=2").stdout.fnmatch_lines(["*densenet*1*1*0.00173*"])


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("--redl-plan=7", "*7: no such file, baseline or saved run*"),
        ("--redl-plan=damaged.json", "*--redl-plan: damaged.json: not a run saved by pytest-benchmark*"),
    ],
)
def test_a_run_that_cannot_be_used_is_one_line(pytester, asked, message):
    pytester.path.joinpath("damaged.json").write_text("{")
    result = plan(pytester, asked)
    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines([f"ERROR: {message}"])
    assert "Traceback" not in result.stdout.str() + result.stderr.str()


def test_without_a_case_the_status_is_pytests_own(pytester):
    result = plan(pytester, expression=("-k", "nothing"))
    assert pytest.ExitCode.NO_TESTS_COLLECTED == result.ret


def test_tests_that_are_not_redls_are_not_run_either(pytester):
    pytester.makepyfile(test_own="def test_own(): open('ran', 'w').close()")
    result = pytester.runpytest_subprocess("--redl-plan")
    assert (pytest.ExitCode.OK, False) == (result.ret, pytester.path.joinpath("ran").exists())
    result.stdout.fnmatch_lines(["no case is selected, so there is nothing to plan"])


def test_a_file_that_cannot_be_collected_is_an_error_with_a_plan_too(pytester):
    pytester.makepyfile(test_own="import nothing_of_that_name")
    assert pytest.ExitCode.INTERRUPTED == plan(pytester).ret


def test_a_plan_makes_no_check_of_what_did_not_run(pytester):
    result = plan(pytester, "--redl-plan", "--redl-verdict=0.02", "--redl-save-reference=reference.json")
    assert (pytest.ExitCode.OK, False) == (result.ret, pytester.path.joinpath("reference.json").exists())


def test_what_no_run_tells_is_measured_if_that_is_asked_for(pytester):
    chosen = ("--redl-profile=tiny", "-k", "rsna and mlp and amp")
    result = plan(pytester, "--redl-plan=measure", expression=chosen)
    assert (pytest.ExitCode.OK, False) == (result.ret, pytester.path.joinpath("ran").exists())
    result.stdout.fnmatch_lines(["*measured: 2 cases of 2 kinds, each by * training steps on noise*"])
    result.stdout.no_fnmatch_line("unknown: *")
    assert not pytester.path.joinpath("cache").exists()


def test_what_a_saved_run_tells_is_not_measured(pytester):
    save(pytester.path / "reports" / "here" / "0001_run.json", own_record())
    plan(pytester, "--redl-plan=measure").stdout.no_fnmatch_line("*training steps on noise*")


def test_a_model_that_cannot_be_measured_is_one_line(pytester):
    chosen = ("--redl-profile=tiny", "--redl-half-dtype=float16", "-k", "rsna and mlp-half-seed1")
    result = plan(pytester, "--redl-plan=measure", expression=chosen)
    assert pytest.ExitCode.OK == result.ret
    result.stdout.fnmatch_lines(["*unknown: 1 case (mlp with half: could not be measured: *broke down*"])
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
