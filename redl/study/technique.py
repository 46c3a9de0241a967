"""Techniques: what may be added to a setting of the study by its name, e.g. `half+8bit+lora+ckpt+micro4`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from redl.errors import OptionError
from redl.nearest import one_of
from redl.study.case import RECOMPUTING, Setting, TrainedPart

_MICRO = re.compile(r"micro[1-9]\d{0,5}")


class OtherOptimizer(StrEnum):
    """Optimizers that take Adam's place and keep less state."""

    LION_8BIT = "lion8bit"
    ADAFACTOR = "adafactor"
    SGD_8BIT = "sgd8bit"


@dataclass(frozen=True, kw_only=True, slots=True)
class Composition:
    """A setting of the study with techniques.

    `optimizer` is None for the setting's own, `trained` for the whole network. `recomputing`: activations
    are computed again in the backward pass. A batch goes through the network in pieces of `micro_batch`
    images, whose gradients are added; None for whole batches.
    """

    setting: Setting
    optimizer: OtherOptimizer | None = None
    trained: TrainedPart | None = None
    recomputing: bool = False
    micro_batch: int | None = None

    @property
    def name(self) -> str:
        """Return the name, in the order in which it is always written."""
        base = None if self.setting is Setting.BASELINE else self.setting
        again = RECOMPUTING if self.recomputing else None
        micro = None if self.micro_batch is None else f"micro{self.micro_batch}"
        parts = (base, self.optimizer, self.trained, again, micro)
        return "+".join(part for part in parts if part is not None) or str(Setting.BASELINE)


def compose(name: str) -> Composition:
    """Read a name such as `amp+8bit+ckpt`; raise OptionError for one that is not written like that.

    >>> compose("half+8bit+micro4").micro_batch
    4
    """
    parts = name.split("+")
    optimizers = [OtherOptimizer(part) for part in parts if part in list(OtherOptimizer)]
    trained = [TrainedPart(part) for part in parts if part in list(TrainedPart)]
    micro = [int(part.removeprefix("micro")) for part in parts if _MICRO.fullmatch(part)]
    base = "+".join(part for part in parts if not _is_technique(part)) or str(Setting.BASELINE)
    if base not in list(Setting):
        raise OptionError(f"setting {name}: {base} is none of the study's; {one_of(base, Setting)}")
    for contradiction in _contradictions(parts, optimizers, trained):
        raise OptionError(f"setting {name}: {contradiction}")
    found = Composition(
        setting=Setting(base),
        optimizer=optimizers[0] if optimizers else None,
        trained=trained[0] if trained else None,
        recomputing=RECOMPUTING in parts,
        micro_batch=micro[0] if micro else None,
    )
    if found.name != name:
        raise OptionError(f"setting {name}: write it as {found.name}, each part once and in this order")
    return found


def _is_technique(part: str) -> bool:
    return part in {RECOMPUTING, *OtherOptimizer, *TrainedPart} or bool(_MICRO.fullmatch(part))


def _contradictions(
    parts: list[str], optimizers: list[OtherOptimizer], trained: list[TrainedPart]
) -> Iterator[str]:
    """Yield why parts of a name cannot stand together."""
    if len(set(optimizers)) > 1:
        yield f"{' and '.join(optimizers)} are two optimizers; leave out one"
    if optimizers and "8bit" in parts:
        yield f"{optimizers[0]} takes the place of Adam, and 8bit is Adam's state; leave out one"
    if len(set(trained)) > 1:
        yield f"{' and '.join(trained)} each say what is trained; leave out one"
    if TrainedPart.HEAD in trained and RECOMPUTING in parts:
        yield "head keeps no activations that ckpt could compute again; leave out ckpt"
