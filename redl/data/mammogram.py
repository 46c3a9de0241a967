"""One synthetic mammogram: a breast of power-law texture, with or without a lesion to find.

Brightness varies far more between images than a lesion adds to it, and half of all images hold a broad smooth
mass, benign in look, so that the mean tells nothing of a lesion and the brightest pixel little.

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

_EXPONENT = 2.8  # b above; Burgess found 1.5 to 3.5
_BRIGHTNESS = (0.2, 0.5)  # of the tissue; its spread moves the mean some ten times as far as a lesion does


@dataclass(frozen=True, kw_only=True, slots=True)
class Tissue:
    """Hold what all mammograms of a phantom share.

    `texture` is the tissue's standard deviation and `contrast` a lesion's height over it, as fractions of
    full brightness; `radius` is a lesion's, in pixels; `noise` scales the detector's.
    """

    texture: float
    contrast: float
    radius: float
    noise: float


@dataclass(frozen=True, kw_only=True, slots=True)
class _Outline:
    """Hold the half-ellipse of a breast, whose flat side is the image's left edge; all in pixels."""

    center: float
    half_height: float
    width: float


def draw_mammogram(
    rng: Generator, shape: tuple[int, int], tissue: Tissue, *, lesion: bool, mirrored: bool
) -> Image:
    """Draw a mammogram of `shape` (H, W) in [0, 1]; a mirrored one has its chest wall on the right."""
    rows, columns = shape
    outline = _Outline(
        center=rows * rng.uniform(0.45, 0.55),
        half_height=rows * rng.uniform(0.36, 0.46),
        width=columns * rng.uniform(0.65, 0.90),
    )
    thickness = _thickness(rng, shape, outline)
    content = rng.uniform(*_BRIGHTNESS) + tissue.texture * _texture(rng, shape)
    if rng.random() < 0.5:
        _add_benign_mass(rng, content, outline, tissue)
    if lesion:
        _add_lesion(rng, content, outline, tissue)
    image = thickness * content
    # Photon noise grows with the signal; the air around the breast is black, as machines deliver it.
    grain = np.sqrt(np.maximum(image, 0) + 0.05) * rng.standard_normal(shape, dtype=np.float32)
    image += tissue.noise * grain * (thickness > 0)
    return np.clip(image[:, ::-1] if mirrored else image, 0, 1)


def _thickness(rng: Generator, shape: tuple[int, int], outline: _Outline) -> Image:
    """Return the compressed breast's relative thickness, 0 outside it, with a wobbly outline."""
    y, x = np.ogrid[: shape[0], : shape[1]]
    v = ((y - outline.center) / outline.half_height).astype(np.float32)
    u = ((x + 0.5) / outline.width).astype(np.float32)
    rho = np.sqrt(u * u + v * v)
    # cos(3 t + p) by the triple-angle formulas, which are much faster than finding the angle t.
    phase, cosine, sine = rng.uniform(0, 2 * np.pi), u / rho, v / rho
    triple = math.cos(phase) * cosine * (4 * cosine**2 - 3) - math.sin(phase) * sine * (3 - 4 * sine**2)
    rho /= 1 + 0.04 * triple
    thickness: Image = np.maximum(1 - rho * rho, 0) ** 0.3
    return thickness


def _texture(rng: Generator, shape: tuple[int, int]) -> Image:
    """Return power-law noise of unit standard deviation and no mean."""
    amplitude = _amplitude(shape)
    spectrum = amplitude * rng.standard_normal((2, *amplitude.shape), dtype=np.float32)
    texture: Image = fft.irfft2(spectrum[0] + 1j * spectrum[1], s=shape)
    texture /= texture.std()
    return texture


@cache
def _amplitude(shape: tuple[int, int]) -> Image:
    frequency = np.hypot(fft.fftfreq(shape[0])[:, None], fft.rfftfreq(shape[1])[None])
    frequency[0, 0] = np.inf  # no mean
    amplitude: Image = (frequency ** (-_EXPONENT / 2)).astype(np.float32)
    return amplitude


def _add_lesion(rng: Generator, content: Image, outline: _Outline, tissue: Tissue) -> None:
    """Add h (1 - (r / R)^2)^1.5 with four spicules, R (1 + 0.3 max(0, cos(4 t + p))^4), inside the breast."""
    radius = tissue.radius * rng.uniform(0.8, 1.2)
    window, distance, angle = _around(_place(rng, outline, radius / 2), 1.3 * radius, content.shape)
    spicules = np.maximum(0, np.cos(4 * angle + rng.uniform(0, 2 * np.pi))) ** 4
    content[window] += tissue.contrast * _mound(distance / (radius * (1 + 0.3 * spicules)))


def _add_benign_mass(rng: Generator, content: Image, outline: _Outline, tissue: Tissue) -> None:
    """Add a mass more than twice as wide as a lesion, of at least half its height, smooth at its edge."""
    radius = tissue.radius * rng.uniform(2, 3)
    window, distance, _ = _around(_place(rng, outline, radius / 2), radius, content.shape)
    content[window] += tissue.contrast * rng.uniform(0.5, 1.0) * _mound(distance / radius)


def _mound(relative_distance: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.maximum(1 - relative_distance**2, 0) ** 1.5


def _place(rng: Generator, outline: _Outline, margin: float) -> tuple[float, float]:
    """Return a point (y, x) well inside the breast, at least `margin` off the chest wall."""
    while True:
        reach, angle = rng.uniform(0, 0.65), rng.uniform(-1.4, 1.4)
        x = outline.width * reach * np.cos(angle)
        if x > margin:
            return outline.center + outline.half_height * reach * np.sin(angle), x


def _around(
    center: tuple[float, float], reach: float, shape: tuple[int, ...]
) -> tuple[tuple[slice, slice], NDArray[np.float64], NDArray[np.float64]]:
    """Return the window within `reach` of `center`, and each of its pixels' distance and angle from there."""
    (top, bottom), (left, right) = (
        (max(0, int(at - reach)), min(size, int(at + reach) + 2))
        for at, size in zip(center, shape, strict=True)
    )
    y, x = np.ogrid[top:bottom, left:right]
    v, u = y - center[0], x - center[1]
    return (slice(top, bottom), slice(left, right)), np.hypot(v, u), np.arctan2(v, u)
