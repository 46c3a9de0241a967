"""Arguments: what the suite adds to pytest's command line."""

from __future__ import annotations

import pytest

_SIZES = {
    "epochs": "train for at most as many epochs",
    "patience": "stop after as many epochs without a better validation loss",
    "batch-size": "images a batch",
    "learning-rate": "learning rate of the optimizer",
    "image-size": "side of the images in pixels",
    "images": "take at most as many images of each data set, by whole subjects",
    "seeds": "seeds of training, as 1,10,100 or 1-10",
    "scales": "downsample to halves, quarters, ..., as 2,4,8",
}


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
        "--redl-model",
        metavar="NAME",
        action="append",
        default=[],
        help="train this network alone: of the study, of your own, or any of timm's; may be given again",
    )
    for name, meaning in _SIZES.items():
        add(f"--redl-{name}", metavar="N", help=f"{meaning} (default: the profile's)")
    add(
        "--redl-plain",
        action="store_true",
        help="leave out what is done for speed on a GPU, the same for all settings",
    )
    add(
        "--redl-tf32",
        action="store_true",
        help="let a GPU round the factors of float32 products to TF32 (default: full float32)",
    )
    add(
        "--redl-pretrained",
        metavar="WHEN",
        help="start from pretrained weights: no, try, require or published, those that there are "
        "(default: the profile's)",
    )
    add(
        "--redl-weights",
        metavar="DIR",
        help="folder of pretrained weights, as densenet121.safetensors, that come before timm's hub",
    )
    add(
        "--redl-reference",
        metavar="FILE",
        help="accuracies of repeated runs, in whose bands a case must lie (default: reports/reference)",
    )
    add(
        "--redl-compare",
        nargs="?",
        const="",
        metavar="RUN",
        help="fail where this run is worse than a saved one: its file, number or name, or without any the "
        "baseline of the profile (`redl baseline set`)",
    )
    add(
        "--redl-fail",
        metavar="RULE",
        action="append",
        default=[],
        help="what may get how much worse, as accuracy:0.02, peak_memory:5%% or energy:25%%; may be given "
        "again (default: accuracy:noise, peak_memory:noise and diverged:0)",
    )
    add(
        "--redl-other-machine",
        action="store_true",
        help="compare with a run of another machine or software too, time and energy left out",
    )
    add(
        "--redl-verdict",
        metavar="MARGIN",
        help="fail where a setting is not shown to be within this margin of its baseline, over seeds and "
        "patients",
    )
    add(
        "--redl-verdict-metric",
        metavar="METRIC",
        default="accuracy",
        help="what the margin is of: accuracy (default), auc, sensitivity, ...",
    )
    add(
        "--redl-save-reference",
        metavar="FILE",
        help="write such a file from this run, which needs several seeds",
    )
