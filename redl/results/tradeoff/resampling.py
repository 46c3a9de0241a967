"""Resampling: the crossed bootstrap over seeds and patients.

Seeds and patients are drawn with replacement, independently of each other, and every drawn seed answers for
all drawn patients; a patient's images stay together (Owen 2007, doi 10.1214/07-AOAS122).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from redl.training.metrics import Floats

DRAWS = 2000
_SEED = 20230417  # fixed, so that a run always gives the same table


@dataclass(frozen=True, kw_only=True, slots=True)
class Draws:
    """How often each seed (B + 1, S) and each patient (B + 1, P) was drawn.

    Row 0 is the data themselves, each drawn once, so that a figure and its draws come from one formula.
    """

    seeds: Floats
    patients: Floats

    def over_seeds(self, values: Floats) -> Floats:
        """Return the mean over the drawn seeds, (B + 1,), of values (S,), or of each draw's, (B + 1, S)."""
        return np.asarray((self.seeds * values).sum(axis=1) / self.seeds.sum(axis=1))

    def largest(self, values: Floats) -> Floats:
        """Return the largest of the values (S,) of the drawn seeds, (B + 1,)."""
        return np.asarray(np.where(self.seeds > 0, values, -np.inf).max(axis=1))

    def share(self, sums: Floats, sizes: Floats) -> Floats:
        """Return patients' sums (S, P) over their sizes (P,) in each draw, averaged over seeds, (B + 1,).

        NaN if the sizes of a draw are 0, e.g. the sensitivity of a draw without positives.
        """
        with np.errstate(invalid="ignore"):
            return self.over_seeds(self.patients @ sums.T / (self.patients @ sizes)[:, None])


def draw(*, seeds: int, patients: int, draws: int = DRAWS) -> Draws:
    """Draw seeds and patients `draws` times; the same arguments always give the same draws."""
    generator = np.random.default_rng(_SEED)
    return Draws(seeds=_counts(generator, seeds, draws), patients=_counts(generator, patients, draws))


def _counts(generator: np.random.Generator, of: int, draws: int) -> Floats:
    drawn = generator.multinomial(of, np.full(of, 1 / of), size=draws)
    return np.vstack([np.ones(of), drawn])
