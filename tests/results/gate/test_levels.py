"""Levels: falls of cells, groups and all cells, by hand, and how often equal runs alarm."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm, t

from redl.results.gate.cutoffs import cut_offs, normal_score, t_value
from redl.results.gate.family import WHOLE, CellScores, Family
from redl.results.gate.levels import falls, falls_of

SHARE = 0.02
MODELS, SETTINGS, SEEDS = 3, 4, 10


def series(
    repeats, new, known=(), cell="rsna-densenet-amp", model="rsna-densenet", setting="amp", least=1e-3
):
    return CellScores(
        cell=cell,
        model=model,
        setting=setting,
        repeats=tuple(repeats),
        known=tuple(known),
        new=tuple(new),
        least=least,
    )


def study(random, *, drop=0.0, dropped=lambda model, setting: True, alike=0.0, seeds=1):
    """Make up a reference and two runs of a small study, whose settings' seeds correlate by `alike`."""
    found = []
    for model in range(MODELS):
        shared = random.normal(size=SEEDS + 2 * seeds)
        for setting in range(SETTINGS):
            own = random.normal(size=SEEDS + 2 * seeds)
            scores = 0.9 + 0.02 * (alike**0.5 * shared + (1 - alike) ** 0.5 * own)
            new = scores[-seeds:] - drop * dropped(model, setting)
            found.append(
                series(
                    scores[:SEEDS],
                    new,
                    scores[SEEDS : SEEDS + seeds],
                    f"rsna-m{model}-s{setting}",
                    f"rsna-m{model}",
                    f"s{setting}",
                )
            )
    return found


def alarmed(found):
    every = [*found.cells, *found.groups, *([found.whole] if found.whole else [])]
    return [fall.of for fall in every if fall.fall > fall.allowed]


def test_a_fall_is_that_of_the_new_mean_below_repeats_and_baseline_together():
    repeats = np.linspace(0.85, 0.95, SEEDS)
    (found,) = falls([[series(repeats, [0.80, 0.82], [0.70])]], SHARE)
    (cell,) = found.cells
    assert pytest.approx((repeats.sum() + 0.70) / 11) == cell.expected
    assert pytest.approx(cell.expected - 0.81) == cell.fall
    assert ((), None) == (found.groups, found.whole)


def test_a_cell_by_itself_is_judged_as_by_students_t():
    repeats = np.linspace(0.85, 0.95, SEEDS)
    one = series(repeats, [0.9])
    family = Family.of([one])
    found = family.statistics(family.repeats, np.zeros(1), np.array([0.8]))
    error = repeats.std(ddof=1) * (1 + 1 / SEEDS) ** 0.5
    assert (pytest.approx([-0.1 / error]), pytest.approx([9.0])) == (found.cells, found.cells_df)


def test_variances_are_shrunk_half_way_to_the_mean_of_their_block():
    cells = [
        series(0.9 + width * np.linspace(-1, 1, SEEDS), [0.9], cell=str(width), setting=str(width))
        for width in (0.01, 0.03)
    ]
    family = Family.of(cells)
    error = family.statistics(family.repeats, np.zeros(2), np.array([0.9, 0.9])).error
    own = family.repeats.var(1, ddof=1)
    assert pytest.approx(((own + own.mean()) / 2 * 1.1) ** 0.5) == error


def test_groups_are_of_several_cells_and_not_of_all():
    family = Family.of(study(np.random.default_rng(0)))
    assert ("rsna-m0", "rsna-m1", "rsna-m2", "s0", "s1", "s2", "s3", WHOLE) == family.names
    assert () == Family.of(study(np.random.default_rng(0))[:1]).names
    assert (WHOLE,) == Family.of(study(np.random.default_rng(0))[:SETTINGS]).names


@pytest.mark.parametrize("alike", [0.0, 0.9])
def test_a_sum_of_cells_varies_as_much_as_it_is_said_to(alike):
    random = np.random.default_rng(1)
    scores = []
    for _ in range(400):
        cells = study(random, alike=alike)
        family = Family.of(cells)
        known = np.array([sum(one.known) for one in cells])
        found = family.statistics(family.repeats, known, np.array([one.new[0] for one in cells]))
        scores.append(normal_score(found.groups, found.groups_df))
    assert pytest.approx(1.0, abs=0.15) == np.std(scores, axis=0).mean()


@pytest.mark.parametrize("df", [9.0, 25.0, 300.0])
@pytest.mark.parametrize("value", [-6.0, -3.0, -1.0])
def test_a_normal_score_has_the_probability_of_its_t_value(df, value):
    score = float(normal_score(np.array(value), np.array(df)))
    assert pytest.approx(t.cdf(value, df), rel=0.05) == norm.cdf(score)
    assert pytest.approx(-value) == float(t_value(score, np.array(df)))


@pytest.mark.slow
@pytest.mark.parametrize("alike", [0.0, 0.8])
@pytest.mark.parametrize("seeds", [1, 3])
def test_equal_runs_seldom_alarm_whatever_the_reference(alike, seeds):
    random = np.random.default_rng(2)
    found = []
    for _ in range(40):
        cells = study(random, alike=alike, seeds=seeds)
        cuts = cut_offs([Family.of(cells)], SHARE)
        for _ in range(20):
            fresh = study(random, alike=alike, seeds=seeds)
            runs = [replace(old, known=new.known, new=new.new) for old, new in zip(cells, fresh, strict=True)]
            found.append(bool(alarmed(falls_of(Family.of(runs), cuts))))
    assert np.mean(found) <= 0.045  # 2 % expected, with a standard error of 0.6


def test_a_small_fall_is_found_where_many_cells_share_it():
    random = np.random.default_rng(3)
    (found,) = falls([study(random, drop=0.035)], SHARE)
    assert [WHOLE] == [name for name in alarmed(found) if not name.startswith("rsna")][-1:]
    assert found.whole.detectable < min(group.detectable for group in found.groups)
    assert min(group.detectable for group in found.groups) < min(cell.detectable for cell in found.cells)


def test_what_is_said_to_be_detectable_is_found_nine_times_in_ten():
    random = np.random.default_rng(4)
    cuts = cut_offs([Family.of(study(random))], SHARE)
    found = []
    for _ in range(300):
        cells = study(random)
        (said,) = [
            fall.detectable for fall in falls_of(Family.of(cells), cuts).cells if fall.of == "rsna-m1-s2"
        ]
        dropped = [
            replace(one, new=(one.new[0] - said,)) if one.cell == "rsna-m1-s2" else one for one in cells
        ]
        found.append("rsna-m1-s2" in alarmed(falls_of(Family.of(dropped), cuts)))
    assert pytest.approx(0.9, abs=0.06) == np.mean(found)


def test_figures_share_the_false_alarms():
    cells = study(np.random.default_rng(5))
    (alone,), (both, _) = falls([cells], SHARE), falls([cells, study(np.random.default_rng(6))], SHARE)
    assert both.whole.allowed > alone.whole.allowed


def test_a_figure_without_cells_has_no_falls():
    cells = study(np.random.default_rng(7))
    (some, none) = falls([cells, []], SHARE)
    assert ((), (), None) == (none.cells, none.groups, none.whole)
    assert len(cells) == len(some.cells)


def test_repeats_that_do_not_vary_still_allow_for_an_image():
    (found,) = falls([[series([0.9] * SEEDS, [0.9], least=1 / 210)]], SHARE)
    assert found.cells[0].allowed > 0.8 / 210
    assert found.cells[0].allowed < 10 / 210
