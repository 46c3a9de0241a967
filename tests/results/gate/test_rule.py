"""Rules: their grammar, which one applies to a case, and what is refused."""

import pytest

from redl.errors import OptionError
from redl.results.gate.figure import FIGURES
from redl.results.gate.rule import DEFAULT_RULES, parse_rule, rules_for, rules_from
from tests.helpers.changes import replace
from tests.helpers.samples import WHOLE
from tests.helpers.saved import rules

CASE = WHOLE.case


@pytest.mark.parametrize(
    ("text", "absolute", "relative", "noise"),
    [
        ("accuracy:0.02", 0.02, None, False),
        ("accuracy:.02", 0.02, None, False),
        ("peak_memory:5%", None, 0.05, False),
        ("peak_memory:8MiB", 8 * 2**20, None, False),
        ("peak_memory:1%,8MiB", 8 * 2**20, 0.01, False),
        ("peak_memory:8MiB, noise", 8 * 2**20, None, True),
        ("train_time:1.5min", 90.0, None, False),
        ("energy:0.5kWh", 500.0, None, False),
        ("energy:2", 2.0, None, False),
        ("accuracy:1e-2", 0.01, None, False),
        ("diverged:0", 0.0, None, False),
        ("accuracy:0.99", 0.99, None, False),
        ("accuracy:99%", None, 0.99, False),
        ("energy:250%", None, 2.5, False),
        ("energy:9000kWh", 9_000_000.0, None, False),
        ("peak_memory:100%,1GiB", 2**30, 1.0, False),
        ("brier:150%", None, 1.5, False),
        ("accuracy:noise", None, None, True),
    ],
)
def test_a_tolerance_is_absolute_relative_or_noise(text, absolute, relative, noise):
    rule = parse_rule(text)
    assert (absolute, relative, noise) == (
        pytest.approx(rule.absolute),
        pytest.approx(rule.relative),
        rule.noise,
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("accuracy", "no rule; write FIGURE:TOLERANCE"),
        ("", "no rule"),
        ("acuracy:0.02", r"no figure 'acuracy'; did you mean accuracy\? use one of accuracy, "),
        ("speed:5%", "no figure 'speed'; use one of accuracy, "),
        ("accuracy:", r"'' is no tolerance of accuracy; write 0.02 \(absolute\), 5% \(of the baseline\) or"),
        ("accuracy:-0.02", "'-0.02' is no tolerance"),
        ("accuracy:nan", "'nan' is no tolerance"),
        ("accuracy:inf", "'inf' is no tolerance"),
        ("accuracy:1e999", "'1e999' is not finite"),
        ("accuracy:5MiB", "'5MiB' is no tolerance"),
        ("peak_memory:5", "'5' is no tolerance of peak_memory; write 8MiB"),
        ("peak_memory:5 parsecs", "'5 parsecs' is no tolerance"),
        ("energy:25%,30%", "two tolerances of one kind"),
        ("accuracy:1", "accuracy lies between 0 and 1, so '1' could never fail; write 0.02"),
        ("accuracy:2", "'2' could never fail"),
        ("rsna-swin/accuracy:100%", "'100%' could never fail"),
        ("accuracy:noise,2", "'2' could never fail"),
        ("brier:1", "brier lies between 0 and 1, so '1' could never fail"),
        ("diverged:1", "diverged lies between 0 and 1, so '1' could never fail"),
    ],
)
def test_what_is_no_rule_is_refused_with_a_way_to_write_it(text, message):
    with pytest.raises(OptionError, match=message):
        parse_rule(text)


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("tolerance", ["1.0", "100%", "1000%"])
def test_a_rule_is_refused_only_where_nothing_can_break_it(name, tolerance):
    figure, unit = FIGURES[name], "" if tolerance.endswith("%") else FIGURES[name].unit
    values = [0.0, 0.25, 1.0] if figure.highest else [0.0, 0.25, 1.0, 100.0]
    value, share = float(tolerance.removesuffix("%")), "%" in tolerance
    breakable = any(
        figure.worse_by(before, after) > (value / 100 * before if share else value)
        for before in values
        for after in values
    )
    assert breakable == is_rule(f"{name}:{tolerance}{unit}")


def is_rule(text):
    try:
        return bool(parse_rule(text))
    except OptionError:
        return False


@pytest.mark.parametrize("declared", ['accuracy = "2"', '"swin/auc" = "100%"'])
def test_a_rule_that_cannot_fail_is_refused_in_pyproject_too(tmp_path, declared):
    path = tmp_path / "pyproject.toml"
    path.write_text(f"[tool.redl.gate]\n{declared}\n")
    with pytest.raises(OptionError, match="could never fail"):
        rules_from([], path)


def test_a_rule_covers_the_cases_that_its_selector_names():
    (rule,) = rules("rsna-half+8bit/accuracy:0.02")
    assert rule.covers(replace(CASE, setting="half+8bit"))
    assert not rule.covers(replace(CASE, setting="half"))
    assert not rule.covers(replace(CASE, setting="half+8bit", dataset="lidc"))
    assert rules("down4/accuracy:0.02")[0].covers(replace(CASE, downsample=4))


def test_the_most_specific_rule_of_a_figure_applies_and_of_equals_the_last():
    found = rules_for(
        CASE,
        rules(
            "densenet/accuracy:0.05",
            "accuracy:0.01",
            "densenet/accuracy:0.04",
            "swin/accuracy:0.9",
            "energy:5%",
        ),
    )
    assert ["densenet/accuracy:0.04", "energy:5%"] == [rule.text for rule in found]


def test_without_any_rule_the_default_ones_apply(tmp_path):
    assert list(DEFAULT_RULES) == [rule.text for rule in rules_from([], tmp_path / "pyproject.toml")]


def test_pyproject_declares_rules_and_the_command_line_comes_after(tmp_path):
    path = tmp_path / "pyproject.toml"
    path.write_text('[tool.redl.gate]\naccuracy = "0.02"\n"swin/peak_memory" = "5%"\n')
    found = rules_from(["accuracy:0.01"], path)
    assert ["accuracy:0.02", "swin/peak_memory:5%", "accuracy:0.01"] == [rule.text for rule in found]
    assert 0.01 == rules_for(CASE, found)[0].absolute


@pytest.mark.parametrize("text", ["[tool.redl]\ngate = 3", "[tool.redl.gate]\naccuracy = 0.02", "[tool"])
def test_a_pyproject_that_cannot_be_understood_is_refused(tmp_path, text):
    path = tmp_path / "pyproject.toml"
    path.write_text(text)
    with pytest.raises(OptionError, match=r"pyproject.toml: "):
        rules_from([], path)
