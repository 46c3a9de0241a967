"""Write the table of what fits from saved runs: `python dev/fits.py RUN.json ... > TABLE.md`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from redl.record.budget import Fit
from redl.results.fits_table import FIGURES, figures_of
from redl.results.store import FIT_KEY
from redl.study.size import spelled_size

HEADS = ("model", "setting", "cap", *FIGURES, "trials")
BATCH = 32  # of the paper


def main(paths: list[str]) -> None:
    """Print a row for each model, setting and cap."""
    sys.stdout.write(f"| {' | '.join(HEADS)} |\n|{'---|' * len(HEADS)}\n")
    for path in paths:
        for entry in json.loads(Path(path).read_text())["benchmarks"]:
            if (found := entry["extra_info"].get(FIT_KEY)) is not None:
                sys.stdout.write(f"| {' | '.join(_row(Fit.from_json(found)))} |\n")


def _row(fit: Fit) -> tuple[str, ...]:
    place = fit.model, f"`{fit.setting}`", spelled_size(fit.cap_bytes)
    return *place, *figures_of(fit, BATCH), str(len(fit.trials))


if __name__ == "__main__":
    main(sys.argv[1:])
