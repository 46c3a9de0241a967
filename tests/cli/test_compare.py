"""`redl compare`, `redl baseline` and `redl history` as a shell sees them: exit status and output."""

import json

import pytest

from redl.cli import main
from tests.helpers.saved import finished, save


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Work in a folder with two saved runs, of which the second is worse."""
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "reports" / "Linux" / "0001_main.json", finished(), finished("amp"))
    save(tmp_path / "reports" / "Linux" / "0002_worse.json", finished(accuracy=0.7), finished("amp"))
    return tmp_path


@pytest.mark.parametrize(
    ("base", "new", "status"),
    [("1", "1", 0), ("1", "2", 1), ("main", "worse", 1), ("2", "1", 0), ("1", "3", 2)],
)
def test_the_status_distinguishes_fine_regressed_and_not_comparable(here, capsys, base, new, status):
    assert status == main(["compare", base, new, "--fail", "accuracy:0.02"])


def test_a_missing_case_is_not_comparable(here, capsys):
    save(here / "reports" / "Linux" / "0003_part.json", finished())
    assert 2 == main(["compare", "1", "3", "--fail", "accuracy:0.02"])
    assert "rsna-densenet-amp-seed1: is in the baseline and not in this run" in capsys.readouterr().out


def test_the_default_gate_without_a_reference_does_not_pass(here, capsys):
    assert 2 == main(["compare", "1", "1"])
    out = capsys.readouterr().out
    assert "write one by --redl-save-reference, or give a number, e.g. accuracy:0.02" in out
    assert out.splitlines()[-1].endswith("0 regressed, 0 improved, 4 could not be compared")


def test_the_default_gate_without_a_reference_finds_a_regression(here, capsys):
    larger = finished(peak=900_000_000), finished("amp")
    save(here / "reports" / "Linux" / "0003_larger.json", *larger)
    assert 1 == main(["compare", "1", "3"])
    out = capsys.readouterr().out
    assert "rsna-densenet-baseline" in next(line for line in out.splitlines() if "regressed" in line)
    assert out.splitlines()[-1].endswith("1 regressed, 0 improved, 4 could not be compared")


@pytest.mark.parametrize("rule", ["accuracy:2", "accuracy:100%"])
def test_a_rule_that_cannot_fail_is_one_line(here, capsys, rule):
    assert 2 == main(["compare", "1", "2", f"--fail={rule}"])
    error = capsys.readouterr().err
    assert f"redl: error: '{rule}': accuracy lies between 0 and 1" in error
    assert 1 == error.count("\n")


def test_a_percentage_is_of_the_baseline(here, capsys):
    # 0.9 became 0.7, a fall of 22.2 % of the baseline and of 0.2.
    assert 0 == main(["compare", "1", "2", "--fail=accuracy:23%"])
    assert 1 == main(["compare", "1", "2", "--fail=accuracy:22%"])


def test_rules_come_from_pyproject_too(here, capsys):
    (here / "pyproject.toml").write_text('[tool.redl.gate]\naccuracy = "0.5"\n')
    assert 0 == main(["compare", "1", "2"])
    assert 1 == main(["compare", "1", "2", "--fail", "baseline/accuracy:0.1"])


def test_every_form_is_one_of_its_kind(here, capsys, monkeypatch):
    arguments = ["compare", "1", "2", "--fail", "accuracy:0.02", "--format"]
    assert 1 == main([*arguments, "json"])
    assert "regressed" == json.loads(capsys.readouterr().out)["outcome"]
    assert 1 == main([*arguments, "markdown"])
    assert capsys.readouterr().out.startswith("**regressed: 2 figures of 2 cases against 0001_main.json")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(here / "summary.md"))
    assert 1 == main([*arguments, "github"])
    assert capsys.readouterr().out.startswith(
        "::error title=redl::rsna-densenet-baseline: accuracy regressed"
    )
    assert "| rsna-densenet-baseline | accuracy |" in (here / "summary.md").read_text()


def test_a_summary_that_cannot_be_written_is_one_line(here, capsys, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(here / "missing" / "summary.md"))
    assert 2 == main(["compare", "1", "2", "--fail", "accuracy:0.02", "--format", "github"])
    assert "No such file or directory; name a folder that can be written" in capsys.readouterr().err


def test_a_rule_that_is_none_is_one_line(here, capsys):
    assert 2 == main(["compare", "1", "2", "--fail", "memory:5%"])
    assert capsys.readouterr().err.startswith(
        "redl: error: 'memory:5%': no figure 'memory'; did you mean peak_memory? use one of accuracy, "
    )


def test_a_baseline_is_set_shown_and_compared_with(here, capsys):
    assert 0 == main(["baseline", "show"])
    assert "no baseline; set one by `redl baseline set RUN`" in capsys.readouterr().err
    assert 0 == main(["baseline", "set", "1"])
    assert "smoke.json: 2 cases, none before; commit it together with its .sha256" in capsys.readouterr().out
    assert 0 == main(["baseline", "show"])
    assert "smoke" in capsys.readouterr().out
    assert 1 == main(["compare", "smoke", "2", "--fail", "accuracy:0.02"])


def test_a_baseline_that_was_changed_is_shown_as_faulty(here, capsys):
    main(["baseline", "set", "1"])
    (here / "reports" / "baseline" / "smoke.json").write_text("{}")
    assert 1 == main(["baseline", "show"])
    assert "smoke.json: was changed since it was set" in capsys.readouterr().err
    assert 2 == main(["compare", "smoke", "2", "--fail", "accuracy:0.02"])


def test_a_history_marks_the_step(here, capsys):
    assert 0 == main(["history", "accuracy:0.02"])
    out = capsys.readouterr().out
    assert "rsna-densenet-baseline, accuracy" in out
    (line,) = (line for line in out.splitlines() if "worse" in line.split("  ")[-1])
    assert "0002_worse" in line
    assert 0 == main(["history", "amp/accuracy:0.02", "--format", "json"])
    (series,) = json.loads(capsys.readouterr().out)
    assert ["rsna-densenet-amp", ["", ""]] == [series["cell"], [point["step"] for point in series["points"]]]


def test_a_history_of_nothing_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert 2 == main(["history"])
    assert "redl: error: reports: has no saved run" in capsys.readouterr().err
