"""What is to be fitted into a budget: a model under a setting, and a cap of its memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from redl.study.case import Case, Setting
from redl.study.size import spelled_size


@dataclass(frozen=True, kw_only=True, slots=True)
class Budgeted:
    """A model under a setting, and the bytes that it may take."""

    model: str
    setting: str
    cap_bytes: int

    @property
    def id(self) -> str:
        """Return its name, e.g. `densenet-amp+8bit-cap4g`."""
        size = spelled_size(self.cap_bytes).removesuffix("B").lower().replace(".", "_")
        return f"{self.model}-{self.setting}-cap{size}"


def budgeted(cases: Iterable[Case], caps: Sequence[int]) -> list[Budgeted]:
    """Return each model and setting of some cases once, under each cap, but none that is bound to diverge.

    The largest comes first, because what it shows guides the search under the others.
    """
    names = dict.fromkeys((case.model, case.setting) for case in cases if case.setting != Setting.HALF)
    return [
        Budgeted(model=model, setting=setting, cap_bytes=cap)
        for model, setting in names
        for cap in sorted(caps, reverse=True)
    ]
