"""Preprocessing full-size mammograms: images a second, beside the published way and beside decoding alone.

All three work on the same files in one run, in turns, so that a busy machine slows them alike.
"""

import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from statistics import median

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from redl.data.cache.partial import Partial
from redl.data.cache.pool import Pool
from redl.data.source import Images, Item

DISTINCT, TIMES, ROUNDS = 3, 8, 5
LEAST_GAIN, MOST_OVERHEAD = 15, 1.15


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Write mammograms, each in both of the data's transfer syntaxes."""
    from benchmarks.published import write_mammograms  # collecting this module must not import the decoders

    return write_mammograms(tmp_path_factory.mktemp("full-size"), DISTINCT)


def items(paths: Iterable[Path], work: Callable[..., Images]) -> list[Item]:
    """Make an item of each file, several times over."""
    return [
        Item(name=path.name, stamp="", rows=1, work=partial(work, path))
        for path in paths
        for _ in range(TIMES)
    ]


@pytest.mark.benchmark(group="preprocessing")
@pytest.mark.parametrize("syntax", ["both", "jpeg2000", "jpeg-lossless"])
def test_preprocessing(benchmark: BenchmarkFixture, files: list[Path], tmp_path: Path, syntax: str) -> None:
    """Preparation is many times as fast as the published way, and hardly slower than its decoder."""
    from benchmarks.published import SIZE, decode, publish
    from redl.data.rsna.cropping import load_mammogram

    paths = [path for path in files if syntax == "both" or syntax in path.name]
    prepared = items(paths, partial(load_mammogram, size=SIZE, crop=True))
    decoded = items(paths, decode)
    seconds: dict[str, list[float]] = {"decode": [], "published": []}
    with Pool() as pool, Partial(tmp_path, rows=[1] * len(prepared), image_size=SIZE) as draft:

        def prepare() -> None:
            for number, images in pool.work_through(enumerate(prepared)):
                assert isinstance(images, Images), images
                draft.put(number, images.images)

        def others() -> None:
            for name, work in (
                ("decode", lambda: list(pool.work_through(enumerate(decoded)))),
                ("published", lambda: [publish(path) for path in paths]),
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
