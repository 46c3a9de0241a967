"""Arguments: what the suite adds to pytest's command line.

Every default is None or empty, so that an option was given where its value is anything else; defaults that
mean something are applied when options are read.
"""

from __future__ import annotations

import pytest

from redl.data.options import OPTIONS
from redl.plugin.options.outcomes import CHECKS, PLAN, REPORT, RESUME, Arguments


def _sizes() -> Arguments:
    meanings = {
        "epochs": "train for at most this many epochs",
        "patience": "stop after this many epochs without a better validation loss",
        "batch-size": "images per batch",
        "learning-rate": "learning rate of the optimizer",
        "image-size": "side of the images in pixels",
        "images": "take at most this many images of each data set, whole subjects only",
        "seeds": "seeds of training, e.g. 1,10,100 or 1-10",
        "scales": "downsample to halves, quarters, ..., e.g. 2,4,8",
    }
    return tuple(
        (f"--redl-{name}", {"metavar": "N", "help": f"{meaning} (default: the profile's)"})
        for name, meaning in meanings.items()
    )


_DATA: Arguments = tuple((one.suite_flag, {"metavar": one.metavar, "help": one.help}) for one in OPTIONS)

_STUDY: Arguments = (
    ("--redl-profile", {"metavar": "NAME", "help": "smoke (default), paper or tiny"}),
    (
        "--redl-model",
        {
            "metavar": "NAME",
            "action": "append",
            "default": [],
            "help": "train only this network: one of the study, your own, or any of timm's; may be repeated",
        },
    ),
    (
        "--redl-settings",
        {
            "metavar": "NAMES",
            "help": "also train these settings: the study's with ckpt (activations computed again) and "
            "micro<N> (batches in pieces of N images) added, e.g. ckpt,half+8bit+ckpt+micro4",
        },
    ),
    *_sizes(),
)

_CASE: Arguments = (
    ("--redl-timeout", {"metavar": "SECONDS", "help": "end a case that works longer (default: a day)"}),
    (
        "--redl-retries",
        {
            "metavar": "N",
            "help": "run a case again, so often at most, whose process was killed or died of a signal "
            "(default: 0)",
        },
    ),
    (
        "--redl-settle",
        {
            "metavar": "SECONDS",
            "help": "wait this long before training and before inference, so that the heat of what ran "
            "before slows neither down (default: 0)",
        },
    ),
    (
        "--redl-half-dtype",
        {
            "metavar": "DTYPE",
            "help": "16-bit weights: bfloat16, float16 or auto (default), float16 on CUDA, bfloat16 on a CPU",
        },
    ),
    (
        "--redl-plain",
        {"action": "store_true", "help": "leave out what makes a GPU faster, for all settings alike"},
    ),
    (
        "--redl-tf32",
        {
            "action": "store_true",
            "help": "let a GPU round the factors of float32 products to TF32 (default: full float32)",
        },
    ),
    (
        "--redl-pretrained",
        {
            "metavar": "WHEN",
            "help": "start from pretrained weights: no, try, require, or published, i.e. required where any "
            "were published (default: the profile's)",
        },
    ),
    (
        "--redl-weights",
        {
            "metavar": "DIR",
            "help": "folder of pretrained weights, e.g. densenet121.safetensors, tried before timm's hub",
        },
    ),
)

_BUDGETS: Arguments = (
    (
        "--redl-budgets",
        {
            "metavar": "SIZES",
            "help": "find the largest batch that trains within each of these, e.g. 4GB,512MB "
            "(benchmarks/test_budget.py)",
        },
    ),
    (
        "--redl-most-batch",
        {"metavar": "N", "help": "try no larger batch within a budget (default: 1024)"},
    ),
)

_DEPLOYMENT: Arguments = (
    (
        "--redl-deploy",
        {
            "metavar": "NAMES",
            "help": "settings whose trained networks are measured in other runtimes, e.g. baseline,amp "
            "(default: baseline)",
        },
    ),
    (
        "--redl-threads",
        {"metavar": "N", "help": "threads of each deployed network, e.g. 1,2,4 (default: 1)"},
    ),
    (
        "--redl-exports",
        {
            "metavar": "DIR",
            "help": "keep the files of deployed networks in this folder (default: they are deleted)",
        },
    ),
)

_ENERGY: Arguments = (
    (
        "--redl-country",
        {
            "metavar": "CODE",
            "help": "country whose average carbon intensity of electricity is applied, e.g. DK (default: the "
            "world's)",
        },
    ),
    (
        "--redl-carbon-intensity",
        {
            "metavar": "G",
            "help": "carbon intensity of your electricity, in grams of CO2eq per kWh, instead of a country's",
        },
    ),
    (
        "--redl-pue",
        {"metavar": "FACTOR", "help": "energy of the site over that of its machines (default: 1)"},
    ),
    (
        "--redl-cpu-tdp",
        {
            "metavar": "WATTS",
            "help": "the CPU's rated power, to estimate its energy where no sensor can be read",
        },
    ),
)

_WORKERS: Arguments = (
    (
        "--redl-workers",
        {
            "metavar": "N",
            "help": "run so many cases at once, each with a GPU or with cores of its own, or `auto`: as many "
            "as there is room for",
        },
    ),
    (
        "--redl-dask",
        {"metavar": "ADDRESS", "help": "run cases on the workers of this Dask scheduler, one on each"},
    ),
    (
        "--redl-share",
        {
            "action": "store_true",
            "help": "let workers share GPUs and processors, which marks every figure of time and energy",
        },
    ),
)

_ALL = _STUDY + _DATA + _CASE + _WORKERS + _BUDGETS + _DEPLOYMENT + _ENERGY + CHECKS + REPORT + RESUME + PLAN


def add_options(parser: pytest.Parser) -> None:
    """Add redl's options."""
    group = parser.getgroup("redl", "what resource-saving settings save and cost")
    for flag, words in _ALL:
        group.addoption(flag, **words)


def given_options(config: pytest.Config) -> bool:
    """Return whether the command line names any of redl's options."""
    values = (config.getoption(flag.removeprefix("--").replace("-", "_")) for flag, _ in _ALL)
    return any(value not in (None, [], False) for value in values)
