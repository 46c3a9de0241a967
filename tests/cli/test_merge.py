"""`redl merge`: what it says, its status, and that it overwrites nothing."""

import pytest

from redl.cli import main
from redl.results.store import load_run
from tests.helpers.saved import finished, save, selected


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Save two runs that share a case, in the working folder, and return their names."""
    monkeypatch.chdir(tmp_path)
    case = finished(seed=1).case.id
    save(tmp_path / "a.json", finished(seed=1), **selected([case, "lost"]))
    save(tmp_path / "b.json", finished(seed=1, peak=1), finished(seed=2))
    return ["a.json", "b.json"]


def test_what_was_merged_is_said(runs, capsys):
    assert 0 == main(["merge", *runs, "-o", "new.json"])
    printed = capsys.readouterr()
    assert "new.json: 2 cases of 2 runs, 1 missing\n" == printed.out
    assert "1 cases are in several runs with the same answers: each is kept once\n" == printed.err


def test_the_merged_run_is_a_saved_run(runs, tmp_path):
    main(["merge", *runs, "-o", "new.json"])
    assert 2 == len(load_run(tmp_path / "new.json").records)


def test_runs_are_found_by_number_and_name(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "reports" / "machine"
    folder.mkdir(parents=True)
    save(folder / "0001_one.json", finished(seed=1))
    save(folder / "0002_two.json", finished(seed=2))
    assert 0 == main(["merge", "1", "two", "-o", "new.json"])
    assert "new.json: 2 cases of 2 runs\n" == capsys.readouterr().out
    assert 2 == main(["merge", "1", "three", "-o", "other.json"])
    assert "three" in capsys.readouterr().err


def test_a_finished_case_beside_one_that_ended_early_is_said(runs, tmp_path, capsys):
    broken = finished(seed=2, status="killed", reason="killed", metrics=None)
    save(tmp_path / "c.json", broken)
    assert 0 == main(["merge", "c.json", "b.json", "-o", "new.json"])
    message = f"{broken.case.id}: ended early in one run and finished in another, which counts\n"
    assert message == capsys.readouterr().err


def test_nothing_is_overwritten(runs, tmp_path, capsys):
    (tmp_path / "new.json").write_text("kept")
    assert 2 == main(["merge", *runs, "-o", "new.json"])
    message = "redl: error: -o new.json: there is such a file; name a new one\n"
    assert message == capsys.readouterr().err
    assert "kept" == (tmp_path / "new.json").read_text()


def test_a_contradiction_is_one_line_and_nothing_is_written(runs, tmp_path, capsys):
    save(tmp_path / "c.json", finished(seed=1, accuracy=0.1))
    assert 2 == main(["merge", *runs, "c.json", "-o", "new.json"])
    case = finished(seed=1).case.id
    message = f"redl: error: a.json and c.json: {case} has metrics that differ; leave one out\n"
    assert message == capsys.readouterr().err
    assert not (tmp_path / "new.json").exists()


def test_a_place_that_cannot_be_written_is_one_line(runs, capsys):
    assert 2 == main(["merge", *runs, "-o", "a.json/new.json"])
    printed = capsys.readouterr().err
    assert printed.startswith("redl: error: -o a.json/new.json: ")
    assert printed.endswith("; name a file that can be written\n")
