"""The tables that Selvan, Schoen and Dam (2023) printed, as records whose source is the paper."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from redl import codec
from redl.errors import RecordError

FILES = ("table1.json", "table2.json")


@dataclass(frozen=True, kw_only=True, slots=True)
class PrintedRow:
    """Hold one printed row: means over three seeds on one RTX 3090, in the units printed.

    `diverged` tells that any seed did, `doubtful` names the figures that the table itself puts in doubt.
    """

    source: str
    table: int
    dataset: str
    model: str
    setting: str
    parameters_millions: float
    accuracy_mean: float
    accuracy_sd: float
    diverged: bool
    gpu_memory_gb: float
    train_time_s: float
    inference_time_s: float
    energy_wh: float
    doubtful: tuple[str, ...]
    note: str | None


def load_printed(folder: Path) -> list[PrintedRow]:
    """Read the printed tables from a folder, as reports/paper; there are none where it holds none.

    Raise RecordError for a table that is damaged.
    """
    rows: list[PrintedRow] = []
    # A project of somebody else's may have a folder of this name.
    if not any((folder / name).exists() for name in FILES):
        return rows
    for name in FILES:
        try:
            plain = json.loads((folder / name).read_text(encoding="utf-8"))["rows"]
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise RecordError(f"{name}: cannot be read ({type(error).__name__}); restore it") from error
        rows += [codec.decode(row, PrintedRow, f"{name}[{number}]") for number, row in enumerate(plain)]
    return rows
