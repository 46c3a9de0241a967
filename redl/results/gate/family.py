"""Families: one score of many cells as arrays, and how far each cell and each group of cells fell.

Falls are standardised by the reference's repeats. A cell's variance is shrunk half-way to the mean of its
block, the cells of one model and data set. Settings that start from the same seed err alike (by 0.9 for the
smoke MLP), so a group adds up its cells with the correlation that seeds have inside a block; without it equal
runs would alarm in 30 to 40 % of comparisons. Degrees of freedom are Satterthwaite's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from redl.training.metrics import Floats

WHOLE = "all cases"

_SMOOTHING = 0.5  # standard deviation of what is added to a resampled repeat, in those of the repeats


@dataclass(frozen=True, kw_only=True, slots=True)
class CellScores:
    """One score of one cell: `repeats` (N,) of the reference, `known` (B,) of the baseline, `new` (S,).

    `known` leaves out the baseline's scores that are repeats of the reference themselves. `least` is the
    smallest difference that the test part can show. `model` names model and data set.
    """

    cell: str
    model: str
    setting: str
    repeats: tuple[float, ...]
    known: tuple[float, ...]
    new: tuple[float, ...]
    least: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Statistics:
    """Standardised falls, below 0 for a fall, of cells (..., C) and groups (..., G), with degrees of freedom.

    `error` (..., C) is the standard error of a cell's difference, `spread` (..., G) that of a group's sum.
    """

    cells: Floats
    cells_df: Floats
    error: Floats
    groups: Floats
    groups_df: Floats
    spread: Floats


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Family:
    """Cells of one figure as arrays: repeats (C, N), means, numbers of seeds, blocks, and groups (G, C).

    A block is a model on a data set. The last of the groups is of all cells.
    """

    series: tuple[CellScores, ...]
    names: tuple[str, ...]
    repeats: Floats
    blocks: NDArray[np.intp]
    groups: Floats
    known: NDArray[np.intp]
    new: NDArray[np.intp]
    least: Floats

    @classmethod
    def of(cls, series: Sequence[CellScores]) -> Family:
        """Gather the series of one figure; repeats beyond the fewest that a cell has are left out."""
        length = min((len(one.repeats) for one in series), default=0)
        models = [one.model for one in series]
        named = _groups(series)
        return cls(
            series=tuple(series),
            names=tuple(named),
            repeats=np.array([one.repeats[:length] for one in series]),
            blocks=np.unique(models, return_inverse=True)[1] if models else np.empty(0, np.intp),
            groups=np.array(list(named.values()), dtype=np.float64).reshape(len(named), len(series)),
            known=np.array([len(one.known) for one in series], np.intp),
            new=np.array([len(one.new) for one in series], np.intp),
            least=np.array([one.least for one in series]),
        )

    def statistics(self, repeats: Floats, known: Floats, new: Floats) -> Statistics:
        """Compare means of new seeds (..., C) with repeats (..., C, N) and sums of known seeds (..., C)."""
        number = repeats.shape[-1]
        pooled = (repeats.sum(-1) + known) / (number + self.known)
        own = np.maximum(repeats.var(-1, ddof=1), self.least**2)
        sizes = np.bincount(self.blocks)
        alike = correlation(repeats, self.blocks)  # (..., K)
        variance = (own + _by_block(own, self.blocks, sizes)[..., self.blocks]) / 2
        error = np.sqrt(variance * (1 / self.new + 1 / (number + self.known)))
        cells = (new - pooled) / error
        # How much the mean variance of a block varies, against that of one cell, whose variances correlate
        # as the square of the correlation.
        of_mean = (1 + (sizes - 1) * alike**2) / sizes
        cells_df = (number - 1) / ((1 + 3 * of_mean) / 4)
        members = np.stack([self.groups[:, self.blocks == block].sum(1) for block in range(len(sizes))], 1)
        pairs = members * (members - 1)
        blockwise = members + alike[..., None, :] * pairs  # (..., G, K)
        freedom = (number - 1) * members / (1 + np.maximum(members - 1, 0) * alike[..., None, :] ** 2)
        of_group = blockwise.sum(-1)
        weights = np.divide(blockwise**2, freedom, out=np.zeros_like(blockwise), where=freedom > 0).sum(-1)
        return Statistics(
            cells=cells,
            cells_df=cells_df[..., self.blocks],
            error=error,
            groups=cells @ self.groups.T / np.sqrt(of_group),
            groups_df=of_group**2 / weights,
            spread=np.sqrt(of_group),
        )

    def drawn(self, random: np.random.Generator, columns: Mapping[str, Floats]) -> Statistics:
        """Compare runs that do not differ, with a reference of their own, drawn from the repeats.

        `columns` has for each model and data set uniform numbers (R, N + B + S) that choose the seeds.
        """
        number, most = self.repeats.shape[1], int(self.known.max())
        residuals = self.repeats - self.repeats.mean(1, keepdims=True)
        spread = np.maximum(self.repeats.std(1, ddof=1), self.least)
        scaled = residuals / np.maximum(residuals.std(1, keepdims=True), self.least[:, None])
        alike = np.sqrt(correlation(self.repeats, self.blocks))[self.blocks]
        chosen = np.stack([columns[one.model] for one in self.series])  # (C, R, k)
        seeds = (chosen * number).astype(np.intp)
        shared = {model: random.standard_normal(chosen.shape[1:]) for model in columns}
        together = np.stack([shared[one.model] for one in self.series])
        jitter = alike[:, None, None] * together
        jitter += np.sqrt(1 - alike**2)[:, None, None] * random.standard_normal(chosen.shape)
        values = np.take_along_axis(scaled[:, None], seeds, axis=2) + _SMOOTHING * jitter
        values *= spread[:, None, None] / np.sqrt(1 + _SMOOTHING**2)
        values = np.moveaxis(values, 0, 1)  # (R, C, k)
        places = np.arange(values.shape[2])
        of_known = (places >= number) & (places < number + self.known[:, None])
        of_new = (places >= number + most) & (places < number + most + self.new[:, None])
        return self.statistics(
            values[..., :number], (values * of_known).sum(-1), (values * of_new).sum(-1) / self.new
        )


def _groups(series: Sequence[CellScores]) -> dict[str, list[bool]]:
    """Return the members of each group of several cells, all cells last."""
    labels = [one.model for one in series], [one.setting for one in series]
    named = {name: [label == name for label in each] for each in labels for name in dict.fromkeys(each)}
    named = {name: inside for name, inside in named.items() if 1 < sum(inside) < len(series)}
    return named | ({WHOLE: [True] * len(series)} if len(series) > 1 else {})


def _by_block(values: Floats, blocks: NDArray[np.intp], sizes: NDArray[np.intp]) -> Floats:
    """Return the means of values (..., C) over each block, (..., K)."""
    return np.stack([values[..., blocks == block].mean(-1) for block in range(len(sizes))], axis=-1)


def correlation(repeats: Floats, blocks: NDArray[np.intp]) -> Floats:
    """Return the mean correlation over seeds between the cells of each block, (..., K), at least 0."""
    centred = repeats - repeats.mean(-1, keepdims=True)
    length = np.sqrt((centred**2).sum(-1, keepdims=True))
    scaled = np.divide(centred, length, out=np.zeros_like(centred), where=length > 0)
    found = []
    for block in range(blocks.max() + 1):
        inside = scaled[..., blocks == block, :]
        size = inside.shape[-2]
        apart = (inside.sum(-2) ** 2).sum(-1) - (inside**2).sum((-1, -2))
        found.append(apart / max(1, size * (size - 1)))
    return np.asarray(np.clip(np.stack(found, axis=-1), 0, 1))
