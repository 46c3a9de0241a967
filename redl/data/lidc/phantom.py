"""A phantom of LIDC-IDRI: synthetic CT scans around the real annotations, laid out as TCIA's download.

Which scans there are, their slices, spacing and identifiers, where each nodule lies, its outline and how many
radiologists drew it are the installed database's; only the pixels are made up. A lesion's amplitude is the
share of raters, so that the labels can be learned, and how well is known (phantom_observer.py). Two real
effects stay: larger outlines have more raters, and scans of thin slices more patches. The mean of a patch
reveals nothing more: each slice has its own offset, far larger than what a lesion adds.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import fft

from redl.data.cache.draft import Part, Progress, drafting, write_parts
from redl.data.lidc import phantom_observer
from redl.data.lidc.annotations import Outline, read_outlines
from redl.data.lidc.database import Scan, read_scans
from redl.data.lidc.files import SIDE
from redl.data.lidc.rules import RATERS, LidcRules
from redl.data.lidc.source import MANIFEST, choose_patches, labels_of
from redl.data.lidc.writing import BITS_STORED, INTERCEPT, SliceWriter
from redl.data.splits import MIN_SUBJECTS
from redl.errors import DataError

FORMAT = 1  # raise it with any change to the files that a LidcPhantom stands for
BACKGROUND_HU = -600  # high for lung, so that noise stays within the window of the default rules
OFFSET_HU = 60.0  # standard deviation, from slice to slice
REACH_MM = 36.0  # texture and noise end here: a file of them takes twenty times the space of an empty one
TILE = 256  # pixels after which the noise repeats itself: more than any patch sees

_FEW_SLICES = 160  # in 349 of the 883 annotated scans; they have all counts of raters in much the same shares
_FEW_SCANS = 15  # at 14, two processes are a fifth faster than one at best, starting included
_EXPONENT = 2.8  # of the texture's power law: Burgess et al. (2001) have 1.5 to 3.5

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class LidcPhantom:
    """Parameters of a phantom, from which all of it follows.

    Of the 875 annotated patients `patients` are drawn, first those of scans with few slices, because their
    files are small. `contrast_hu` is what a lesion of four raters adds; `texture_hu` and `noise_hu` are
    standard deviations. At the rate `label_noise` a patch shows an amplitude of the other class, one rater or
    several.
    """

    patients: int
    seed: int = 2023
    contrast_hu: float = 300.0
    texture_hu: float = 100.0
    noise_hu: float = 60.0
    label_noise: float = 0.0

    def __post_init__(self) -> None:
        """Raise DataError for a phantom that cannot be split or drawn."""
        if self.patients < MIN_SUBJECTS:
            raise DataError(f"a phantom of {self.patients} patients: at least {MIN_SUBJECTS} are needed")
        if not 0 <= self.label_noise <= 0.5:
            raise DataError(f"a label noise of {self.label_noise}: take 0 to 0.5")
        if not (
            0 <= self.contrast_hu <= 1000 and 0 <= self.texture_hu <= 1000 and 1 <= self.noise_hu <= 1000
        ):
            raise DataError("a phantom's contrast, texture or noise: take at most 1000 HU, and 1 HU of noise")

    @property
    def noise_power(self) -> Floats:
        """Return E|fft2(noise)|^2 / TILE^2 of texture and noise together, shape (TILE, TILE).

        It is infinite for the mean, which the offset hides.
        """
        frequency = fft.fftfreq(TILE)
        radius = np.hypot(frequency[:, None], frequency[None, :])
        radius[0, 0] = np.inf
        texture = radius**-_EXPONENT
        power: Floats = texture * (self.texture_hu**2 / texture.mean()) + self.noise_hu**2
        power[0, 0] = np.inf
        return power


def ensure_lidc(folder: Path, phantom: LidcPhantom, *, on_progress: Progress | None = None) -> Path:
    """Return the folder of `phantom` below `folder`, writing it at first use, once for all processes."""
    root = folder / f"lidc-phantom-{_digest(phantom)}"
    folder.mkdir(parents=True, exist_ok=True)
    if root.exists():  # also in a cache that cannot be written
        return root
    with FileLock(root.with_name(f"{root.name}.lock")):
        if not root.exists():
            write_lidc(root, phantom, on_progress=on_progress)
    return root


def write_lidc(
    root: Path, phantom: LidcPhantom, *, processes: int | None = None, on_progress: Progress | None = None
) -> None:
    """Write `phantom` to the new folder `root`, all of it or nothing; equal phantoms give equal bytes.

    Finished scans are kept in a draft beside `root`: an interrupted write resumes when it is called again.
    `processes` defaults to one per core, and to this one where starting others would take longer.
    `on_progress` is called with the scans written and their total. Raise DataError where `root` exists, or
    the set has fewer annotated patients.
    """
    scans = choose_scans(phantom)
    with drafting(root, _digest(phantom)) as folder:
        outlines: dict[int, list[Outline]] = defaultdict(list)
        for outline in read_outlines(scans):
            outlines[outline.patch.scan].append(outline)
        parts = [_part(phantom, scan, outlines[scan.number]) for scan in scans]
        write_parts(folder, parts, few=_FEW_SCANS, processes=processes, on_progress=on_progress)
        (folder / MANIFEST).write_text(_manifest(phantom, scans, outlines), encoding="utf-8")


def choose_scans(phantom: LidcPhantom) -> list[Scan]:
    """Return the annotated scans of the phantom's patients, in the order of their numbers."""
    of_patient: dict[int, list[Scan]] = defaultdict(list)
    for scan in read_scans():
        if scan.annotations:
            of_patient[scan.subject].append(scan)
    if phantom.patients > len(of_patient):
        raise DataError(f"a phantom of {phantom.patients} patients: only {len(of_patient)} are annotated")
    order = np.random.default_rng(phantom.seed).permutation(sorted(of_patient))
    cheap_first = sorted(order, key=lambda subject: max(map(_slices, of_patient[subject])) > _FEW_SLICES)
    chosen = [scan for subject in cheap_first[: phantom.patients] for scan in of_patient[subject]]
    return sorted(chosen, key=lambda scan: scan.number)


