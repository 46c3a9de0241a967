"""The gate inside pytest: what fails a run at its end, without training anything."""

import json

import pytest

import redl.results.noninferiority.verdict  # noqa: F401 - an inner run forgets it, and numpy can be imported once
from redl.results.gate.baseline import set_baseline
from tests.helpers.saved import finished, save

# A suite whose cases answer at once: what they score is in a file, a case that is not there is skipped.
SUITE = """
import json
from pathlib import Path
import pytest
from redl.record import Predictions, Record

class Answered:
    def __init__(self, record):
        self.record = record
    def finish(self):
        return self.record
    def predictions(self):
        return Predictions(subjects=(0, 1), labels=(0, 1), probabilities=(0.1, 0.9))

def test_training(redl_case, redl_keep, benchmark):
    found = json.loads(Path("found.json").read_text())
    if redl_case.id not in found:
        pytest.skip("no such answer")
    benchmark.pedantic(int, rounds=1)
    redl_keep(Answered(Record.from_json(found[redl_case.id])))
"""
BASE = [finished(), finished("amp"), finished("8bit")]
RUN = ("-k", "rsna and densenet and (baseline or amp or 8bit) and not half and not stable and not amp+8bit")


@pytest.fixture
def suite(pytester):
    """Return what runs the suite with records as its answers, compared with a run that was saved before."""
    pytester.makepyfile(test_suite=SUITE)
    save(pytester.path / "reports" / "Linux" / "0001_base.json", *BASE)

    def run(records, *arguments):
        found = {record.case.id: record.to_json() for record in records}
        (pytester.path / "found.json").write_text(json.dumps(found))
        return pytester.runpytest("-p", "no:cacheprovider", *RUN, *arguments)

    return run


def test_an_equal_run_passes(suite):
    result = suite(BASE, "--redl-compare=base", "--redl-fail=accuracy:0.02", "--redl-fail=peak_memory:5%")
    assert 0 == result.ret
    result.stdout.fnmatch_lines(["fine: 6 figures of 3 cases against 0001_base.json, 0 regressed*"])


def test_a_worse_run_fails_at_the_end_with_a_table_of_what_regressed(suite):
    worse = [finished(peak=600_000_000), finished("amp", accuracy=0.8), finished("8bit")]
    result = suite(worse, "--redl-compare=base", "--redl-fail=accuracy:0.02", "--redl-fail=peak_memory:5%")
    assert 1 == result.ret
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(
        [
            "*case*figure*expected*after*change*allowed*",
            "*rsna-densenet-baseline*peak_memory*512.0 MB*600.0 MB*+88.0 MB*+25.6 MB*regressed*",
            "*rsna-densenet-amp *accuracy*0.900*0.800*-0.100*-0.020*regressed*",
            "regressed: 6 figures of 3 cases*2 regressed*",
        ]
    )
    assert "8bit " not in "".join(line for line in result.outlines if "MB" in line)


def test_an_improvement_is_reported_with_the_command_that_sets_the_baseline(suite):
    better = [finished(accuracy=0.95), finished("amp"), finished("8bit")]
    result = suite(better, "--redl-compare=base", "--redl-fail=accuracy:0.02")
    assert 0 == result.ret
    result.stdout.fnmatch_lines(["*improved*", "to make this run the baseline: redl baseline set RUN"])


def test_a_skipped_case_fails(suite):
    result = suite(BASE[:2], "--redl-compare=base", "--redl-fail=accuracy:0.02")
    assert 1 == result.ret
    result.stdout.fnmatch_lines(["rsna-densenet-8bit-seed1: was to run and left no record; it was skipped*"])


def test_a_baseline_case_that_no_test_has_any_more_fails(suite, pytester):
    save(pytester.path / "reports" / "Linux" / "0001_base.json", *BASE, finished("gone"))
    result = suite(BASE, "--redl-compare=base", "--redl-fail=accuracy:0.02")
    assert 1 == result.ret
    result.stdout.fnmatch_lines(["rsna-densenet-gone-seed1: is in the baseline and not in this run"])


def test_cases_that_were_deselected_are_counted(suite, pytester):
    save(pytester.path / "reports" / "Linux" / "0001_base.json", *BASE, finished("amp", model="mlp"))
    result = suite(BASE, "--redl-compare=base", "--redl-fail=accuracy:0.02")
    assert 0 == result.ret
    result.stdout.fnmatch_lines(["fine: 3 figures of 3 cases*; 1 case deselected"])


def test_a_case_of_which_another_test_was_left_out_is_to_run_all_the_same(suite, pytester):
    (pytester.path / "test_other.py").write_text("def test_inference(redl_case): pass\n")
    result = suite(BASE, "--redl-compare=base", "--redl-fail=accuracy:0.02", "--deselect=test_other.py")
    result.stdout.fnmatch_lines(["fine: 3 figures of 3 cases against 0001_base.json, 0 regressed*"])


