"""`redl tradeoff`: a saved run in, tables or JSON out, and one line for what cannot be."""

import json

import pytest

from redl.cli import main
from tests.helpers.changes import replace
from tests.helpers.savings import run_of, save


@pytest.fixture
def saved(tmp_path):
    return save(tmp_path / "run.json", *run_of(baseline={}, amp={"wh": 2.0, "memory": 300_000_000}))


def printed(capsys, *arguments):
    """Return what the command writes to stdout; its status must be 0."""
    assert 0 == main(["tradeoff", *map(str, arguments)])
    return capsys.readouterr().out


def test_a_run_is_laid_out_with_a_recommendation(saved, capsys):
    text = printed(capsys, saved, "--margin=0.02")
    assert "Trade-off of densenet on rsna" in text
    assert "amp may replace the baseline" in text


def test_json_is_what_a_program_reads(saved, capsys):
    (found,) = json.loads(printed(capsys, saved, "--margin=2%", "--format", "json"))
    assert "amp" == found["recommended"]
    assert [0.01, 0.1, 1.0, 10.0, 100.0, 1000.0] == found["plan"]["lambdas_wh"]
    assert (0.5, 10_000, 2000) == (found["plan"]["threshold"], found["plan"]["patients"], found["draws"])
    assert ("accuracy", 0.02) == (found["metric"], found["verdicts"][0]["margin"])


def test_options_are_what_is_computed_with(saved, capsys):
    given = (
        "--margin=5%",
        "--metric=auc",
        "--threshold=0.2",
        "--patients=50",
        "--lambda=0.5,2",
        "--thresholds=0.1-0.3",
        "--price-per-kwh=0.25CHF",
        "--format=json",
    )
    (found,) = json.loads(printed(capsys, saved, *given))
    plan = found["plan"]
    thresholds = plan.pop("thresholds")
    assert (101, 0.1, 0.3) == (len(thresholds), thresholds[0], thresholds[-1])
    assert {
        "threshold": 0.2,
        "error_costs": None,
        "patients": 50,
        "lambdas_wh": [0.5, 2.0],
        "price": {"per_kwh": 0.25, "currency": "CHF"},
    } == plan
    assert ("auc", 0.05) == (found["metric"], found["verdicts"][0]["margin"])
    assert [0.5, 2.0] == [each["lambda_wh"] for each in found["summaries"][1]["adjusted"]]


def test_costs_of_errors_are_in_place_of_the_threshold(saved, capsys):
    (found,) = json.loads(
        printed(capsys, saved, "--margin=2%", "--cost-fn=9", "--cost-fp=1", "--format=json")
    )
    assert 0.1 == found["plan"]["threshold"]
    assert found["summaries"][0]["expected_cost"]["low"] < found["summaries"][0]["expected_cost"]["value"]


@pytest.mark.parametrize("threshold", ["0.5", "0.1"])
def test_costs_beside_a_threshold_are_refused_even_if_they_agree(saved, capsys, threshold):
    given = [f"--threshold={threshold}", "--cost-fn=9", "--cost-fp=1"]
    assert 2 == main(["tradeoff", str(saved), "--margin=0.02", *given])
    error = capsys.readouterr().err
    words = f"--threshold {threshold}: --cost-fn 9 and --cost-fp 1 imply 0.1; give the costs or the threshold"
    assert f"redl: error: {words}" == error.splitlines()[0]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("--margin=0", "--margin 0: give a margin above 0 and below 1, e.g. 0.02 or 2%"),
        ("--margin=2", "--margin 2: give a margin above 0 and below 1"),
        ("--margin=", "--margin : give a margin above 0 and below 1"),
        ("--metric=beauty", "--metric beauty: unknown; use one of accuracy, subject_accuracy, auc, "),
        ("--metric=Acuracy", "did you mean accuracy? use one of accuracy, "),
        ("--threshold=1", "give a cut between 0 and 1"),
        ("--threshold=nan", "give a cut between 0 and 1"),
        ("--patients=0", "at least one patient"),
        ("--patients=some", "invalid int value"),
        ("--lambda=1,x", "give energies in Wh, e.g."),
        ("--lambda=", "give energies in Wh, e.g."),
        ("--lambda=0", "give an energy above 0"),
        ("--cost-fn=9", "--cost-fn: give --cost-fp too"),
        ("--cost-fp=9", "--cost-fp: give --cost-fn too"),
        ("--cost-fp=much", "invalid float value"),
        ("--thresholds=0.3-0.1", "--thresholds 0.3-0.1: give two probabilities in rising order"),
        ("--thresholds=", "--thresholds : give two probabilities in rising order"),
        ("--thresholds=0.3", "--thresholds 0.3: give two probabilities in rising order"),
        ("--price-per-kwh=0", "--price-per-kwh 0: give a price above 0"),
        ("--price-per-kwh=", "--price-per-kwh : give a price above 0"),
        ("--format=xml", "invalid choice"),
    ],
)
def test_a_value_that_cannot_be_is_one_line_and_status_2(saved, capsys, given, words):
    margin = [] if given.startswith("--margin") else ["--margin=0.02"]
    assert 2 == main(["tradeoff", str(saved), *margin, given])
    error = capsys.readouterr().err
    assert error.startswith("redl: error: ")
    assert words in error
    assert 1 == error.count("\n")


def test_a_run_without_a_baseline_is_refused(tmp_path, capsys):
    saved = save(tmp_path / "run.json", *run_of(amp={}))
    assert 2 == main(["tradeoff", str(saved), "--margin=0.02"])
    assert "its baseline is not in this run" in capsys.readouterr().err


def test_a_run_without_predictions_is_refused(tmp_path, capsys):
    records, _ = run_of(baseline={}, amp={})
    assert 2 == main(["tradeoff", str(save(tmp_path / "run.json", records, {})), "--margin=0.02"])
    assert "its predictions were not saved" in capsys.readouterr().err


def test_what_is_no_saved_run_is_refused(tmp_path, capsys):
    assert 2 == main(["tradeoff", str(tmp_path / "run.json"), "--margin=0.02"])
    assert "cannot be read" in capsys.readouterr().err


def test_the_margin_has_to_be_fixed_by_whoever_asks(saved, capsys):
    assert 2 == main(["tradeoff", str(saved)])
    assert "--margin" in capsys.readouterr().err


def test_a_run_of_several_models_ends_with_the_models_beside_each_other(saved, tmp_path, capsys):
    assert "Models on" not in printed(capsys, saved, "--margin=0.02")
    records, predictions = run_of(baseline={}, amp={})
    other = [replace(one, case=replace(one.case, model="vit")) for one in records]
    both = predictions | {
        new.case.id: predictions[old.case.id] for new, old in zip(other, records, strict=True)
    }
    several = save(tmp_path / "several.json", records + other, both)
    text = printed(capsys, several, "--margin=0.02")
    assert "Models on rsna" in text
    assert 2 == text.partition("Models on rsna")[2].partition("note")[0].partition("Performance")[0].count(
        "│ vit "
    )
