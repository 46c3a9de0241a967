"""The table of deployments: a row for each runtime, and why a figure is missing."""

import pytest

from redl.results.deployment_table import deployment_table
from redl.results.deployments import judged
from redl.results.metric import Metric
from tests.helpers.changes import replace
from tests.helpers.deployments import RIGHT, deployment, records_of
from tests.helpers.saved import finished


def cells(text, runtime):
    """Return the cells of a runtime's row."""
    (row,) = [line for line in text.splitlines() if line.startswith("│") and f" {runtime} " in line]
    return [cell.strip() for cell in row.strip("│ \n").split("│")]


def table(*deployments, width=120, **given):
    return deployment_table(deployments, records_of(*deployments), width=width, **given)


def test_a_row_has_every_figure_in_its_unit():
    assert [
        "onnx", "2.00", "3.00", "640", "4.00", "150", "29.0", "0.6", "2/200", "not judged",
    ] == cells(table(deployment(lost=(0, 9))), "onnx")  # fmt: skip


def test_seeds_share_a_row_of_mean_times_the_largest_memory_and_all_flips():
    slow = replace(deployment(seed=2, lost=(0, 1)).single, p50_seconds=0.004)
    large = replace(deployment().process, peak_bytes=170_000_000)
    text = table(deployment(seed=1, lost=(5,)), deployment(seed=2, lost=(0, 1), single=slow, process=large))
    found = cells(text, "onnx")
    assert ["3.00", "170", "3/400"] == [found[1], found[5], found[8]]
    assert "over 2 seeds" in text
    assert "over seeds: mean times" in text


def test_a_single_seed_is_no_mean():
    text = table(deployment())
    assert not {"mean", "over"} & set(text.partition("p50, p95:")[0].split())
    assert "over seeds" not in text


def test_torch_is_the_reference():
    assert "reference" == cells(table(deployment("torch"), deployment()), "torch")[-1]


def test_each_number_of_threads_has_its_rows():
    text = table(deployment(threads=1), deployment(threads=2))
    assert "rsna densenet, 1 thread " in text
    assert "rsna densenet, 2 threads " in text


def test_a_setting_is_named_unless_it_is_the_baseline():
    found = deployment()
    amp = finished("amp")
    text = deployment_table([replace(found, case=amp.case.id)], {amp.case.id: amp}, width=120)
    assert "rsna densenet amp, 1 thread" in text


def test_a_network_at_chance_has_no_agreement_and_the_reason_stands_below():
    text = table(deployment(agreement=None, agreement_reason="no better than chance"))
    assert ["-", "-"] == cells(text, "onnx")[7:9]
    assert "rsna-densenet-baseline-seed1: no agreement: no better than chance" in text


def test_a_peak_that_was_not_measured_is_missing():
    process = replace(deployment().process, peak_bytes=None)
    assert "-" == cells(table(deployment(process=process)), "onnx")[5]


def test_times_taken_while_others_computed_are_marked():
    conditions = replace(deployment().conditions, foreign_cpu_share=0.5)
    text = table(deployment(conditions=conditions))
    assert "2.00!" == cells(text, "onnx")[1]
    assert "! taken while others used the machine" in text


def test_a_verdict_stands_in_its_row():
    found = [deployment(seed=seed) for seed in (1, 2, 3)]
    records = records_of(*found)
    predictions = {name: replace(found[0].answers, probabilities=RIGHT) for name in records}
    _, verdicts = judged(records, predictions, found, margin=0.05, metric=Metric.ACCURACY)
    assert "non-inferior" == cells(table(*found, verdicts=verdicts), "onnx")[-1]


def test_without_a_margin_nothing_is_judged_and_the_reason_stands_below():
    assert "not judged: no margin was given; --redl-verdict" in table(deployment())


def test_warnings_stand_below_once_and_those_of_energy_in_the_record():
    warned = [deployment(seed=seed, warnings=("energy: x", "answers: y")) for seed in (1, 2)]
    text = table(*warned)
    assert (1, 0) == (text.count("onnx: answers: y"), text.count("energy: x"))


@pytest.mark.parametrize("width", [80, 120])
def test_no_figure_is_cut(width):
    text = table(deployment(lost=(0,)), deployment("onnx-int8-dynamic"), width=width)
    assert "…" not in text
    assert "640" in text
