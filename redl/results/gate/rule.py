"""Rules: which figure of which cases may get how much worse, as `--redl-fail` and pyproject.toml say it.

`accuracy:0.02` is absolute, in the figure's unit, and `peak_memory:5%` relative to the baseline;
`peak_memory:1%,8MiB` allows the larger of both, `accuracy:noise` what equal runs were measured to differ by.
`half+8bit/energy:50%` is of the cases of this setting alone, `rsna-swin/accuracy:0.05` of this model on this
data set.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from redl.errors import OptionError
from redl.results.gate.figure import FIGURES, Figure
from redl.study.case import Case

DEFAULT_RULES = ("accuracy:noise", "peak_memory:noise", "diverged:0")

_NUMBER = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(?:e(-?\d+))?", re.IGNORECASE)
_BYTES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0}
_ENERGY = {"Wh": 1.0, "kWh": 1000.0}
_UNITS: dict[str, dict[str, float]] = {"": {}, "B": dict(_BYTES), "s": _SECONDS, "Wh": _ENERGY}


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """Hold how much worse a figure may get: the largest of what its parts allow.

    `selector` holds parts of a case's id that must all be there; none means every case. `absolute` is in the
    figure's unit, `relative` a share of the baseline; `noise` allows what equal runs differ by.
    """

    figure: Figure
    selector: tuple[str, ...] = ()
    absolute: float | None = None
    relative: float | None = None
    noise: bool = False
    text: str

    def covers(self, case: Case) -> bool:
        """Tell whether the rule is of a case."""
        return set(self.selector) <= {case.dataset, case.model, case.setting, f"down{case.downsample}"}


def parse_rule(text: str) -> Rule:
    """Read a rule; raise OptionError naming what is wrong with it."""
    head, colon, tolerance = text.rpartition(":")
    if not colon:
        raise OptionError(f"{text!r}: no rule; write FIGURE:TOLERANCE, as accuracy:0.02 or peak_memory:5%")
    selector, _, name = head.rpartition("/")
    if name not in FIGURES:
        raise OptionError(f"{text!r}: no figure {name!r}; use one of {', '.join(FIGURES)}")
    parts: dict[str, float | bool] = {}
    for part in tolerance.split(","):
        kind, value = _tolerance(part.strip(), FIGURES[name], text)
        if kind in parts:
            raise OptionError(f"{text!r}: two tolerances of one kind; leave one out")
        parts[kind] = value
    return Rule(
        figure=FIGURES[name],
        selector=tuple(filter(None, selector.split("-"))),
        absolute=parts.get("absolute"),
        relative=parts.get("relative"),
        noise=bool(parts.get("noise")),
        text=text,
    )


def rules_from(given: Iterable[str], pyproject: Path) -> list[Rule]:
    """Return the rules of [tool.redl.gate] in pyproject.toml and those given, which win; else the default.

    Raise OptionError for what is no rule.
    """
    texts = [*_declared(pyproject), *given]
    return [parse_rule(text) for text in texts or DEFAULT_RULES]


def rules_for(case: Case, rules: Iterable[Rule]) -> list[Rule]:
    """Return the rule of each figure that holds for a case: the most special, and of equals the last."""
    found: dict[str, Rule] = {}
    for rule in rules:
        other = found.get(rule.figure.name)
        if rule.covers(case) and (other is None or len(rule.selector) >= len(other.selector)):
            found[rule.figure.name] = rule
    return list(found.values())


def _declared(pyproject: Path) -> list[str]:
    try:
        document = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise OptionError(f"{pyproject.name}: cannot be read ({error})") from error
    match document:
        case {"tool": {"redl": {"gate": dict(gate)}}} if all(isinstance(v, str) for v in gate.values()):
            return [f"{name}:{tolerance}" for name, tolerance in gate.items()]
        case {"tool": {"redl": {"gate": _}}}:
            raise OptionError(f'{pyproject.name}: [tool.redl.gate] needs strings, as accuracy = "0.02"')
        case _:
            return []


def _tolerance(part: str, figure: Figure, text: str) -> tuple[str, float | bool]:
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
    return ("relative", value / 100) if unit == "%" else ("absolute", value * known[unit])


def _examples(figure: Figure) -> str:
    return {
        "": "0.02, 5% or noise",
        "B": "8MiB, 5%, 1%,8MiB or noise",
        "s": "30s, 25% or noise",
        "Wh": "2Wh, 25% or noise",
    }[figure.unit]
