"""One synthetic mammogram: a breast of power-law texture, with or without a lesion to find.

    image = thickness x (structures + brightness + texture + lesion + white noise), clipped to [0, 1]

Brightness, texture and noise make one stationary Gaussian field of exactly known spectrum: whatever the
breast does with it, no one can do better than the ideal observer of that field (redl.data.observer).
Brightness varies far more between images than a lesion adds to it, and half of all images hold a broad smooth
mass, benign in look, so that the mean reveals nothing of a lesion and the brightest pixel little.

Source: P(f) = K / f^b with b about 2.8, and the lesion's profile, from Burgess, Jacobson and Judy (2001),
"Human observer detection experiments with mammograms and power-law noise".
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import fft

Image = NDArray[np.float32]
Shape = tuple[int, int]

_EXPONENT = 2.8  # b above; Burgess found 1.5 to 3.5
_BRIGHTNESS = 0.35, 0.09  # mean and deviation; the latter moves the mean some ten times as far as a lesion
_LARGEST = 1.2  # of the drawn radii over the tissue's
_SPICULE = 0.3  # how far spicules stand out, in radii


@dataclass(frozen=True, kw_only=True, slots=True)
class Tissue:
    """What all mammograms of a phantom share.

    `texture` is the tissue's standard deviation, `noise` the detector's where the breast is thickest, and
    `contrast` a lesion's height over both, as fractions of full brightness; `radius` is a lesion's in pixels.
    """

    texture: float
    contrast: float
    radius: float
    noise: float

    def grid(self, shape: Shape) -> Shape:
        """Return the shape of the field behind an image: so much larger that no lesion wraps into sight."""
        reach = _reach(self.radius)
        return fft.next_fast_len(shape[0] + reach, real=True), fft.next_fast_len(shape[1] + reach, real=True)

    def power(self, shape: Shape) -> NDArray[np.float64]:
        """Return the spectrum of the field behind an image of `shape`, as redl.data.observer defines power.

        It is on the field's grid. At frequency 0 the texture has none, and the brightness all of its own.
        """
        grid = self.grid(shape)
        power: NDArray[np.float64] = np.hypot(fft.fftfreq(grid[0])[:, None], fft.fftfreq(grid[1])[None])
        power[0, 0] = np.inf
        power **= -_EXPONENT
        power *= self.texture**2 / power.mean()
        power[0, 0] = _BRIGHTNESS[1] ** 2 * power.size
        power += self.noise**2
        return power


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Anatomy:
    """All of one image except its field and its lesion.

    `thickness`, shape (H, W), is the compressed breast's, at most 1, and 0 in the air; `structures`, shape
    (H, W), what is brighter than the rest and no lesion; `lesion`, on the field's grid, the lesion it may
    hold, whose center is pixel (0, 0) and from where it wraps; `places`, shape (H, W), where it may be.
    """

    thickness: Image
    structures: Image
    lesion: Image
    places: NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Outline:
    """The half-ellipse of a breast, whose flat side is the left edge of the image; all in pixels."""

    center: float
    half_height: float
    width: float


def draw_anatomy(rng: Generator, shape: Shape, tissue: Tissue, *, oblique: bool) -> Anatomy:
    """Draw the anatomy of an image of `shape` (H, W); an oblique (MLO) view shows the pectoral muscle."""
    rows, columns = shape
    outline = _Outline(
        center=rows * rng.uniform(0.45, 0.55),
        half_height=rows * rng.uniform(0.36, 0.46),
        width=columns * rng.uniform(0.65, 0.90),
    )
    thickness = _thickness(rng, shape, outline)
    places = _places(shape, outline)
    structures = np.zeros(shape, np.float32)
    if oblique:
        _add_pectoral(rng, structures)
    if rng.random() < 0.5:
        _add_benign_mass(rng, structures, places, tissue)
    lesion = _lesion(rng, tissue.grid(shape), tissue)
    return Anatomy(thickness=thickness, structures=structures, lesion=lesion, places=places)


def draw_mammogram(
    rng: Generator, anatomy: Anatomy, tissue: Tissue, *, lesion: bool, mirrored: bool
) -> Image:
    """Draw an image, shape (H, W) in [0, 1], of `anatomy`; a mirrored one has its chest wall on the right.

    It takes the same from `rng` whatever the options, so that one seed shows one breast with and without.
    """
    rows, columns = anatomy.thickness.shape
    field = _field(rng, (rows, columns), tissue)
    place = _choose(rng, anatomy.places)
    if lesion:
        field += np.roll(anatomy.lesion, place, axis=(0, 1))
    image = anatomy.thickness * (field[:rows, :columns] + anatomy.structures + np.float32(_BRIGHTNESS[0]))
    return np.clip(image[:, ::-1] if mirrored else image, 0, 1)


def _field(rng: Generator, shape: Shape, tissue: Tissue) -> Image:
    """Return brightness, texture and noise about their mean, on the grid for `shape`."""
    spectrum = fft.rfft2(rng.standard_normal(tissue.grid(shape), dtype=np.float32))
    field: Image = fft.irfft2(spectrum * _amplitude(tissue, shape), s=tissue.grid(shape))
    return field


@cache
def _amplitude(tissue: Tissue, shape: Shape) -> Image:
    columns = tissue.grid(shape)[1] // 2 + 1
    amplitude: Image = np.sqrt(tissue.power(shape)[:, :columns]).astype(np.float32)
    return amplitude


def _thickness(rng: Generator, shape: Shape, outline: _Outline) -> Image:
    """Return the compressed breast's relative thickness, 0 outside it, with a wobbly outline."""
    v, u = _relative(shape, outline)
    rho = np.sqrt(u * u + v * v)
    # cos(3 t + p) by the triple-angle formulas, which are much faster than finding the angle t.
    phase, cosine, sine = rng.uniform(0, 2 * np.pi), u / rho, v / rho
    triple = math.cos(phase) * cosine * (4 * cosine**2 - 3) - math.sin(phase) * sine * (3 - 4 * sine**2)
    rho /= 1 + 0.04 * triple
    thickness: Image = np.maximum(1 - rho * rho, 0) ** 0.3
    return thickness


