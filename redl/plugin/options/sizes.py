"""Sizes: the profile, and what the command line changes in it."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from redl.errors import OptionError
from redl.plugin.options.values import value_or_none, whole_numbers
from redl.study.profile import SMOKE, Pretraining, Profile, profile_named


def sized_profile(config: pytest.Config) -> Profile:
    """Return the chosen profile with the chosen sizes; raise OptionError for one that cannot be used."""
    profile = profile_named(config.getoption("redl_profile") or SMOKE.name)
    asked: dict[str, Any] = {
        name: value_or_none(config, name, int, "give a whole number above 0", lambda number: number > 0)
        for name in ("epochs", "patience", "batch_size", "image_size", "images")
    }
    asked["learning_rate"] = value_or_none(
        config, "learning_rate", float, "give a number above 0, e.g. 1e-5", lambda rate: 0 < rate < math.inf
    )
    asked["seeds"] = value_or_none(
        config, "seeds", whole_numbers, "give whole numbers of 0 or more, each once, e.g. 1,10,100 or 1-10"
    )
    asked["scales"] = value_or_none(
        config, "scales", whole_numbers, "give whole numbers above 1, e.g. 2,4,8", lambda some: min(some) > 1
    )
    given = {name: size for name, size in asked.items() if size is not None}
    # What the user chooses applies to every model.
    schedules = tuple(
        replace(
            schedule,
            **{name: given[name] for name in ("epochs", "patience", "learning_rate") if name in given},
        )
        for schedule in profile.schedules
    )
    return _check_scales(replace(profile, schedules=schedules, **given))


def with_weights(config: pytest.Config, profile: Profile) -> tuple[Profile, Path | None]:
    """Return the profile with the chosen pretraining, and the folder of weights."""
    asked, folder = config.getoption("redl_pretrained"), config.getoption("redl_weights")
    if asked is not None and asked not in list(Pretraining):
        raise OptionError(f"--redl-pretrained {asked}: use one of {', '.join(Pretraining)}")
    if folder is None:
        return profile if asked is None else replace(profile, pretraining=Pretraining(asked)), None
    if asked == Pretraining.NO:
        raise OptionError("--redl-weights and --redl-pretrained=no exclude each other; leave one out")
    if not Path(folder).is_dir():
        raise OptionError(f"--redl-weights {folder}: no such folder")
    # Someone who names weights does not want to train without them where they exist.
    return replace(profile, pretraining=Pretraining(asked or Pretraining.PUBLISHED)), Path(folder)


def _check_scales(profile: Profile) -> Profile:
    for scale in profile.scales:
        if profile.image_size % scale:
            raise OptionError(
                f"--redl-scales {scale}: does not divide images of {profile.image_size} pixels; choose a "
                "divisor, or another --redl-image-size"
            )
    return profile
