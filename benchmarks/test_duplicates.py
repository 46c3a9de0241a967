"""Looking for copies among 5000 images, beside the time that preparing them takes."""

import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pytest_benchmark.fixture import BenchmarkFixture

from redl.data.cache.entry import open_prepared
from redl.data.cache.preparation import prepare
from redl.data.duplicates import find_duplicates
from redl.data.folder import Folder, folder_source

IMAGES, SIZE, SIDE = 5000, 256, 384
MOST_OF_PREPARING = 0.10


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """Write PNG files, the quickest to decode, which leaves the least time to hide in."""
    folder = tmp_path_factory.mktemp("clinic")
    rng, rows = np.random.default_rng(0), ["image,subject,label"]
    for number in range(IMAGES):
        noise = Image.fromarray(rng.integers(0, 256, (24, 24)).astype(np.uint8))
        noise.resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(folder / f"{number}.png", compress_level=1)
        rows.append(f"{number}.png,{number},{number % 2}")
    (folder / "table.csv").write_text("\n".join(rows))
    return Folder(name="clinic", images=folder, table=folder / "table.csv")


@pytest.mark.benchmark(group="duplicates")
def test_duplicates(benchmark: BenchmarkFixture, clinic: Folder, tmp_path: Path) -> None:
    """The search takes at most a tenth of the preparation that it is a part of."""
    began = time.perf_counter()
    prepared = open_prepared(prepare(folder_source(clinic, image_size=SIZE), cache=tmp_path))
    preparing = time.perf_counter() - began

    def search() -> None:
        chunks = (prepared.images[start : start + 64] for start in range(0, IMAGES, 64))
        assert find_duplicates(chunks, lambda row: prepared.images[row], prepared.subjects) == ()

    benchmark.pedantic(search, rounds=3, iterations=1)
    share = benchmark.stats.stats.median / preparing
    benchmark.extra_info |= {"preparing_s": preparing, "share_of_preparing": share}
    assert share <= MOST_OF_PREPARING
