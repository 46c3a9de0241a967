"""Scores: changes of accuracy and AUC under a rule of noise, judged by the reference's repeats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from redl.results.gate.change import Change
from redl.results.gate.family import CellScores
from redl.results.gate.levels import Fall, Falls, falls
from redl.results.gate.noise import Repeats
from redl.results.gate.rule import Rule
from redl.study.case import Case


@dataclass(frozen=True, kw_only=True, slots=True)
class ScorePair:
    """A score of one cell in both runs, seed by seed; `identical` if no digit of any seed moved."""

    rule: Rule
    case: Case
    repeats: Repeats
    seeds: tuple[int, ...]
    before: tuple[float, ...]
    after: tuple[float, ...]
    identical: bool


def score_changes(pairs: Sequence[ScorePair], share: float) -> list[Change]:
    """Return the changes of each cell, then of groups of cells and of all; `share` are their false alarms."""
    found: list[Change] = [_unmoved(pair) for pair in pairs if pair.identical]
    rules = {pair.rule.figure.name: pair.rule for pair in pairs}
    moved = {name: [p for p in pairs if not p.identical and p.rule.figure.name == name] for name in rules}
    series = [[_series(pair) for pair in each] for each in moved.values()]
    for name, fallen in zip(moved, falls(series, share), strict=True):
        found += [
            _change(fall, pair.rule, pair) for fall, pair in zip(fallen.cells, moved[name], strict=True)
        ]
        found += [_change(fall, rules[name]) for fall in _together(fallen)]
    return found


def _together(fallen: Falls) -> list[Fall]:
    return [*fallen.groups, *([fallen.whole] if fallen.whole else [])]


def _unmoved(pair: ScorePair) -> Change:
    mean = fmean(pair.before)
    return Change(
        cell=pair.case.cell,
        seeds=pair.seeds,
        figure=pair.rule.figure,
        before=mean,
        expected=mean,
        after=mean,
        allowed=0.0,
        rule=pair.rule.text,
    )


def _change(fall: Fall, rule: Rule, pair: ScorePair | None = None) -> Change:
    after = fall.expected - fall.fall
    return Change(
        cell=fall.of,
        cells=fall.cells,
        seeds=pair.seeds if pair else (),
        figure=rule.figure,
        before=fmean(pair.before) if pair else fall.expected,
        expected=fall.expected,
        after=after,
        allowed=fall.allowed,
        detectable=fall.detectable,
        rule=rule.text,
    )


def _series(pair: ScorePair) -> CellScores:
    repeats = pair.repeats
    # A baseline's seed that is one of the repeats, to the last digit, is no further evidence.
    repeated = set(zip(repeats.seeds, repeats.scores, strict=True))
    known = [score for score in zip(pair.seeds, pair.before, strict=True) if score not in repeated]
    return CellScores(
        cell=pair.case.cell,
        model=f"{pair.case.dataset}-{pair.case.model}",
        setting=pair.case.setting,
        repeats=repeats.scores,
        known=tuple(score for _, score in known),
        new=pair.after,
        least=repeats.least,
    )
