"""Add your own network, setting and data set to the suite."""

import csv
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from nets import small_net
from PIL import Image
from tricks import frugal

from redl.data.folder import Folder
from redl.study.custom import CustomModel, CustomSetting

HERE = Path(__file__).parent


def pytest_redl_models() -> Iterable[CustomModel]:
    """Bring a network that a function builds; `timm="resnet18"` in place of `build` brings one of timm's."""
    return [CustomModel(name="smallnet", build=small_net)]


def pytest_redl_settings() -> Iterable[CustomSetting]:
    """Bring a setting that a function states."""
    return [CustomSetting(name="frugal", configure=frugal)]


def pytest_redl_datasets(config: pytest.Config) -> Iterable[Folder]:
    """Bring a folder of images with a table; a real one would be there already."""
    folder = config.rootpath / "squares"
    if not folder.exists():
        _draw_squares(folder)
    return [Folder(name="squares", images=folder, table=folder / "table.csv")]


def _draw_squares(folder: Path, *, subjects: int = 60) -> None:
    """Draw two images a subject, with a bright square in every other subject's."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    rows = []
    for number in range(2 * subjects):
        label = number // 2 % 2
        image = rng.integers(0, 80, (64, 64), dtype=np.uint8)
        image[20:44, 20:44] += np.uint8(120 * label)
        Image.fromarray(image).save(folder / f"{number}.png")
        rows.append([f"{number}.png", f"subject {number // 2}", label])
    with (folder / "table.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["image", "subject", "label"], *rows])
