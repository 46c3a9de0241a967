"""`redl fit`: with which largest batch a model trains within a budget of memory."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redl.cli.display import table_width
from redl.cli.options import count
from redl.errors import OptionError
from redl.study.case import Model, Setting
from redl.study.size import bytes_of
from redl.study.technique import compose

if TYPE_CHECKING:
    from redl.execution.job import RunOptions
    from redl.record.budget import Trial

NOTHING_FITS = 1
_SETTINGS = (Setting.BASELINE, Setting.AMP_EIGHT_BIT, Setting.HALF_EIGHT_BIT, "half+8bit+ckpt")


def add(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    parser = commands.add_parser("fit", help="find the largest batch that trains within a budget of memory")
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="one of the study, your own of ./pyproject.toml, or any of timm's",
    )
    parser.add_argument("--budget", required=True, metavar="SIZE", help="e.g. 4GB, 512MB or 4GiB")
    parser.add_argument(
        "--setting",
        action="append",
        metavar="NAME",
        help="a setting, with techniques added by +; may be repeated (default: baseline, amp+8bit, "
        "half+8bit, half+8bit+ckpt)",
    )
    parser.add_argument("--image-size", type=count, default=256, metavar="N", help="pixels (default: 256)")
    parser.add_argument(
        "--batch-size", type=count, default=32, metavar="N", help="the batch you want (default: 32)"
    )
    parser.add_argument(
        "--most-batch", type=count, default=1024, metavar="N", help="try no larger batch (default: 1024)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every trial into this file")
    parser.set_defaults(run=run, again="nothing was saved; run it again to start over")


def run(arguments: argparse.Namespace) -> int:
    """Print the trials, a table and one sentence; return 0 if the model trains within the budget."""
    import msgspec

    from redl.execution.fitting import Fitting
    from redl.results.fits_table import NOT_JUDGED, fits_table, sentence

    cap_bytes = bytes_of(arguments.budget, option="--budget")
    options, settings = _options(arguments), _settings(arguments)
    fitting = Fitting(options, most_batch=arguments.most_batch)
    fits = [fitting.fit(arguments.model, setting, cap_bytes, partial(_show, setting)) for setting in settings]
    if arguments.json is not None:
        _write(arguments.json, msgspec.json.format(msgspec.json.encode([fit.to_json() for fit in fits])))
    sys.stdout.write(
        fits_table(fits, batch_size=arguments.batch_size, width=table_width(), judged=lambda *_: NOT_JUDGED)
    )
    needs = lambda size: fitting.bytes_at(arguments.model, Setting.BASELINE, size)  # noqa: E731 - one use
    sys.stdout.write(f"{sentence(arguments.model, fits, needs)}\n")
    return 0 if any(fit.batch_size is not None for fit in fits) else NOTHING_FITS


def _options(arguments: argparse.Namespace) -> RunOptions:
    from dataclasses import replace

    from redl.execution.declared import declared_in
    from redl.execution.job import RunOptions
    from redl.execution.preflight import check
    from redl.study.custom import CustomModel
    from redl.study.profile import PAPER, Pretraining

    own = declared_in(Path("pyproject.toml"))
    models = {model.name: model for model in own.models}
    name = arguments.model
    if name not in models and name not in list(Model):
        models[name] = CustomModel(name=name, timm=name)
    profile = replace(
        PAPER,
        image_size=arguments.image_size,
        batch_size=arguments.batch_size,
        pretraining=Pretraining.NO,
    )
    options = RunOptions(
        profile=profile,
        custom_models=models,
        custom_settings={setting.name: setting for setting in own.settings},
    )
    check(options, [name])
    return options


def _settings(arguments: argparse.Namespace) -> list[str]:
    """Return the settings to try; raise OptionError for one that is neither composed nor declared."""
    from redl.execution.declared import declared_in

    own = {setting.name for setting in declared_in(Path("pyproject.toml")).settings}
    asked = list(dict.fromkeys(arguments.setting or _SETTINGS))
    for name in asked:
        if name not in own:
            try:
                compose(name)
            except OptionError as error:
                raise OptionError(f"--setting: {error}") from None
    if arguments.setting is None and arguments.model == Model.MLP:
        asked.remove("half+8bit+ckpt")
    return asked


def _show(setting: str, trial: Trial) -> None:
    sys.stderr.write(f"{setting}: {trial.words}\n")


def _write(path: Path, text: bytes) -> None:
    try:
        path.write_bytes(text + b"\n")
    except OSError as error:
        raise OptionError(f"--json {path}: {error.strerror}; name a file that can be written") from None
