"""Rules: how much worse a figure may get, as written in `--redl-fail` and pyproject.toml.

`accuracy:0.02` is absolute, in the figure's unit. `5%` is always a share of the baseline's figure:
`accuracy:5%` of a baseline of 0.80 allows a fall of 0.04. `peak_memory:1%,8MiB` allows the larger of both,
`accuracy:noise` what equal runs were measured to differ by. `half+8bit/energy:50%` applies only to this
setting, `rsna-swin/accuracy:0.05` only to this model on this data set.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from redl.errors import OptionError
from redl.pyproject import declared_tables
from redl.results.gate.figure import Figure, figure_named
from redl.study.case import Case

DEFAULT_RULES = ("accuracy:noise", "auc:noise", "peak_memory:noise", "diverged:0")

_NUMBER = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(?:e(-?\d+))?", re.IGNORECASE)
_BYTES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0}
_ENERGY = {"Wh": 1.0, "kWh": 1000.0}
_UNITS: dict[str, dict[str, float]] = {"": {}, "B": dict(_BYTES), "s": _SECONDS, "Wh": _ENERGY}


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """How much worse a figure may get: the largest of what its parts allow.

    `selector` lists parts of a case's id, all of which a case must have; without any, the rule applies to
    every case. `absolute` is in the figure's unit, `relative` a share of the baseline; `noise` allows what
    equal runs differ by.
    """

    figure: Figure
    selector: tuple[str, ...] = ()
    absolute: float | None = None
    relative: float | None = None
    noise: bool = False
    text: str

    @property
    def noise_only(self) -> bool:
        """Return whether it allows what equal runs differ by, and no number beside it."""
        return self.noise and self.absolute is None and self.relative is None

    def covers(self, case: Case) -> bool:
        """Return whether the rule applies to a case."""
        return set(self.selector) <= {case.dataset, case.model, case.setting, f"down{case.downsample}"}


def parse_rule(text: str) -> Rule:
    """Return the rule of a text; raise OptionError that says what is wrong with it, and how to write one."""
    head, colon, tolerance = text.rpartition(":")
    if not colon:
        raise OptionError(f"{text!r}: no rule; write FIGURE:TOLERANCE, e.g. accuracy:0.02 or peak_memory:5%")
    selector, _, name = head.rpartition("/")
    try:
        figure = figure_named(name)
    except OptionError as error:
        raise OptionError(f"{text!r}: {error}") from None
    parts: dict[str, float | bool] = {}
    for part in tolerance.split(","):
        kind, value = _tolerance(part.strip(), figure, text)
        if kind in parts:
            raise OptionError(f"{text!r}: two tolerances of one kind; leave one out")
        parts[kind] = value
    return Rule(
        figure=figure,
        selector=tuple(filter(None, selector.split("-"))),
        absolute=parts.get("absolute"),
        relative=parts.get("relative"),
        noise=bool(parts.get("noise")),
        text=text,
    )


def rules_from(given: Iterable[str], pyproject: Path) -> list[Rule]:
    """Return the rules of [tool.redl.gate] in pyproject.toml and those given, which win; else the default.

    Raise OptionError for a text that is not a rule.
    """
    texts = [*_declared(pyproject), *given]
    return [parse_rule(text) for text in texts or DEFAULT_RULES]


def rules_for(case: Case, rules: Iterable[Rule]) -> list[Rule]:
    """Return the rule of each figure for a case: the most specific, and of equally specific ones the last."""
    found: dict[str, Rule] = {}
    for rule in rules:
        other = found.get(rule.figure.name)
        if rule.covers(case) and (other is None or len(rule.selector) >= len(other.selector)):
            found[rule.figure.name] = rule
    return list(found.values())


def _declared(pyproject: Path) -> list[str]:
    match declared_tables(pyproject).get("gate", {}):
        case dict(gate) if all(isinstance(tolerance, str) for tolerance in gate.values()):
            return [f"{name}:{tolerance}" for name, tolerance in gate.items()]
        case _:
            raise OptionError(f'{pyproject.name}: [tool.redl.gate] needs strings, e.g. accuracy = "0.02"')


def _tolerance(part: str, figure: Figure, text: str) -> tuple[str, float | bool]:
    """Return the kind and value of one tolerance; raise OptionError for one that could never fail, too."""
    if part == "noise":
        return "noise", True
    number = _NUMBER.match(part)
    unit = part[number.end() :].strip() if number else ""
    known = {"": 1.0} if figure.unit != "B" else {}
    known |= _UNITS[figure.unit]
    if number is None or (unit != "%" and unit not in known):
        raise OptionError(f"{text!r}: {part!r} is no tolerance of {figure.name}; write {_examples(figure)}")
    value = float(number[0])
    if not math.isfinite(value):
        raise OptionError(f"{text!r}: {part!r} is not finite")
    kind, allowed = ("relative", value / 100) if unit == "%" else ("absolute", value * known[unit])
    if _never_fails(kind, allowed, figure):
        raise OptionError(
            f"{text!r}: {figure.name} lies between 0 and {figure.highest:g}, so {part!r} could never fail; "
            f"write {_examples(figure)}"
        )
    return kind, allowed


def _never_fails(kind: str, allowed: float, figure: Figure) -> bool:
    """Return whether no change of a figure between 0 and its highest value is worse than what is allowed.

    A figure without a highest value, e.g. seconds, can outgrow any tolerance, and so can one that should be
    low any share of a baseline near 0.
    """
    if figure.highest is None:
        return False
    return allowed >= figure.highest if kind == "absolute" else figure.higher_is_better and allowed >= 1


def _examples(figure: Figure) -> str:
    return {
        "": "0.02 (absolute), 5% (of the baseline) or noise",
        "B": "8MiB, 5%, 1%,8MiB or noise",
        "s": "30s, 25% or noise",
        "Wh": "2Wh, 25% or noise",
    }[figure.unit]
