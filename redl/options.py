"""Options: what the command line, the environment and pyproject.toml ask of the suite."""

from __future__ import annotations

import math
import os
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import platformdirs
import pytest

from redl.data.folder import Folder
from redl.data.lidc.rules import LidcRules
from redl.data.rsna import CohortRules
from redl.errors import OptionError
from redl.execution.inputs import DataOptions
from redl.metering.assumptions import Assumptions
from redl.profile import Pretraining, Profile, profile_named

HALF_DTYPES = ("auto", "bfloat16", "float16")

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """Hold what was asked for."""

    profile: Profile
    data: DataOptions
    timeout_s: float
    half_dtype: str | None
    reference: Path | None
    assumptions: Assumptions
    weights: Path | None


def add_options(parser: pytest.Parser) -> None:
    """Add redl's options."""
    add = parser.getgroup("redl", "what resource-saving settings save and cost").addoption
    add("--redl-profile", default="smoke", metavar="NAME", help="smoke (default), paper or tiny")
    add(
        "--redl-rsna-root",
        metavar="DIR",
        help="RSNA mammography as Kaggle hands it out (or REDL_RSNA_ROOT); without it, a phantom",
    )
    add(
        "--redl-rsna-max-age",
        metavar="YEARS",
        default="55",
        help="subjects younger than this (default: 55, the paper's cohort), or 'none'",
    )
    add("--redl-rsna-site", metavar="N", help="subjects of one site, 1 or 2 (default: both)")
    add(
        "--redl-crop",
        metavar="yes|no",
        default="yes",
        help="cut mammograms to the breast (default), or squash them whole, as published",
    )
    add(
        "--redl-lidc-root",
        metavar="DIR",
        help="LIDC-IDRI as TCIA hands it out (or REDL_LIDC_ROOT); without it, a phantom",
    )
    add(
        "--redl-lidc-min-raters",
        metavar="N",
        default="2",
        help="raters who call a patch positive (default: 2, the paper's text; 3 is its code)",
    )
    add(
        "--redl-lidc-max-cluster",
        metavar="N",
        help="leave out nodules of more annotations than this (default: none)",
    )
    add(
        "--redl-lidc-spacing-mm",
        metavar="MM",
        help="resample CT scans to pixels of this size first (default: the profile's), or 'none'",
    )
    add(
        "--redl-lidc-window-hu",
        metavar="LOW,HIGH",
        default="-1000,400",
        help="Hounsfield units that become 0 and 1 (default: -1000,400)",
    )
    add(
        "--redl-max-unreadable",
        metavar="SHARE",
        default="0.01",
        help="share of unreadable files that is borne (default: 0.01)",
    )
    add("--redl-cache", metavar="DIR", help="where phantoms and prepared images are kept (or REDL_CACHE)")
    add(
        "--redl-timeout",
        metavar="SECONDS",
        default="86400",
        help="end a case that works longer (default: a day)",
    )
    add(
        "--redl-half-dtype",
        metavar="DTYPE",
        default="auto",
        help="16-bit weights: bfloat16, float16 or auto (default), float16 on CUDA and bfloat16 on a CPU",
    )
    add(
        "--redl-country",
        metavar="CODE",
        help="country whose average carbon intensity of electricity is applied, as DK (default: the world's)",
    )
    add(
        "--redl-carbon-intensity",
        metavar="G",
        help="carbon intensity of the electricity in use, in grams of CO2eq a kWh, in place of a country's",
    )
    add(
        "--redl-pue",
        metavar="FACTOR",
        default="1",
        help="energy of the site over that of its machines (default: 1, the machine alone)",
    )
    add(
        "--redl-cpu-tdp",
        metavar="WATTS",
        help="the CPU's rated power, from which its energy is estimated where no sensor can be read",
    )
    add(
        "--redl-pretrained",
        metavar="WHEN",
        help="start from pretrained weights: no, try or require (default: the profile's)",
    )
    add(
        "--redl-weights",
        metavar="DIR",
        help="folder of pretrained weights, as densenet121.safetensors, that come before timm's hub",
    )
    add("--redl-reference", metavar="FILE", help="saved run whose baselines serve where this run has none")


def read_options(config: pytest.Config, folders: Iterable[Folder]) -> Options:
    """Read redl's options; raise RedlError naming the one that cannot be used.

    `folders` are the user's own data sets, which those of pyproject.toml join.
    """
    given = config.getoption
    profile, weights = _with_weights(config, profile_named(given("redl_profile")))
    half_dtype = given("redl_half_dtype")
    if half_dtype not in HALF_DTYPES:
        raise OptionError(f"--redl-half-dtype {half_dtype}: use one of {', '.join(HALF_DTYPES)}")
    reference = given("redl_reference")
    return Options(
        profile=profile,
        data=_data_options(config, profile, (*folders, *_declared(config.rootpath / "pyproject.toml"))),
        timeout_s=_number(
            config, "timeout", float, "give seconds above 0, as 3600", lambda s: 0 < s < math.inf
        ),
        half_dtype=None if half_dtype == "auto" else half_dtype,
        reference=_saved_reference(config, profile) if reference is None else Path(reference),
        assumptions=_assumptions(config),
        weights=weights,
    )


