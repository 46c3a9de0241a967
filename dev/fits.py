"""Write the tables of what fits from saved runs: `python dev/fits.py RUN.json ...`, whole, then in short."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from redl.record.budget import Fit
from redl.results.fits_table import FIGURES, figures_of
from redl.results.store import FIT_KEY
from redl.study.size import spelled_size

BATCH = 32  # of the paper


def main(paths: Sequence[str]) -> None:
    """Print a row for each model, setting and cap, of the last run that has it, then one for each setting."""
    found = {(fit.model, fit.setting, fit.cap_bytes): fit for path in paths for fit in _fits_of(Path(path))}
    fits = list(found.values())
    whole = ([*_names(fit), spelled_size(fit.cap_bytes), *_figures(fit)] for fit in fits)
    _print(("model", "setting", "cap", *FIGURES, "trials"), whole)
    caps = sorted({fit.cap_bytes for fit in fits})
    largest = {(fit.model, fit.setting, fit.cap_bytes): figures_of(fit, BATCH)[0] for fit in fits}
    short = (
        [*names, *(largest.get((*pair, cap), "-") for cap in caps)]
        for pair, names in {(fit.model, fit.setting): _names(fit) for fit in fits}.items()
    )
    _print(("model", "setting", *map(spelled_size, caps)), short)


def _fits_of(path: Path) -> list[Fit]:
    entries = json.loads(path.read_text())["benchmarks"]
    return [Fit.from_json(found) for one in entries if (found := one["extra_info"].get(FIT_KEY))]


def _names(fit: Fit) -> list[str]:
    return [fit.model, f"`{fit.setting}`"]


def _figures(fit: Fit) -> list[str]:
    return [*figures_of(fit, BATCH), str(len(fit.trials))]


def _print(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    lines = [f"| {' | '.join(row)} |" for row in (heads, *rows)]
    lines.insert(1, f"|{'---|' * len(heads)}")
    sys.stdout.write("\n".join(lines) + "\n\n")


if __name__ == "__main__":
    main(sys.argv[1:])
