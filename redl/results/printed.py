"""The tables that Selvan, Schoen and Dam (2023) printed, as records whose source is the paper."""

from __future__ import annotations

from importlib.resources import files

import msgspec

from redl.record.strict import Section, decode

FILES = ("table1.json", "table2.json")


class PrintedRow(Section, frozen=True, kw_only=True):
    """One printed row: means over three seeds on one RTX 3090, in the units printed.

    `diverged` says that any seed did, `doubtful` names the figures that the table itself puts in doubt.
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


def printed_rows() -> list[PrintedRow]:
    """Return the rows of the printed tables, which come with redl."""
    rows: list[PrintedRow] = []
    for name in FILES:
        plain = msgspec.json.decode(files("redl.results").joinpath("paper", name).read_bytes())["rows"]
        rows += [decode(row, PrintedRow, f"{name}[{number}]") for number, row in enumerate(plain)]
    return rows