def _with_weights(config: pytest.Config, profile: Profile) -> tuple[Profile, Path | None]:
    """Return the profile with the pretraining that was asked for, and the weights' folder."""
    asked, folder = config.getoption("redl_pretrained"), config.getoption("redl_weights")
    if asked is not None and asked not in list(Pretraining):
        raise OptionError(f"--redl-pretrained {asked}: use one of {', '.join(Pretraining)}")
    if folder is None:
        return profile if asked is None else replace(profile, pretraining=Pretraining(asked)), None
    if asked == Pretraining.NO:
        raise OptionError("--redl-weights and --redl-pretrained=no exclude each other; leave one out")
    if not Path(folder).is_dir():
        raise OptionError(f"--redl-weights {folder}: no such folder")
    # Whoever names weights does not want to train without them.
    return replace(profile, pretraining=Pretraining(asked or Pretraining.REQUIRE)), Path(folder)


def _assumptions(config: pytest.Config) -> Assumptions:
    return Assumptions(
        country=config.getoption("redl_country"),
        g_per_kwh=_number_or_none(config, "carbon_intensity", float, "give grams of CO2eq a kWh, as 120"),
        pue=_number(config, "pue", float, "give a factor of 1 or more, as 1.2"),
        cpu_tdp_w=_number_or_none(config, "cpu_tdp", float, "give watts, as 65"),
    )


def _data_options(config: pytest.Config, profile: Profile, folders: tuple[Folder, ...]) -> DataOptions:
    given = config.getoption
    crop = given("redl_crop")
    if crop not in {"yes", "no"}:
        raise OptionError(f"--redl-crop {crop}: use yes or no")
    any_age = given("redl_rsna_max_age") == "none"
    cohort = CohortRules(
        max_age=None if any_age else _number(config, "rsna_max_age", float, "give years, or none"),
        site=_number_or_none(config, "rsna_site", int, "give a site's number, as 1"),
    )
    return DataOptions(
        cache=_folder(config, "cache") or Path(platformdirs.user_cache_dir("redl")),
        rsna_root=_folder(config, "rsna_root"),
        cohort=cohort,
        crop=crop == "yes",
        lidc_root=_folder(config, "lidc_root"),
        lidc=LidcRules(
            min_raters=_number(config, "lidc_min_raters", int, "give 1 to 4"),
            max_cluster=_number_or_none(
                config, "lidc_max_cluster", int, "give a number of annotations, as 4"
            ),
            spacing_mm=_spacing(config, profile),
            window_hu=_number(config, "lidc_window_hu", _pair, "give two numbers, as -1000,400"),
        ),
        folders=folders,
        max_unreadable=_number(config, "max_unreadable", float, "give a share from 0 to 1, as 0.01"),
    )


def _folder(config: pytest.Config, name: str) -> Path | None:
    """Return what an option names, else the environment."""
    given = config.getoption(f"redl_{name}") or os.environ.get(f"REDL_{name.upper()}")
    return Path(given) if given else None


def _number(
    config: pytest.Config,
    name: str,
    kind: Callable[[str], T],
    remedy: str,
    fits: Callable[[T], bool] = lambda _: True,
) -> T:
    text = config.getoption(f"redl_{name}")
    try:
        number = kind(text)
    except ValueError:
        number = None
    if number is None or not fits(number):
        raise OptionError(f"--redl-{name.replace('_', '-')} {text}: {remedy}")
    return number


def _number_or_none(config: pytest.Config, name: str, kind: Callable[[str], T], remedy: str) -> T | None:
    return None if config.getoption(f"redl_{name}") is None else _number(config, name, kind, remedy)


def _spacing(config: pytest.Config, profile: Profile) -> float | None:
    match config.getoption("redl_lidc_spacing_mm"):
        case None:
            return profile.patch_spacing_mm
        case "none":
            return None
        case _:
            return _number(config, "lidc_spacing_mm", float, "give millimetres, as 0.7, or none")


def _pair(text: str) -> tuple[float, float]:
    low, high = text.split(",")
    return float(low), float(high)


def _declared(pyproject: Path) -> Iterable[Folder]:
    """Return the data sets that pyproject.toml declares in [tool.redl.datasets.NAME]."""
    try:
        ours = tomllib.loads(pyproject.read_text("utf-8")).get("tool", {}).get("redl", {})
    except FileNotFoundError:
        return []
    except tomllib.TOMLDecodeError as error:
        raise OptionError(f"{pyproject}: {error}") from error
    datasets = ours.get("datasets", {})
    if not isinstance(datasets, dict):
        raise OptionError(f"{pyproject.name}: [tool.redl.datasets] must be tables, a name each")
    return [_folder_of(name, table, pyproject) for name, table in datasets.items()]


def _folder_of(name: str, table: object, pyproject: Path) -> Folder:
    below = pyproject.parent
    match table:
        case {"images": str(images), "table": str(csv), "crop": bool(crop), **rest} if not rest:
            return Folder(name=name, images=below / images, table=below / csv, crop=crop)
        case {"images": str(images), "table": str(csv), **rest} if not rest:
            return Folder(name=name, images=below / images, table=below / csv)
        case _:
            raise OptionError(
                f"{pyproject.name}: [tool.redl.datasets.{name}] needs images and table, as strings, and may "
                "say crop = true"
            )


def _saved_reference(config: pytest.Config, profile: Profile) -> Path | None:
    path = config.rootpath / "reports" / "reference" / f"{profile.name}.json"
    return path if path.exists() else None
