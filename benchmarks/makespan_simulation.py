"""How long the paper's matrix takes on 1 to 64 workers, by its printed times.

`python -m benchmarks.makespan_simulation` prints the tables of "How many workers" in
docs/explanation/scale.md within seconds. The first is of the printed rows, each a case for each of the three
seeds; no row tells how its seeds differed. The second is of all cases of the profile `paper`; where nothing
was printed, another row stands in: `8bit` for its stable form, `half+8bit` for `half`, RSNA for LIDC, full
resolution for downsampled images. Both leave out inference, preparation, and the start of each case.

The order is that of the study (first in, first out), that of the true times, longest first, and that of
predicted times: the true ones times exp(s z - s^2 / 2), z standard normal, whose mean is 1 and whose
relative standard deviation is 50 %. Shown is the share of the workers' time that is used:
total / (workers x makespan).
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping

import numpy as np

from redl.results.printed import printed_rows
from redl.results.schedule import longest_first, makespan
from redl.study.case import Case, Dataset, Setting, Study
from redl.study.profile import PAPER

WORKERS = (1, 2, 4, 8, 16, 32, 64)
ERROR = 0.5  # relative standard deviation of a prediction
DRAWS = 1000


_STANDS_IN = {Setting.STABLE: Setting.EIGHT_BIT, Setting.HALF: Setting.HALF_EIGHT_BIT}


def main() -> None:
    """Print both tables."""
    _table("printed", [row.train_time_s for row in printed_rows() for _ in PAPER.seeds])
    study = Study(profile=PAPER.name, seeds=PAPER.seeds, scales=PAPER.scales)
    printed = {(row.dataset, row.model, row.setting): row.train_time_s for row in printed_rows()}
    cases = (*study.cases(), *study.downsampled_cases())
    _table("of the profile", [_seconds(case, printed) for case in cases])


def _seconds(case: Case, printed: Mapping[tuple[str, str, str], float]) -> float:
    setting = _STANDS_IN.get(Setting(case.setting), case.setting)
    of_case = (case.dataset, case.model, setting)
    return printed[of_case] if of_case in printed else printed[(Dataset.RSNA, case.model, setting)]


def _table(name: str, seconds: list[float]) -> None:
    total, longest = sum(seconds), max(seconds)
    _print(
        f"{len(seconds)} cases {name}: {total / 3600:.1f} h in all, the longest {longest:.0f} s; more than "
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
            f"{workers:7}  {hours[0]:8.2f}  {hours[1]:7.2f}  {hours[2]:9.2f}  "
            f"{used[0]:8.2f}  {used[1]:7.2f}  {used[2]:9.2f} ({used[3]:.2f})"
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
