"""Reports of a comparison: what is shown, and that nothing in it can break out of its form."""

import json

import numpy as np

from redl.results.gate.comparison import compare
from redl.results.gate.report import as_annotations, as_json, as_markdown, as_table, summary
from tests.helpers.changes import replace
from tests.helpers.saved import band_of, finished, reference_of, rules, run_of

RULES = rules("accuracy:0.02", "peak_memory:5%", "energy:25%")


def comparison(**after):
    base = run_of(finished(), finished("amp", accuracy=0.8), name="0003_main.json")
    return compare(base, run_of(finished(**after), finished("amp", accuracy=0.9)), rules("accuracy:0.02"))


def test_a_table_shows_first_what_regressed():
    text = as_table(comparison(accuracy=0.8), width=120, changed_only=True)
    regressed, improved = (
        next(line for line in text.splitlines() if word in line) for word in ("regressed ", "improved ")
    )
    for cell in ("rsna-densenet-baseline", "accuracy", "0.900", "0.800", "-0.100", "-0.020"):
        assert cell in regressed
    assert text.index(regressed) < text.index(improved)
    assert "to make this run the baseline: redl baseline set RUN" in text


def test_what_did_not_change_is_left_out_where_only_changes_are_wanted():
    whole = as_table(comparison(), width=120, changed_only=False)
    assert "rsna-densenet-baseline" in whole
    assert "rsna-densenet-baseline" not in as_table(comparison(), width=120, changed_only=True)


def test_bytes_are_shown_in_megabytes():
    found = compare(
        run_of(finished(peak=100_000_000)), run_of(finished(peak=120_000_000)), rules("peak_memory:5%")
    )
    text = as_table(found, width=120, changed_only=True)
    for cell in ("100.0 MB", "120.0 MB", "+20.0 MB", "+5.0 MB"):
        assert cell in text


def test_a_line_sums_it_up():
    assert "regressed: 2 figures of 2 cases against 0003_main.json, 1 regressed, 1 improved" == summary(
        comparison(accuracy=0.8)
    )


def test_faults_have_a_line_each_in_every_format():
    found = compare(run_of(finished(), finished("amp")), run_of(finished()), rules("accuracy:0.02"))
    fault = "rsna-densenet-amp-seed1: is in the baseline and not in this run"
    assert fault in as_table(found, width=120, changed_only=True).splitlines()
    assert f"- {fault}" in as_markdown(found).splitlines()
    assert f"::error title=redl::{fault}" in as_annotations(found).splitlines()
    assert [fault] == json.loads(as_json(found))["faults"]
    assert "not comparable" in summary(found)


def test_a_regression_and_what_could_not_be_compared_are_both_shown():
    base, new = run_of(finished(), finished("amp")), run_of(finished(accuracy=0.5))
    found = compare(base, new, rules("accuracy:0.02"))
    assert (
        "regressed: 1 figure of 1 case against a.json, 1 regressed, 0 improved, 1 could not be compared"
        == (summary(found))
    )
    text = as_table(found, width=120, changed_only=True)
    assert "regressed " in text
    assert "rsna-densenet-amp-seed1: is in the baseline and not in this run" in text
    assert 2 == sum(line.startswith("::error") for line in as_annotations(found).splitlines()[:-1])


def test_json_has_every_change_with_its_unit_and_direction():
    (baseline, _) = json.loads(as_json(comparison(accuracy=0.8)))["changes"]
    assert "regressed" == baseline["state"]
    assert (True, "", 0.02) == tuple(baseline[name] for name in ("higher_is_better", "unit", "allowed"))


def test_markdown_has_a_row_for_every_change():
    lines = as_markdown(comparison(accuracy=0.8)).splitlines()
    assert "| case | figure | expected | after | change | allowed |  |" in lines
    assert 2 == sum(line.startswith("| rsna-") for line in lines)


def test_names_cannot_break_out_of_markdown_or_annotations():
    base = run_of(finished(), name="a|b<script>\n::error::%0A.json")
    found = compare(base, run_of(finished()), rules("accuracy:0.02"))
    assert "<script>" not in as_markdown(found)
    assert "a\\|b" in as_markdown(found)
    annotations = as_annotations(found).splitlines()
    assert 2 == len(annotations)  # bits, and the whole
    assert " ::error::%250A" in annotations[1]


def test_annotations_are_errors_where_something_regressed():
    lines = as_annotations(comparison(accuracy=0.8)).splitlines()
    assert lines[0].startswith(
        "::error title=redl::rsna-densenet-baseline: accuracy regressed, 0.900 -> 0.800"
    )
    assert lines[1].startswith("::notice title=redl::rsna-densenet-amp: accuracy improved")


def test_it_is_said_which_fall_would_have_been_found():
    cases = [finished(setting, accuracy=0.92) for setting in ("baseline", "amp", "8bit")]
    order = np.random.default_rng(0)
    scores = np.array([-0.02, -0.01, 0.0, 0.01, 0.02] * 2)
    reference = reference_of(
        *(band_of(c, (0.92 + width * order.permutation(scores)).tolist()) for width, c in enumerate(cases, 1))
    )
    found = compare(run_of(*cases), run_of(*cases), rules("accuracy:noise"), reference=reference)
    by_cells = {change.cells: [] for change in found.changes}
    for change in found.changes:
        by_cells[change.cells].append(change.detectable)
    low, high, (whole,) = min(by_cells[1]), max(by_cells[1]), by_cells[3]
    middle = sorted(by_cells[1])[1]
    expected = (
        f"accuracy: found with 90 % would be a fall of {low:.3f} to {high:.3f} (median {middle:.3f}) in a "
        f"single case, of {whole:.3f} in all of them"
    )
    assert expected in as_table(found, width=120, changed_only=True).splitlines()
    assert f"- {expected}" in as_markdown(found).splitlines()
    assert f"::notice title=redl::{expected.replace('%', '%25')}" in as_annotations(found).splitlines()
    (row,) = [change for change in json.loads(as_json(found))["changes"] if change["cells"] == 3]
    assert whole == row["detectable"]


def test_runs_that_computed_the_same_are_called_identical():
    case = finished()
    answers = {case.case.id: "equal"}
    base, new = (replace(run_of(case), read_predictions=lambda: answers) for _ in range(2))
    found = compare(base, new, rules("accuracy:0.02"))
    line = "identical: 1 case gave the baseline's losses and answers, digit for digit"
    assert line in as_table(found, width=120, changed_only=True).splitlines()
    assert {"identical": 1, "moved": [], "unknown": []} == json.loads(as_json(found))["bits"]
