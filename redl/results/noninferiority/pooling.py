"""Pooling: what the other settings of a data set, model and scale say about the variance over seeds.

Three seeds leave the variance of one difference two degrees of freedom. K settings and their baseline over
the same seeds leave K times as many, if all differences between two of them vary alike. Where one setting is
more restless than the others, that would take it for a quiet one, and no test has the power to find it out in
three seeds. So a verdict goes by the mean of the pooled variance and the difference's own (`crossed`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from redl.results.arms import Pair
from redl.results.metric import Metric
from redl.results.noninferiority.crossed import LEAST_SEEDS
from redl.results.noninferiority.influence import over_seeds
from redl.training.metrics import Floats

LEVEL = 0.25  # of the test of homogeneity: the error to fear is to pool what differs (Bancroft 1964)

_LEAST_SETTINGS = 2
_DRAWS, _AT_ONCE = 20_000, 1000
_SAME = 1e-12  # deviation of a metric from which on it is more than rounding


@dataclass(frozen=True, kw_only=True, slots=True)
class Pooling:
    """Variance over seeds of the difference between two arms, from `arms`, with the baseline among them.

    `p` is that of the hypothesis that all these differences vary alike. `arms` and `seed_variance` are None
    where nothing was pooled, and `p` where nothing was tested; `reason` then says why.
    """

    arms: int | None = None
    seed_variance: float | None = None
    p: float | None = None
    reason: str | None = None


def poolings(pairs: Sequence[Pair], metric: Metric) -> list[Pooling]:
    """Return how the seed variance of each pair was pooled with the others of its data, model and scale.

    Pairs are pooled if they have the same seeds and none diverged. Raise OptionError for a metric that has no
    meaning for the labels.
    """
    found: dict[int, Pooling] = {}
    families: dict[tuple[object, ...], dict[int, tuple[Floats, Floats]]] = {}
    for place, pair in enumerate(pairs):
        values = _why_not(pair) or _values(pair, metric)
        if isinstance(values, str):
            found[place] = Pooling(reason=values)
        else:
            arm = pair.saving
            family = (arm.dataset, arm.model, arm.downsample, tuple(sorted(pair.seeds)))
            families.setdefault(family, {})[place] = values
    for of_pairs in families.values():
        _, old = next(iter(of_pairs.values()))
        pooling = pool(np.array([old, *(new for new, _ in of_pairs.values())]))
        found.update(dict.fromkeys(of_pairs, pooling))
    return [found[place] for place in range(len(pairs))]


def pool(values: Floats) -> Pooling:
    """Pool the seed variance of values (A, S) of a metric, those of the baseline and of A - 1 settings.

    What a seed adds to all arms alike does not count, because a difference is free of it. The variance is
    twice the mean square of what then remains, with (A - 1) (S - 1) degrees of freedom.
    """
    arms, seeds = values.shape
    if arms <= _LEAST_SETTINGS:
        return Pooling(reason=f"no other setting with the same {seeds} seeds can be pooled with it")
    remaining = _remaining(values)
    p = homogeneity(remaining)
    if p <= LEVEL:
        return Pooling(p=p, reason=f"seed variances of the settings differ (p = {p:.3f}), so none was pooled")
    variance = 2 * float(np.sum(remaining**2)) / ((arms - 1) * (seeds - 1))
    return Pooling(arms=arms, seed_variance=variance, p=p)


def homogeneity(remaining: Floats) -> float:
    """Return p of the hypothesis that the differences of any two arms vary alike over seeds.

    `remaining` (A, S) has means of 0 over arms and over seeds. The hypothesis is sphericity; John's statistic
    (Biometrika 59, 1972) tests it with fewer seeds than arms too. Its distribution is drawn, always the same.
    """
    if not (np.abs(remaining) > _SAME).any():
        return 1.0
    arms, seeds = remaining.shape
    drawn = _drawn(arms - 1, seeds - 1)
    larger = len(drawn) - np.searchsorted(drawn, _inequality(remaining[None])[0] * (1 - _SAME))
    return float((1 + larger) / (1 + len(drawn)))


def _why_not(pair: Pair) -> str | None:
    if len(pair.seeds) < LEAST_SEEDS:
        return f"seed variance needs {LEAST_SEEDS} seeds in both arms to be pooled"
    if pair.saving.diverged or pair.baseline.diverged:
        return "seed variance is not pooled where a seed diverged or did not finish"
    return None


def _values(pair: Pair, metric: Metric) -> tuple[Floats, Floats] | str:
    """Return the metric of setting and baseline for each seed, (S,), in the order of the seeds' numbers."""
    arm, order = pair.saving, np.argsort(pair.seeds)
    new, old = (over_seeds(metric, arm.labels, rows, arm.subjects) for rows in (pair.new, pair.old))
    if new is None or old is None:
        return f"not all answers are finite, which leaves no {metric} to pool"
    return new[0][order], old[0][order]


def _remaining(values: Floats) -> Floats:
    of_arms, of_seeds = values.mean(axis=1, keepdims=True), values.mean(axis=0)
    return np.asarray(values - of_arms - of_seeds + values.mean())


def _inequality(drawn: Floats) -> Floats:
    """Return tr(C^2) / tr(C)^2 of C = x x' for each x (A, S) of `drawn`: the least where it is spherical."""
    products = drawn @ drawn.transpose(0, 2, 1)
    return np.asarray(np.sum(products**2, axis=(1, 2)) / np.trace(products, axis1=1, axis2=2) ** 2)


@cache
def _drawn(contrasts: int, freedom: int) -> Floats:
    """Return the statistic for normal effects that vary alike, in ascending order."""
    return np.sort(np.concatenate(list(_batches(contrasts, freedom))))


def _batches(contrasts: int, freedom: int) -> Iterator[Floats]:
    rng = np.random.default_rng(0)
    for _ in range(_DRAWS // _AT_ONCE):
        yield _inequality(rng.standard_normal((_AT_ONCE, contrasts, freedom)))
