"""Data: where images lie and which are taken, as the command line and the environment say."""

from __future__ import annotations

from pathlib import Path

import platformdirs
import pytest

from redl.data.folder import Folder
from redl.data.lidc.rules import LidcRules
from redl.data.rsna import CohortRules
from redl.execution.inputs import DataOptions
from redl.options.values import choice, folder, pair, value, value_or_none
from redl.profile import Profile


def data_options(config: pytest.Config, profile: Profile, folders: tuple[Folder, ...]) -> DataOptions:
    """Read where data lie and what is taken from them; raise RedlError for what cannot be used."""
    any_age = config.getoption("redl_rsna_max_age") == "none"
    cohort = CohortRules(
        max_age=None if any_age else value(config, "rsna_max_age", float, "give years, or none"),
        site=value_or_none(config, "rsna_site", int, "give a site's number, as 1"),
    )
    return DataOptions(
        cache=folder(config, "cache") or Path(platformdirs.user_cache_dir("redl")),
        rsna_root=folder(config, "rsna_root"),
        cohort=cohort,
        crop=choice(config, "crop", ("yes", "no")) == "yes",
        lidc_root=folder(config, "lidc_root"),
        lidc=LidcRules(
            min_raters=value(config, "lidc_min_raters", int, "give 1 to 4"),
            max_cluster=value_or_none(config, "lidc_max_cluster", int, "give a number of annotations, as 4"),
            spacing_mm=_spacing(config, profile),
            window_hu=value(config, "lidc_window_hu", pair, "give two numbers, as -1000,400"),
        ),
        folders=folders,
        max_unreadable=value(config, "max_unreadable", float, "give a share from 0 to 1, as 0.01"),
    )


def _spacing(config: pytest.Config, profile: Profile) -> float | None:
    match config.getoption("redl_lidc_spacing_mm"):
        case None:
            return profile.patch_spacing_mm
        case "none":
            return None
        case _:
            return value(config, "lidc_spacing_mm", float, "give millimetres, as 0.7, or none")
