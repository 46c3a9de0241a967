"""Resampling: the bootstrap over seeds and patients, crossed.

Seeds and patients are drawn with replacement, independently of each other, and every drawn seed is judged on
all drawn patients; a patient's images stay together (Owen 2007, doi 10.1214/07-AOAS122).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DRAWS = 2000
_SEED = 20230417  # fixed, so that a run always gives the same table

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Draws:
    """Hold how often each seed (B + 1, S) and each patient (B + 1, P) was drawn.

    Row 0 is the data as they are, each once, so that a figure and its draws come from one formula.
    """

    seeds: Floats
    patients: Floats

    def over_seeds(self, values: Floats) -> Floats:
        """Average values (S,), or those of each draw (B + 1, S), over the drawn seeds, to (B + 1,)."""
        return np.asarray((self.seeds * values).sum(axis=1) / self.seeds.sum(axis=1))

    def largest(self, values: Floats) -> Floats:
        """Take the largest of values (S,) of the drawn seeds, to (B + 1,)."""
        return np.asarray(np.where(self.seeds > 0, values, -np.inf).max(axis=1))

    def share(self, sums: Floats, sizes: Floats) -> Floats:
        """Divide patients' sums (S, P) by their sizes (P,), both over the drawn patients, then over seeds.

        NaN where a draw has no size, as one without positives has no sensitivity.
        """
        with np.errstate(invalid="ignore"):
            return self.over_seeds(self.patients @ sums.T / (self.patients @ sizes)[:, None])


def draw(*, seeds: int, patients: int, draws: int = DRAWS) -> Draws:
    """Draw seeds and patients `draws` times, always the same ones for the same numbers of them."""
    generator = np.random.default_rng(_SEED)
    return Draws(seeds=_counts(generator, seeds, draws), patients=_counts(generator, patients, draws))


def _counts(generator: np.random.Generator, of: int, draws: int) -> Floats:
    drawn = generator.multinomial(of, np.full(of, 1 / of), size=draws)
    return np.vstack([np.ones(of), drawn])