def _places(shape: Shape, outline: _Outline) -> NDArray[np.bool_]:
    """Return the pixels well inside the breast, off its edge and the chest wall."""
    v, u = _relative(shape, outline)
    places: NDArray[np.bool_] = (u * u + v * v < 0.65**2) & (u > 0.12)
    return places


def _relative(shape: Shape, outline: _Outline) -> tuple[Image, Image]:
    """Return each row's and each column's distance from the outline's center: 1 is its edge."""
    y, x = np.ogrid[: shape[0], : shape[1]]
    v = (y - outline.center) / outline.half_height
    return v.astype(np.float32), ((x + 0.5) / outline.width).astype(np.float32)


def _choose(rng: Generator, places: NDArray[np.bool_]) -> tuple[int, int]:
    """Return one of `places` (row, column), each as likely: pixels, so that an observer can try them all."""
    candidates = np.flatnonzero(places)
    row, column = divmod(int(candidates[rng.integers(len(candidates))]), places.shape[1])
    return row, column


def _add_pectoral(rng: Generator, structures: Image) -> None:
    """Add the pectoral muscle, a triangle in the upper corner at the chest wall, blurred at its edge."""
    rows, columns = structures.shape
    height, width = rows * rng.uniform(0.35, 0.6), columns * rng.uniform(0.2, 0.35)
    y, x = np.ogrid[:rows, :columns]
    inside = np.clip((1 - y / height - x / width) / 0.1, 0, 1)
    structures += (rng.uniform(0.08, 0.18) * inside).astype(np.float32)


def _add_benign_mass(rng: Generator, structures: Image, places: NDArray[np.bool_], tissue: Tissue) -> None:
    """Add a mass more than twice as wide as a lesion, of at least half its height, smooth at its edge."""
    radius = tissue.radius * rng.uniform(2, 3)
    row, column = _choose(rng, places)
    top, left = max(0, int(row - radius)), max(0, int(column - radius))
    window = structures[top : int(row + radius) + 2, left : int(column + radius) + 2]
    y, x = np.ogrid[: window.shape[0], : window.shape[1]]
    distance = np.hypot(y + top - row, x + left - column)
    window += (tissue.contrast * rng.uniform(0.5, 1.0) * _mound(distance / radius)).astype(np.float32)


def _lesion(rng: Generator, grid: Shape, tissue: Tissue) -> Image:
    """Return h (1 - (r / R)^2)^1.5 about pixel (0, 0); spicules make R (1 + 0.3 max(0, cos(4 t + p))^4)."""
    radius = tissue.radius * rng.uniform(0.8, _LARGEST)
    reach = _reach(tissue.radius)
    y, x = np.ogrid[-reach : reach + 1, -reach : reach + 1]
    spicules = np.maximum(0, np.cos(4 * np.arctan2(y, x) + rng.uniform(0, 2 * np.pi))) ** 4
    lesion = np.zeros(grid, np.float32)
    lesion[: 2 * reach + 1, : 2 * reach + 1] = _mound(np.hypot(y, x) / (radius * (1 + _SPICULE * spicules)))
    lesion *= tissue.contrast
    return np.roll(lesion, (-reach, -reach), axis=(0, 1))


def _reach(radius: float) -> int:
    """Return how far, in whole pixels, the largest lesion reaches from its center."""
    return math.ceil(_LARGEST * (1 + _SPICULE) * radius)


def _mound(relative_distance: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.maximum(1 - relative_distance**2, 0) ** 1.5