def draw_patches(phantom: LidcPhantom, rules: LidcRules) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Return labels and subjects, (N,) each, of the patches that `rules` choose, without writing anything."""
    scans = choose_scans(phantom)
    chosen = choose_patches(scans, rules)
    return labels_of([patch for scan in scans for patch in chosen[scan.number]], rules)


def _slices(scan: Scan) -> int:
    return len(scan.heights)


def draw_slice(rng: Generator, phantom: LidcPhantom, spacing: float, outlines: Sequence[Outline]) -> Floats:
    """Draw a slice with nodules in Hounsfield units, (512, 512), `spacing` mm a pixel."""
    rows, columns = np.ogrid[:SIDE, :SIDE]
    near = np.zeros((SIDE, SIDE), bool)
    lesions = np.zeros((SIDE, SIDE))
    for outline in outlines:
        patch = outline.patch
        near |= np.hypot(rows - patch.row, columns - patch.column) <= REACH_MM / spacing
        amplitude = phantom.contrast_hu * _draw_level(rng, phantom, patch.raters)
        template = phantom_observer.soften(outline.mask) * amplitude
        margin = (template.shape[0] - outline.mask.shape[0]) // 2
        top, left = outline.top - margin, outline.left - margin
        around = lesions[top : top + template.shape[0], left : left + template.shape[1]]
        np.maximum(around, template, out=around)
    noise = rng.normal(0, OFFSET_HU) + np.tile(_draw_noise(rng, phantom), (SIDE // TILE, SIDE // TILE))
    return BACKGROUND_HU + np.where(near, noise + lesions, 0)


def _draw_level(rng: Generator, phantom: LidcPhantom, raters: int) -> float:
    chances = phantom_observer.drawn_amplitudes(phantom.label_noise)[min(raters, RATERS) - 1]
    return float(rng.choice(RATERS, p=chances) + 1) / RATERS


def _draw_noise(rng: Generator, phantom: LidcPhantom) -> Floats:
    """Draw texture and noise on the tile, which wraps around; its mean is 0."""
    white = fft.rfft2(rng.standard_normal((TILE, TILE)))
    noise: Floats = fft.irfft2(white * _noise_amplitude(phantom), (TILE, TILE))
    return noise


@cache
def _noise_amplitude(phantom: LidcPhantom) -> Floats:
    amplitude = np.sqrt(phantom.noise_power[:, : TILE // 2 + 1])
    amplitude[0, 0] = 0
    return amplitude


def _part(phantom: LidcPhantom, scan: Scan, outlines: Sequence[Outline]) -> Part:
    place = Path(scan.patient, scan.study, scan.series)
    return Part(name=scan.name, place=place, size=1, fill=partial(_write_scan, phantom, scan, outlines))


def _write_scan(phantom: LidcPhantom, scan: Scan, outlines: Iterable[Outline], folder: Path) -> None:
    writer = SliceWriter(folder, scan)
    of_slice: dict[int, list[Outline]] = defaultdict(list)
    for outline in outlines:
        of_slice[outline.patch.slice].append(outline)
    # A generator for each scan: what else is written cannot shift what it draws.
    rng = np.random.default_rng([phantom.seed, scan.number])
    low, high = INTERCEPT, INTERCEPT + 2**BITS_STORED - 1
    for place in range(len(scan.heights)):
        if place in of_slice:
            drawn = draw_slice(rng, phantom, scan.pixel_spacing, of_slice[place])
            writer.write(place, np.clip(np.round(drawn), low, high).astype(np.int16))
        else:
            writer.write(place, BACKGROUND_HU)


def _digest(phantom: LidcPhantom) -> str:
    return hashlib.sha256(json.dumps(_parameters(phantom)).encode()).hexdigest()[:16]


def _parameters(phantom: LidcPhantom) -> dict[str, float]:
    return {"format": FORMAT, **asdict(phantom)}


def _manifest(phantom: LidcPhantom, scans: Iterable[Scan], outlines: dict[int, list[Outline]]) -> str:
    patches = sum(map(len, outlines.values()))
    right = np.zeros(RATERS)
    inverse = phantom_observer.correlation(phantom.noise_power)
    for scan in scans:
        for outline in outlines[scan.number]:
            right += _accuracies(phantom, outline, scan.pixel_spacing, inverse)
    bounds = {str(raters): bound for raters, bound in enumerate((right / patches).round(6).tolist(), 1)}
    content = {
        "redl_phantom": _parameters(phantom),
        "note": "Synthetic images around real annotations, written by redl: no patient was imaged.",
        "patches": patches,
        "ideal_accuracy": bounds,
    }
    return json.dumps(content, indent=2)


def _accuracies(phantom: LidcPhantom, outline: Outline, spacing: float, inverse: Floats) -> Floats:
    """Return the ideal observer's accuracy on a patch for labels by 1, 2, 3 and 4 raters."""
    detectable = phantom.contrast_hu * phantom_observer.detectability(
        phantom_observer.soften(outline.mask), inverse
    )
    chances = phantom_observer.prior(float(outline.mask.sum()) * spacing**2)
    return phantom_observer.accuracies(detectable, chances, outline.patch.raters, phantom.label_noise)
