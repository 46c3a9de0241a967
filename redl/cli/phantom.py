"""`redl data phantom`: write a phantom, synthetic data in the real layout whose difficulty is known."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redl.cli.display import Progress, one_line, positives, print_facts, silent
from redl.cli.options import flag, given, refuse_foreign
from redl.errors import OptionError
from redl.study.case import Dataset
from redl.study.profile import SMOKE

if TYPE_CHECKING:
    from redl.data.source import Source

# Each option is a field of Phantom or of LidcPhantom, whose defaults the help repeats.
_SHARED: dict[str, tuple[type, str]] = {
    "seed": (int, "seed of everything that is drawn (default: 2023)"),
    "label_noise": (float, "chance that a label is recorded wrongly (default: 0)"),
}
_RSNA: dict[str, tuple[type, str]] = {
    "subjects": (int, f"subjects of the cohort (default: {SMOKE.phantom_subjects})"),
    "rows": (int, "pixels down an image (default: 256)"),
    "columns": (int, "pixels across an image (default: three quarters of the rows)"),
    "prevalence": (float, "share of subjects with lesions (default: 0.494)"),
    "contrast": (float, "brightness of a lesion (default: 0.55)"),
    "radius_fraction": (float, "radius of a lesion over the rows (default: 0.1)"),
    "texture": (float, "strength of the texture (default: 0.08)"),
    "noise": (float, "strength of the noise (default: 0.01)"),
    "site_leak": (bool, "let all of site 2 be positive, as in the real data"),
    "even_counts": (bool, "give positive subjects as many images as negative ones"),
}
_LIDC: dict[str, tuple[type, str]] = {
    "patients": (int, f"patients (default: {SMOKE.phantom_patients})"),
    "contrast_hu": (float, "brightness of a nodule that all raters marked (default: 300)"),
    "texture_hu": (float, "strength of the texture (default: 100)"),
    "noise_hu": (float, "strength of the noise (default: 60)"),
}


def add(tasks: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    parser = tasks.add_parser("phantom", help="write synthetic data in the real layout")
    parser.add_argument("--dataset", required=True, metavar="NAME", help="rsna or lidc")
    parser.add_argument("--root", type=Path, metavar="DIR", required=True, help="a new folder")
    for title, choices in (
        ("options", _SHARED),
        ("options of --dataset rsna", _RSNA),
        ("options of --dataset lidc", _LIDC),
    ):
        group = parser.add_argument_group(title)
        for name, (kind, words) in choices.items():
            if kind is bool:
                group.add_argument(flag(name), action="store_true", default=None, help=words)
            else:
                group.add_argument(flag(name), type=kind, metavar="N" if kind is int else "X", help=words)
    parser.set_defaults(run=run, again="run it again to resume")


def run(arguments: argparse.Namespace) -> int:
    """Write a phantom and print a summary."""
    write = _writing(arguments)
    start = time.perf_counter()
    with Progress() as progress, one_line(arguments.root):
        write(progress.counting(f"{arguments.dataset}: writing the phantom"))
    seconds = time.perf_counter() - start
    source = _source(arguments.root, arguments.dataset)
    files = [file.stat().st_size for file in arguments.root.rglob("*") if file.is_file()]
    print_facts(
        f"Phantom of {arguments.dataset}",
        [
            ("images", str(len(source.labels))),
            ("positive images", positives(source.labels)),
            ("subjects", str(len(set(source.subjects.tolist())))),
            ("on disk", f"{sum(files) / 1e6:.1f} MB in {len(files)} files"),
            ("ideal accuracy", f"{source.ideal_accuracy:.3f}, which results can exceed only by chance"),
            ("seconds", f"{seconds:.1f}"),
            ("folder", str(arguments.root)),
        ],
    )
    return 0


def _writing(arguments: argparse.Namespace) -> Callable[[Callable[[int, int], None]], None]:
    """Return what writes the phantom; raise RedlError for one that cannot be."""
    root = arguments.root
    if arguments.dataset not in list(Dataset):
        raise OptionError(
            f"--dataset {arguments.dataset}: there are phantoms of {' and '.join(Dataset)}; name one"
        )
    if arguments.dataset == Dataset.RSNA:
        refuse_foreign(arguments, _LIDC)
        from redl.data.rsna.phantom import Phantom, write_rsna

        chosen = given(arguments, _SHARED | _RSNA)
        if "rows" in chosen:  # lesions are sized by the rows, and have to fit into the columns
            chosen.setdefault("columns", chosen["rows"] * 3 // 4)
        rsna = Phantom(**{"subjects": SMOKE.phantom_subjects, **chosen})
        return lambda on_progress: write_rsna(root, rsna, on_progress=on_progress)
    refuse_foreign(arguments, _RSNA)
    from redl.data.lidc.phantom import LidcPhantom, write_lidc

    lidc = LidcPhantom(**{"patients": SMOKE.phantom_patients, **given(arguments, _SHARED | _LIDC)})
    return lambda on_progress: write_lidc(root, lidc, on_progress=on_progress)


def _source(root: Path, dataset: Dataset) -> Source:
    """Return the source of what was written, as the suite sees it by default."""
    from redl.data.datasets import DataOptions, find_source

    roots: dict[str, Any] = {f"{dataset}_root": root}
    return find_source(dataset, SMOKE, DataOptions(cache=root, **roots), on_progress=silent)
