"""Style: how every figure looks, so that settings keep their colours and markers from one to the next.

Colours are those of Okabe and Ito (2008), which colour-blind readers can distinguish; each setting also has a
marker and a line of its own, which survive grey print.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from matplotlib import rc_context
from matplotlib.lines import Line2D

from redl.study.case import Setting

INK, STEP, PALE, FAINT = "0.15", "0.4", "0.6", "0.9"
SMALL = 6.5  # points; what is read at the width of two columns

_RC: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so that it is the same everywhere
    "font.size": 7.5,
    "axes.titlesize": 8,
    "axes.linewidth": 0.6,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "text.parse_math": False,  # a name with two dollar signs stays text
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.frameon": False,
    "lines.linewidth": 1.1,
    "lines.markersize": 4.5,
    "savefig.dpi": 200,
    "svg.hashsalt": "redl",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,  # journals refuse type 3
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """Colour, marker and dashes of one setting; a custom setting's marker is hollow."""

    colour: str
    marker: str
    dashes: str | tuple[float, tuple[float, ...]]
    hollow: bool = False

    @property
    def face(self) -> str:
        """Return the colour inside the marker."""
        return "white" if self.hollow else self.colour

    def line(self, **more: object) -> dict[str, Any]:
        """Return the arguments of a line that has the setting's markers."""
        return {
            "color": self.colour,
            "marker": self.marker,
            "linestyle": self.dashes,
            "markerfacecolor": self.face,
        } | more

    def dot(self, **more: object) -> dict[str, Any]:
        """Return the arguments of markers that no line connects."""
        return self.line(linestyle="none", **more)


_DASHED, _DOTTED, _MIXED = (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (5, 1.2, 1.2, 1.2))
_LOOKS: dict[str, Look] = {
    Setting.BASELINE: Look(colour="#000000", marker="o", dashes="-"),
    Setting.AMP: Look(colour="#0072B2", marker="s", dashes=_DASHED),
    Setting.EIGHT_BIT: Look(colour="#E69F00", marker="^", dashes=_DOTTED),
    Setting.AMP_EIGHT_BIT: Look(colour="#009E73", marker="D", dashes=_MIXED),
    Setting.HALF_EIGHT_BIT: Look(colour="#D55E00", marker="v", dashes="-"),
    Setting.HALF: Look(colour="#CC79A7", marker="X", dashes=_DASHED),
    Setting.STABLE: Look(colour="#56B4E9", marker="P", dashes=_DOTTED),
    Setting.AMP_BF16: Look(colour="#0072B2", marker="<", dashes=_MIXED),
    Setting.HALF_BF16: Look(colour="#D55E00", marker=">", dashes=_DASHED),
}


def styled() -> AbstractContextManager[None]:
    """Return the context in which every figure is drawn and saved."""
    return rc_context(_RC)


def looks(settings: list[str]) -> dict[str, Look]:
    """Return the look of each setting; custom ones take turns, in their order, with hollow markers."""
    spare = list(_LOOKS.values())[1:]
    custom = [setting for setting in settings if setting not in _LOOKS]
    taken = {setting: spare[place % len(spare)] for place, setting in enumerate(custom)}
    return {
        setting: _LOOKS[setting]
        if setting in _LOOKS
        else Look(colour=taken[setting].colour, marker=taken[setting].marker, dashes="-", hollow=True)
        for setting in settings
    }


def handles(shown: dict[str, Look], *, lines: bool = True) -> list[Line2D]:
    """Return the entries of a legend."""
    return [
        Line2D([], [], label=setting, **(look.line() if lines else look.dot()))
        for setting, look in shown.items()
    ]
