"""How long the paper's matrix takes on 1 to 64 workers, by its printed times.

`python -m benchmarks.makespan_simulation` prints the table of "How many workers" in docs/explanation/scale.md
within a minute. Each printed row is a case for each of the three seeds; no row tells how its seeds differed.

The order is that of the study (first in, first out), that of the true times, longest first, and that of
predicted times: the true ones times exp(s z - s^2 / 2), z standard normal, whose mean is 1 and whose relative
standard deviation is 50 %. Shown is the share of the workers' time that is used: total / (workers x makespan).
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator

import numpy as np

from redl.results.printed import printed_rows
from redl.results.schedule import longest_first, makespan
from redl.study.profile import PAPER

WORKERS = (1, 2, 4, 8, 16, 32, 37, 48, 64)
ERROR = 0.5  # relative standard deviation of a prediction
DRAWS = 1000


def printed_seconds() -> list[float]:
    """Return the printed time of training of each case, in the study's order."""
    return [row.train_time_s for row in printed_rows() for _ in PAPER.seeds]


def main() -> None:
    """Print the table."""
    seconds = printed_seconds()
    total, longest = sum(seconds), max(seconds)
    _print(
        f"{len(seconds)} cases, {total / 3600:.1f} h in all, the longest {longest:.0f} s; more than "
        f"{math.ceil(total / longest)} workers gain nothing"
    )
    _print(f"{'':7}  {'makespan (h)':^28}  {'share of the time that is used':^30}")
    _print("workers  in order  longest  predicted  in order  longest  predicted (worst 5 %)")
    for line in _lines(seconds):
        _print(line)


def _lines(seconds: list[float]) -> Iterator[str]:
    predictions = _predictions(seconds)
    for workers in WORKERS:
        as_predicted = [makespan(longest_first(seconds, one), workers) for one in predictions]
        spans = (
            makespan(seconds, workers),
            makespan(longest_first(seconds), workers),
            float(np.mean(as_predicted)),
            float(np.quantile(as_predicted, 0.95)),
        )
        hours = [span / 3600 for span in spans]
        used = [sum(seconds) / workers / span for span in spans]
        yield (
            f"{workers:7}  {hours[0]:8.2f}  {hours[1]:7.2f}  {hours[2]:9.2f}  {used[0]:8.2f}  {used[1]:7.2f}  "
            f"{used[2]:9.2f} ({used[3]:.2f})"
        )


def _predictions(seconds: list[float]) -> list[list[float]]:
    rng = np.random.default_rng(18)
    spread = math.sqrt(math.log1p(ERROR**2))
    factors = np.exp(spread * rng.standard_normal((DRAWS, len(seconds))) - spread**2 / 2)
    return [list(map(float, row)) for row in factors * np.asarray(seconds)]


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
