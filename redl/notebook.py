"""The face for notebooks and scripts: a saved run, and what can be said about it as methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from redl.results import store

if TYPE_CHECKING:
    import pandas as pd

    from redl.record import Predictions, Record
    from redl.results.arms import Arm
    from redl.results.gate.comparison import Comparison
    from redl.results.noninferiority.verdict import Verdict
    from redl.results.tradeoff.tradeoff import Tradeoff


def load_run(path: str | Path) -> Run:
    """Return a run that the suite saved.

    Raise RecordError for a file that is no such run, or that has no record or a damaged one.

    >>> import redl
    >>> run = redl.load_run(saved)
    >>> run.to_frame().groupby("setting")["train_peak_bytes"].mean().loc["amp"]
    np.float64(300000000.0)
    """
    return Run(store.load_run(Path(path)))


class Run:
    """A saved run.

    `metric` is accuracy, auc, balanced_accuracy, brier, sensitivity, specificity, subject_accuracy or
    subject_auc; `margin` is the loss of it that would still be acceptable, fixed before the run, e.g. 0.02.

    >>> import redl
    >>> run = redl.load_run(saved)
    >>> [(one.setting, str(one.outcome)) for one in run.verdicts(margin=0.02)]
    [('amp', 'non-inferior'), ('8bit', 'degraded')]
    """

    def __init__(self, run: store.Run) -> None:
        self._run = run

    def __repr__(self) -> str:
        return f"<redl.Run {self._run.name}: {len(self.records)} cases>"

    @cached_property
    def _arms(self) -> list[Arm]:
        from redl.results.arms import arms_of

        return arms_of(self.records.values(), self.predictions())

    @property
    def records(self) -> Mapping[str, Record]:
        """Return the records by their cases' ids."""
        return self._run.records

    def predictions(self) -> Mapping[str, Predictions]:
        """Return subjects, labels and probabilities of the test images, by the cases' ids."""
        return self._run.predictions

    def to_frame(self) -> pd.DataFrame:
        """Return one row a case, its id as the index and units in the names of the columns."""
        from redl.results.frame import frame_of

        return frame_of(self.records.values())

    def verdicts(self, *, margin: float, metric: str = "accuracy", pool_seeds: bool = False) -> list[Verdict]:
        """Return whether each setting is non-inferior to its baseline, over seeds and patients.

        `pool_seeds` lets the settings share what they show of the variance over seeds, if it is alike.
        Raise OptionError for a margin or metric that cannot be used, RecordError where there is no setting.
        """
        from redl.results.arms import pairs_of
        from redl.results.metric import metric_named
        from redl.results.noninferiority.verdict import verdicts

        named = metric_named(metric)
        return verdicts(pairs_of(self._arms), margin=margin, metric=named, pool_seeds=pool_seeds)

    def tradeoff(self, *, margin: float, metric: str = "accuracy") -> RunTradeoff:
        """Return what each setting scores, costs and is worth, and which one is recommended."""
        from redl.results.metric import metric_named
        from redl.results.tradeoff.plan import Plan
        from redl.results.tradeoff.tradeoff import tradeoffs

        judged = self.verdicts(margin=margin, metric=metric)  # first, because it refuses what cannot be used
        found = tradeoffs(self._arms, metric=metric_named(metric), plan=Plan())
        return RunTradeoff(models=tuple(found), verdicts=tuple(judged))

    def compare(self, other: Run, *, rules: Sequence[str] = (), other_machine: bool = False) -> Comparison:
        """Compare `other`, the later run, with this one.

        `rules` say how much worse a figure may get, e.g. `accuracy:0.02`; without any, those of
        ./pyproject.toml or the default ones. Noise is taken from ./reports/reference, or the suite's own.
        """
        from redl.results.gate.comparison import compare
        from redl.results.gate.rule import rules_from
        from redl.results.reference import find_reference, load_reference

        profile = next(iter(other.records.values())).case.profile
        path = find_reference(profile, Path("reports"))
        return compare(
            self._run,
            other._run,
            rules_from(rules, Path("pyproject.toml")),
            reference=None if path is None else load_reference(path),
            other_machine=other_machine,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class RunTradeoff:
    """The trade-off of every model and data set of a run; printed, it is the tables of `redl tradeoff`."""

    models: tuple[Tradeoff, ...]
    verdicts: tuple[Verdict, ...]

    def __str__(self) -> str:
        from redl.results.tradeoff.table import tradeoff_tables

        return tradeoff_tables(self.models, self.verdicts, width=120)

    @property
    def recommendations(self) -> tuple[str, ...]:
        """Return a sentence for each of `models`: which setting may be taken, or why none."""
        from redl.results.tradeoff.recommendation import recommendation

        return tuple(recommendation(one, self.verdicts) for one in self.models)
