"""Machines side by side: whose figures stand under which name, and what is not one quantity."""

import pytest

from redl.cli import main
from redl.results.side_by_side import side_by_side
from tests.helpers.changes import replace
from tests.helpers.samples import WHOLE
from tests.helpers.saved import finished, run_of, save


def on(cpu, **changes):
    return finished(
        environment=dict(WHOLE.environment) | {"cpu": cpu, "device": "cpu", "fingerprint": cpu}, **changes
    )


def shown(*records):
    runs = [run_of(record, name=f"{number}.json") for number, record in enumerate(records, 1)]
    return side_by_side(runs, width=160)


def row(text, figure):
    return [
        cell.strip() for cell in next(line for line in text.splitlines() if f"│ {figure} " in line).split("│")
    ]


def test_one_machine_has_nothing_beside_it():
    assert "" == shown(on("Small"), on("Small"))


def test_each_machine_stands_over_its_own_figures():
    text = shown(on("Small"), on("Large", accuracy=0.8, peak=400_000_000))
    assert text.index("Small") < text.index("Large")
    assert ["0.900", "0.800"] == row(text, "accuracy")[3:5]
    assert ["512.0 MB", "400.0 MB"] == row(text, "peak_memory")[3:5]


@pytest.mark.parametrize("figure", ["train_time", "inference_time", "energy", "inference_energy"])
def test_time_and_energy_are_shown_and_not_judged(figure):
    assert f"{figure} (not judged)" in shown(on("Small"), on("Large"))


def test_what_was_not_measured_is_no_figure():
    text = shown(on("Small"), on("Large", memory=replace(WHOLE.memory, train_peak_bytes=None)))
    assert ["512.0 MB", "-"] == row(text, "peak_memory")[3:5]


def test_memory_of_two_devices_is_said_to_be_no_one_quantity():
    text = shown(on("Small"), on("Large", memory=replace(WHOLE.memory, device="other")))
    assert "not one quantity" in text


def test_a_run_of_other_data_has_no_figures_beside_the_first():
    text = shown(on("Small"), on("Large", data=replace(WHOLE.data, fingerprint="1" * 64)))
    assert ["0.900", "-"] == row(text, "accuracy")[3:5]
    assert "2.json: saw other data than the baseline" in text


def two_seeds(cpu, *, broken=None, seeds=(1, 2)):
    """Return a run of a machine in which one of the seeds did not finish."""
    records = [on(cpu, seed=seed) for seed in seeds]
    records = [
        replace(one, status="oom", metrics=None) if one.case.seed == broken else one for one in records
    ]
    return run_of(*records, name=f"{cpu}.json")


def test_a_cell_with_a_seed_that_did_not_finish_has_no_figures():
    text = side_by_side([two_seeds("Small"), two_seeds("Large", broken=2)], width=160)
    assert ["0.900", "-"] == row(text, "accuracy")[3:5]
    assert "Large.json: did not finish: oom" in text


def test_a_seed_that_only_the_first_run_lacks_is_named():
    text = side_by_side([two_seeds("Small", seeds=(1,)), two_seeds("Large")], width=160)
    assert "Large.json: seed 2 did not finish in Small.json" in text


def test_a_cell_that_a_run_does_not_have_was_not_run():
    other = on("Large", case=replace(WHOLE.case, setting="amp"))
    text = shown(on("Small"), other)
    assert ["0.900", "-"] == row(text, "accuracy")[3:5]
    assert "2.json: was not run" in text


def test_compare_prints_the_machines_and_still_refuses_to_judge_without_being_asked(tmp_path, capsys):
    one, two = (save(tmp_path / f"{cpu}.json", on(cpu)) for cpu in ("Small", "Large"))
    assert 2 == main(["compare", str(one), str(two), "--fail=accuracy:0.02"])
    assert "Machines side by side" in capsys.readouterr().out
    assert 0 == main(["compare", str(one), str(two), "--fail=accuracy:0.02", "--other-machine"])
    assert "Machines side by side" in capsys.readouterr().out
