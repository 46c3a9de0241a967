"""The command `redl verdict`: from a saved run to verdicts and an exit status."""

import json

import numpy as np
import pytest

from redl.cli import main
from redl.record import Predictions
from redl.results.store import DEPLOYMENT_KEY, KEY, PREDICTIONS_KEY
from redl.study.case import Setting
from tests.helpers.changes import replace
from tests.helpers.deployments import deployment
from tests.helpers.samples import broken, record

LABELS = tuple(number % 2 for number in range(200))
SUBJECTS = tuple(number // 2 for number in range(200))


def entry(setting, seed, lost=()):
    """Return what is saved of a case that answers rightly but for the images `lost`."""
    found = record(setting)
    found = replace(found, case=replace(found.case, seed=seed))
    answers = np.where(np.isin(np.arange(200), lost), 1 - np.array(LABELS), LABELS).tolist()
    given = Predictions(subjects=SUBJECTS, labels=LABELS, probabilities=tuple(map(float, answers)))
    return {KEY: found.to_json(), PREDICTIONS_KEY: given.to_json()}


@pytest.fixture
def saved(tmp_path):
    def save(*entries):
        path = tmp_path / "run.json"
        path.write_text(json.dumps({"benchmarks": [{"extra_info": one} for one in entries]}))
        return str(path)

    return save


def run(saved, lost=(), seeds=(1, 2, 3)):
    baseline = [entry(Setting.BASELINE, seed) for seed in seeds]
    return saved(*baseline, *(entry(Setting.AMP, seed, lost) for seed in seeds))


def test_a_run_whose_savings_are_all_non_inferior_passes(saved, capsys):
    assert 0 == main(["verdict", run(saved), "--margin=0.05"])
    out = capsys.readouterr().out
    assert "accuracy, margin 0.05" in out
    assert "non-inferior" in out


@pytest.mark.parametrize(
    ("lost", "outcome", "status"), [((), "non-inferior", 0), (range(100), "degraded", 1)]
)
def test_runtimes_of_a_run_without_other_settings_are_judged(saved, capsys, lost, outcome, status):
    entries = [
        entry(Setting.BASELINE, seed) | {DEPLOYMENT_KEY: deployment(seed=seed, lost=lost).to_json()}
        for seed in (1, 2, 3)
    ]
    assert status == main(["verdict", saved(*entries), "--margin=0.05", "--format=json"])
    (found,) = json.loads(capsys.readouterr().out)
    assert ("onnx", outcome) == (found["setting"], found["outcome"])


@pytest.mark.parametrize(
    ("lost", "outcome"),
    [(range(100), "degraded"), (range(5), "inconclusive")],
    ids=["degraded", "inconclusive"],
)
def test_a_run_with_another_verdict_does_not(saved, capsys, lost, outcome):
    assert 1 == main(["verdict", run(saved, lost), "--margin=0.02", "--format=json"])
    (found,) = json.loads(capsys.readouterr().out)
    assert outcome == found["outcome"]


def test_a_margin_may_be_a_percentage(saved, capsys):
    path = run(saved, range(5))
    for margin in ("0.04", "4%"):
        main(["verdict", path, f"--margin={margin}", "--format=json"])
    share, percentage = capsys.readouterr().out.split("\n]\n", 1)
    assert [0.04] == [verdict["margin"] for verdict in json.loads(percentage)]
    assert json.loads(f"{share}]") == json.loads(percentage)


def test_one_failing_saving_of_two_is_enough(saved):
    entries = [entry(setting, seed) for seed in (1, 2) for setting in (Setting.BASELINE, Setting.EIGHT_BIT)]
    path = saved(*entries, {KEY: broken().to_json()})
    assert 1 == main(["verdict", path, "--margin=0.02"])


def test_the_metric_is_chosen(saved, capsys):
    images = [number for number in range(100) if LABELS[number] == 0]
    assert 0 == main(["verdict", run(saved, images), "--margin=0.05", "--metric=sensitivity"])
    assert 1 == main(["verdict", run(saved, images), "--margin=0.05", "--metric=specificity"])
    capsys.readouterr()
    assert 0 == main(["verdict", run(saved), "--margin=0.05", "--metric=brier", "--format=json"])
    assert "brier" == json.loads(capsys.readouterr().out)[0]["metric"]


def test_seed_variance_is_pooled_where_that_is_asked_for(saved, capsys):
    settings = {Setting.BASELINE: (1, 3, 2), Setting.AMP: (3, 1, 2), Setting.EIGHT_BIT: (2, 1, 3)}
    path = saved(
        *(
            entry(setting, seed, range(2 * lost))
            for setting, of in settings.items()
            for seed, lost in enumerate(of)
        )
    )
    for option in ([], ["--pool-seeds"]):
        main(["verdict", path, "--margin=0.05", "--format=json", *option])
    own, pooled = capsys.readouterr().out.split("\n]\n", 1)
    assert [None, None] == [verdict["pooling"] for verdict in json.loads(f"{own}]")]
    assert [3, 3] == [verdict["pooling"]["arms"] for verdict in json.loads(pooled)]
    main(["verdict", path, "--margin=0.05", "--pool-seeds"])
    assert "rsna densenet amp, 8bit: seed variance pooled over 3 arms" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "the following arguments are required: --margin"),
        (["--margin=0"], "--margin 0: give a margin above 0 and below 1, e.g. 0.02 or 2%"),
        (["--margin=2"], "--margin 2: give a margin"),
        (["--margin=100%"], "--margin 100%: give a margin"),
        (["--margin=-1"], "--margin -1: give a margin"),
        (["--margin=nan"], "--margin nan: give a margin"),
        (["--margin=0.02", "--metric=f1"], "--metric f1: unknown; use one of accuracy, subject_accuracy, "),
        (["--margin=0.02", "--metric=specifity"], "did you mean specificity? use one of accuracy, "),
        (["--margin=0.02", "--metric=subject_auc"], "subjects have images of both classes; use auc"),
    ],
)
def test_what_cannot_be_judged_is_one_line(saved, capsys, options, message):
    assert 2 == main(["verdict", run(saved), *options])
    error = capsys.readouterr().err
    assert message in error
    assert 1 == error.count("\n")


def test_a_run_without_a_saving_or_without_predictions_is_refused(saved, capsys):
    assert 2 == main(["verdict", saved(entry(Setting.BASELINE, 1)), "--margin=0.02"])
    assert "no saving to judge" in capsys.readouterr().err
    assert 2 == main(["verdict", saved({KEY: record(Setting.AMP).to_json()}), "--margin=0.02"])
    assert "its predictions were not saved" in capsys.readouterr().err
