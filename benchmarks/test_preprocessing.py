"""Preprocessing full-size mammograms: images a second, beside the published way and beside decoding alone.

All three work on the same files in one run, in turns, so that a busy machine slows them alike.
"""

import io
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from statistics import median

import imagecodecs
import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.encaps import get_frame
from pytest_benchmark.fixture import BenchmarkFixture

from redl.data.crew import Crew
from redl.data.dicom import BITS_STORED, Encoding, Syntax, write_image
from redl.data.draft import Draft
from redl.data.framing import load_mammogram
from redl.data.mammogram import Tissue, draw_anatomy, draw_mammogram
from redl.data.source import Item

SHAPE, SIZE = (2776, 2082), 256  # of files in the RSNA data; the image size of the paper
DISTINCT, TIMES, ROUNDS = 3, 8, 5
REDUCE = 2  # halvings that leave both sides at twice SIZE
LEAST_GAIN, MOST_OVERHEAD = 15, 1.15


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Write mammograms of 12 bits, each in both of the data's transfer syntaxes."""
    folder = tmp_path_factory.mktemp("full-size")
    rng = np.random.default_rng(0)
    tissue = Tissue(texture=0.08, contrast=0.55, radius=0.03 * SHAPE[0], noise=0.01)
    paths = []
    for number in range(DISTINCT):
        anatomy = draw_anatomy(rng, SHAPE, tissue, oblique=number % 2 == 1)
        pixels = draw_mammogram(rng, anatomy, tissue, lesion=True, mirrored=number % 2 == 0)
        brightness = np.round(pixels * (2**BITS_STORED - 1)).astype(np.uint16)
        for syntax in (Syntax.JPEG2000, Syntax.JPEG_LOSSLESS):
            path = folder / f"{number}-{syntax}.dcm"
            encoding = Encoding(syntax=syntax, inverted=False, sigmoid=False)
            write_image(path, brightness, encoding, patient=str(number), key=str(number))
            paths.append(path)
    return paths


def decode(path: Path) -> np.ndarray:
    """Decode what the path needs and no more, by the libraries alone: JPEG 2000 at a quarter."""
    stream = get_frame(dcmread(path).PixelData, 0, number_of_frames=1)
    if Syntax.JPEG2000 in path.name:
        with Image.open(io.BytesIO(stream)) as image:
            image.reduce = REDUCE
            image.load()
    else:
        imagecodecs.ljpeg_decode(stream)
    return np.zeros((1, SIZE, SIZE), np.uint8)


def published(path: Path) -> None:
    """Decode whole, scale by the maximum, resize in floating point, write a PNG file.

    Source: the published code of Selvan, Schoen and Dam (2023), which does so for one file after another.
    """
    from skimage.transform import resize

    stream = get_frame(dcmread(path).PixelData, 0, number_of_frames=1)
    whole = imagecodecs.jpeg2k_decode if Syntax.JPEG2000 in path.name else imagecodecs.ljpeg_decode
    stored = whole(stream)
    resized = resize(stored / stored.max(), (SIZE, SIZE), anti_aliasing=True)
    Image.fromarray(np.round(resized * 255).astype(np.uint8)).save(path.with_suffix(".png"))


def items(paths: Iterable[Path], work: Callable[..., np.ndarray]) -> list[Item]:
    """Make an item of each file, several times over."""
    return [
        Item(name=path.name, stamp="", rows=1, work=partial(work, path))
        for path in paths
        for _ in range(TIMES)
    ]


@pytest.mark.benchmark(group="preprocessing")
@pytest.mark.parametrize("syntax", ["both", Syntax.JPEG2000, Syntax.JPEG_LOSSLESS])
def test_preprocessing(benchmark: BenchmarkFixture, files: list[Path], tmp_path: Path, syntax: str) -> None:
    """Preparation is many times as fast as the published way, and hardly slower than its decoder."""
    paths = [path for path in files if syntax == "both" or syntax in path.name]
    prepared = items(paths, partial(load_mammogram, size=SIZE, crop=True))
    decoded = items(paths, decode)
    seconds: dict[str, list[float]] = {"decode": [], "published": []}
    with Crew() as crew, Draft(tmp_path, rows=[1] * len(prepared), image_size=SIZE) as draft:

        def prepare() -> None:
            for number, images in crew.work_through(enumerate(prepared)):
                assert isinstance(images, np.ndarray), images
                draft.put(number, images)

        def others() -> None:
            for name, work in (
                ("decode", lambda: list(crew.work_through(enumerate(decoded)))),
                ("published", lambda: [published(path) for path in paths]),
            ):
                began = time.perf_counter()
                count = len(work())
                seconds[name].append((time.perf_counter() - began) / count)

        others()  # the first time, imports are paid for
        prepare()
        seconds = {"decode": [], "published": []}
        benchmark.pedantic(prepare, setup=others, rounds=ROUNDS, iterations=1)

    ours = [round_seconds / len(prepared) for round_seconds in benchmark.stats.stats.data]
    # Ratios within a round, for the machine's own speed changes from one to the next.
    gain = median(way / our for way, our in zip(seconds["published"], ours, strict=True))
    overhead = median(our / alone for alone, our in zip(seconds["decode"], ours, strict=True))
    benchmark.extra_info |= {
        "images_per_second": 1 / median(ours),
        "images_per_second_published": 1 / median(seconds["published"]),
        "images_per_second_decode": 1 / median(seconds["decode"]),
        "times_as_fast_as_published": gain,
        "time_over_decode_alone": overhead,
    }
    if syntax == "both":
        assert gain >= LEAST_GAIN
        assert overhead <= MOST_OVERHEAD
