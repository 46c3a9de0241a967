"""Display of progress, as bars on a terminal and plain lines elsewhere, and of figures in aligned columns."""

from __future__ import annotations

import shutil
import sys
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from redl.errors import OptionError
from redl.pace import Pace
from redl.printable import printable, printable_line

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from redl.data.cache.entry import Findings


_LEAST_COLUMNS = 120  # fewer would break the figures of a table

OnProgress = Callable[[int, int], None]


class Progress:
    """Progress of long steps, shown on stderr."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._bars = _bars_on_terminal()

    def __enter__(self) -> Self:
        if self._bars:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars:
            self._bars.stop()

    def counting(self, what: str) -> OnProgress:
        """Return what to call with (done, total) while `what` is counted through."""
        return self._lines(what) if self._bars is None else self._bar(what, self._bars)

    def _bar(self, what: str, bars: Bars) -> OnProgress:
        task: TaskID | None = None

        def show(done: int, total: int) -> None:
            nonlocal task
            if task is None:
                task = bars.add_task(what)
            bars.update(task, completed=done, total=total)

        return show

    def _lines(self, what: str) -> OnProgress:
        pace = Pace(clock=self._clock)

        def show(done: int, total: int) -> None:
            if line := pace.line(done, total):
                sys.stderr.write(f"{what}  {line}\n")

        return show


def _bars_on_terminal() -> Bars | None:
    from rich import progress as rich  # here, so that --help shows at once
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    columns = (
        rich.TextColumn("{task.description}", markup=False),
        rich.BarColumn(),
        rich.MofNCompleteColumn(),
    )
    times = (rich.TimeElapsedColumn(), rich.TimeRemainingColumn())
    return rich.Progress(*columns, *times, console=console) if console.is_terminal else None


def silent(_: str) -> OnProgress:
    """Show nothing of a step that takes no time."""

    def show(done: int, total: int) -> None: ...

    return show


def positives(labels: NDArray[np.uint8]) -> str:
    """Say how many labels are positive, and the accuracy of always answering the majority class."""
    from redl.data.rsna.description import majority_accuracy

    majority = majority_accuracy(labels)
    return f"{labels.sum()} ({labels.mean():.1%}), majority accuracy {majority:.3f}"


def table_width() -> int:
    """Return the number of columns for a table: the terminal's, but at least those that break no figure."""
    return max(shutil.get_terminal_size().columns, _LEAST_COLUMNS)


def print_note(note: str) -> None:
    """Print a line beside the output proper."""
    sys.stderr.write(f"{printable(note)}\n")


def print_facts(title: str, facts: Iterable[tuple[str, str]]) -> None:
    """Print a title and named figures, one a line."""
    facts = list(facts)
    width = max((len(name) for name, _ in facts), default=0)
    _print(title, (f"{name.ljust(width)}  {value}" for name, value in facts))


def print_table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a title and rows under their head, the first column to the left and the others to the right."""
    lines = [head, *rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(head))]
    _print(title, (_row(line, widths) for line in lines))


def print_list(title: str, lines: Iterable[str]) -> None:
    """Print a title and lines as they are, or nothing if there are no lines."""
    if lines := list(lines):
        _print(title, lines)


def print_findings(found: Findings) -> None:
    """Print what turned up while images were read, each with the file that it concerns."""
    print_list("Unreadable", [f"{one.name}: {one.reason}" for one in found.unreadable])
    names: dict[str, list[str]] = {}
    for one in found.remarks:
        names.setdefault(one.reason, []).append(one.name)
    for remark, files in names.items():
        print_list(f"Files, {remark} ({len(files)})", textwrap.wrap(", ".join(files), 100))
    alike = [
        f"{one.name}: {'the same as' if one.exact else 'nearly the same as'} {one.like}"
        for one in found.duplicates
    ]
    print_list("Under another subject too", alike)


def print_left_out(skipped: Iterable[str]) -> None:
    """Print which scans are missing, as ranges of numbers."""
    numbers = [int(name.removeprefix("scan ")) for name in skipped]
    print_list("Scans that are not there and are left out", textwrap.wrap(", ".join(_runs(numbers)), 100))


def _runs(numbers: Iterable[int]) -> Iterator[str]:
    for _, run in groupby(enumerate(numbers), key=lambda one: one[1] - one[0]):
        first, *others = (number for _, number in run)
        yield f"{first} to {others[-1]}" if others else str(first)


def _row(line: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (
        cell.rjust(width) if place else cell.ljust(width)
        for place, (cell, width) in enumerate(zip(line, widths, strict=True))
    )
    return "  ".join([first, *others])


def print_text(text: str) -> None:
    """Print lines as they are, but for what no terminal or CI should get to see."""
    sys.stdout.write(printable(text))


def _print(title: str, lines: Iterable[str]) -> None:
    from rich.console import Console

    # No wrapping: a line that is searched for, or copied, stays whole.
    console = Console(markup=False, highlight=False, emoji=False, soft_wrap=True)
    console.print(printable_line(title), style="bold")
    for line in lines:
        console.print(f"  {printable(line)}")


@contextmanager
def one_line(place: Path) -> Iterator[None]:
    """Turn what the system says about writing below `place` into an OptionError.

    Faults of the data themselves are DataErrors already.
    """
    try:
        yield
    except OSError as error:
        # `from None`, and without its file name: a path below can hold a patient.
        raise OptionError(
            f"{place}: {error.strerror or type(error).__name__}; name a folder that can be written, with room"
        ) from None