def test_nothing_to_compare_fails(suite):
    result = suite([], "--redl-compare=base", "--redl-fail=accuracy:0.02")
    assert 1 == result.ret
    result.stdout.fnmatch_lines(["there is no case to compare"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--redl-compare"], "no baseline smoke in *; set one by `redl baseline set RUN`"),
        (["--redl-compare=0007"], "0007: no such file, baseline or saved run"),
        (["--redl-compare=empty.json"], "empty.json: not a run saved by pytest-benchmark"),
        (["--redl-compare=base", "--redl-reference=empty.json"], "empty.json: no JSON; write it anew"),
        (["--redl-fail=accuracy:0.02"], "--redl-fail=accuracy:0.02: needs --redl-compare"),
        (["--redl-compare=base", "--redl-fail=accuracy"], "'accuracy': no rule; write FIGURE:TOLERANCE"),
        (["--redl-compare=base", "--redl-fail=accuracy:2"], "'accuracy:2': accuracy lies between 0 and 1"),
        (["--redl-verdict=2"], "--redl-verdict 2: give a margin above 0 and below 1, e.g. 0.02 or 2%"),
        (["--redl-verdict=100%"], "--redl-verdict 100%: give a margin above 0 and below 1"),
        (
            ["--redl-verdict=0.02", "--redl-verdict-metric=f1"],
            "--redl-verdict-metric f1: unknown; use one of acc",
        ),
        (
            ["--redl-verdict=0.02", "--redl-verdict-metric=acuracy"],
            "--redl-verdict-metric acuracy: unknown; did you mean accuracy[?] use one of acc",
        ),
        (
            ["--redl-verdict-pool-seeds"],
            "--redl-verdict-pool-seeds: needs --redl-verdict, which gives the margin",
        ),
    ],
)
def test_what_cannot_be_gated_is_one_line_before_anything_runs(suite, pytester, arguments, message):
    (pytester.path / "empty.json").touch()
    result = suite(BASE, *arguments)
    assert 4 == result.ret
    result.stderr.fnmatch_lines([f"ERROR: *{message}*"])
    assert "Traceback" not in str(result.stderr) + str(result.stdout)


def test_the_baseline_is_read_before_the_run_is_saved(suite, pytester):
    """Otherwise a name that the run itself is saved under would compare it with itself."""
    storage = ["--benchmark-storage=file://./reports", "--benchmark-save=base"]
    worse = [finished(accuracy=0.7), finished("amp"), finished("8bit")]
    result = suite(worse, "--redl-compare=base", "--redl-fail=accuracy:0.02", *storage)
    assert 1 == result.ret
    assert 2 == len(list((pytester.path / "reports").rglob("*_base.json")))


def test_a_regressed_run_does_not_become_the_next_baseline(suite, pytester):
    set_baseline(pytester.path / "reports" / "Linux" / "0001_base.json", pytester.path / "reports")
    storage = ["--benchmark-storage=file://./reports", "--benchmark-autosave"]
    worse = [finished(accuracy=0.7), finished("amp"), finished("8bit")]
    for _ in range(2):
        assert 1 == suite(worse, "--redl-compare", "--redl-fail=accuracy:0.02", *storage).ret


def test_a_saved_run_says_which_cases_were_to_run(suite, pytester):
    suite(BASE[:2], "--benchmark-json=new.json")
    saved = json.loads((pytester.path / "new.json").read_text())["redl"]
    assert "rsna-densenet-8bit-seed1" in saved["collected"]
    assert "lidc-mlp-half-seed1" in saved["deselected"]


def test_the_junit_report_has_every_figure_and_the_gates_end(suite, pytester):
    suite(BASE, "--redl-compare=base", "--redl-fail=accuracy:0.02", "--junit-xml=junit.xml")
    report = (pytester.path / "junit.xml").read_text()
    assert '<property name="redl_accuracy" value="0.9"' in report
    assert '<property name="redl_peak_memory" value="512000000"' in report
    assert '<property name="redl_gate" value="fine: 3 figures of 3 cases' in report


def test_only_collecting_is_not_gated(suite):
    assert 0 == suite(BASE, "--redl-compare=base", "--redl-fail=accuracy:0.02", "--collect-only", "-q").ret


def test_a_verdict_that_is_inconclusive_fails_and_says_so(suite):
    result = suite(BASE, "--redl-verdict=0.02")
    assert 1 == result.ret
    result.stdout.fnmatch_lines(["verdicts: 0 non-inferior, 0 degraded, 2 inconclusive"])


def test_a_margin_may_be_a_percentage(suite):
    result = suite(BASE, "--redl-verdict=2%")
    result.stdout.fnmatch_lines(["accuracy, margin 0.02*"])


def test_seed_variance_is_pooled_where_that_is_asked_for(suite):
    why = "rsna densenet amp, 8bit: seed variance needs 3 seeds in both arms to be pooled."
    assert why not in str(suite(BASE, "--redl-verdict=2%").stdout)
    assert why in str(suite(BASE, "--redl-verdict=2%", "--redl-verdict-pool-seeds").stdout)


def test_the_default_gate_without_a_reference_fails_but_shows_regressions(suite):
    larger = [finished(peak=900_000_000), finished("amp"), finished("8bit")]
    result = suite(larger, "--redl-compare=base")
    assert 1 == result.ret
    result.stdout.fnmatch_lines(
        ["*rsna-densenet-baseline*peak_memory*regressed*", "regressed: *1 regressed*could not be compared"]
    )


def test_nothing_to_judge_fails_a_verdict(suite):
    result = suite(BASE[:1], "--redl-verdict=0.02")
    assert 1 == result.ret
    result.stdout.fnmatch_lines(["--redl-verdict: *"])
