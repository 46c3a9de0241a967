"""Techniques: what may be added to a setting of the study by its name, e.g. `half+8bit+ckpt+micro4`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from redl.errors import OptionError
from redl.nearest import one_of
from redl.study.case import RECOMPUTING, Setting

_MICRO = re.compile(r"micro[1-9]\d{0,5}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Composition:
    """A setting of the study with techniques.

    `recomputing`: activations are computed again in the backward pass. A batch goes through the network in
    pieces of `micro_batch` images, whose gradients are added; None for whole batches.
    """

    setting: Setting
    recomputing: bool = False
    micro_batch: int | None = None

    @property
    def name(self) -> str:
        """Return the name, in the order in which it is always written."""
        base = () if self.setting is Setting.BASELINE else (str(self.setting),)
        again = (RECOMPUTING,) if self.recomputing else ()
        micro = () if self.micro_batch is None else (f"micro{self.micro_batch}",)
        return "+".join((*base, *again, *micro)) or str(Setting.BASELINE)


def compose(name: str) -> Composition:
    """Read a name such as `amp+8bit+ckpt`; raise OptionError for one that is not written like that.

    >>> compose("half+8bit+micro4").micro_batch
    4
    """
    parts = name.split("+")
    micro = [int(part.removeprefix("micro")) for part in parts if _MICRO.fullmatch(part)]
    rest = [part for part in parts if part != RECOMPUTING and not _MICRO.fullmatch(part)]
    base = "+".join(rest) or str(Setting.BASELINE)
    if base not in list(Setting):
        raise OptionError(f"setting {name}: {base} is none of the study's; {one_of(base, Setting)}")
    found = Composition(
        setting=Setting(base),
        recomputing=RECOMPUTING in parts,
        micro_batch=micro[0] if micro else None,
    )
    if found.name != name:
        raise OptionError(f"setting {name}: write it as {found.name}, each part once and in this order")
    return found
