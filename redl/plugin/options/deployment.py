"""Options of deployment: which trained networks are run elsewhere, on how many threads, kept where."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import pytest

from redl.errors import OptionError
from redl.nearest import one_of
from redl.plugin.options.values import value_or_none, whole_numbers
from redl.study.case import Setting

_REMEDY = "give whole numbers above 0, each once, e.g. 1,2,4"


@dataclass(frozen=True, kw_only=True, slots=True)
class DeploymentOptions:
    """Settings whose networks are deployed, the numbers of threads, and a folder that keeps the files."""

    settings: tuple[str, ...]
    threads: tuple[int, ...]
    exports: Path | None

    @property
    def chosen(self) -> tuple[tuple[str, ...], tuple[int, ...]]:
        """Return what chooses the tests."""
        return self.settings, self.threads


def deployment_options(config: pytest.Config, settings: Collection[str]) -> DeploymentOptions:
    """Read these options; raise OptionError for a setting that is none of `settings`, or an odd number."""
    asked: str = config.getoption("redl_deploy") or Setting.BASELINE
    names = tuple(dict.fromkeys(name for name in asked.split(",") if name))
    for name in names:
        if name not in settings:
            raise OptionError(f"--redl-deploy {name}: no such setting in this run; {one_of(name, settings)}")
    threads = value_or_none(config, "threads", whole_numbers, _REMEDY, lambda numbers: min(numbers) > 0)
    exports = config.getoption("redl_exports")
    return DeploymentOptions(
        settings=names, threads=threads or (1,), exports=None if exports is None else Path(exports)
    )
