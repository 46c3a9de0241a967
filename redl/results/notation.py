"""Notation: how a figure is written in the terminal's tables, and the marks that stand beside it."""

from __future__ import annotations

from redl.record import EnergyKind, Record
from redl.results.aggregate import Aggregate, Spread
from redl.results.printed import PrintedRow

MISSING, LOADED = "-", "!"


def model_words(record: Record) -> str:
    """Return the name of a model, and whether it was made small."""
    return f"{record.case.model} (reduced)" if record.recipe and record.recipe.reduced else record.case.model


def millions(record: Record) -> str:
    """Return the number of parameters in millions."""
    return MISSING if record.parameters is None else f"{record.parameters / 1e6:.1f}"


def accuracy(record: Record) -> str:
    """Return the test accuracy; a star marks a training that diverged."""
    star = "*" if record.divergence and record.divergence.ever else ""
    return number(record.metrics.test.accuracy if record.metrics else None, 3) + star


def spread(found: Spread | None) -> str:
    """Return a mean, with its standard deviation if there are several seeds."""
    if found is None:
        return MISSING
    return f"{found.mean:.3f}" if found.sd is None else f"{found.mean:.3f} ± {found.sd:.3f}"


def printed_score(row: PrintedRow | None) -> str:
    """Return what the paper printed; a question mark where the printed table puts it in doubt."""
    if row is None:
        return MISSING
    doubt = "?" if "accuracy_mean" in row.doubtful else ""
    return f"{row.accuracy_mean:.3f} ± {row.accuracy_sd:.3f}{'*' if row.diverged else ''}{doubt}"


def diverged(found: Aggregate) -> str:
    """Return k of S, the exact interval of the share if any diverged, and how many did not finish."""
    words = f"{found.diverged}/{len(found.seeds) - found.broken}"
    if found.diverged and found.diverged_interval:
        low, high = found.diverged_interval
        words += f" ({low:.2f} to {high:.2f})"
    return words + (f", {found.broken} broken" if found.broken else "")


def megabytes(found: int | None) -> str:
    """Return bytes as MB."""
    return MISSING if found is None else f"{found / 1e6:.0f}"


def number(found: float | None, digits: int) -> str:
    """Return a number with so many decimals."""
    return MISSING if found is None else f"{found:.{digits}f}"


def energy(whole_wh: float | None, partial_wh: float | None, kind: EnergyKind | None) -> str:
    """Return energy in Wh; ~ marks an estimate."""
    if whole_wh is None:
        # "+" marks a partial figure: that of only the GPU must not pass for the whole machine's.
        return MISSING if partial_wh is None else f"{partial_wh:.2f}+"
    return f"{'~' if kind is EnergyKind.ESTIMATED else ''}{whole_wh:.2f}"
